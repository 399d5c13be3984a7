//! The log of a table, as the library reads it to learn what files the table has: commits by the hundred.

use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use delta_kernel::{Engine, EvaluationHandler, JsonHandler, ParquetHandler, StorageHandler};
use deltalake_core::DeltaResult;
use deltalake_core::kernel::Version;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::{CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, ObjectStoreRef};
use object_store::path::Path;
use uuid::Uuid;

use super::commit_files::CommitFiles;
use super::commit_handler::CommitHandler;
use super::log_folder::LogFolder;
use super::log_listing::LogListing;

/// Only for as long as one state is read: what is read of commits for protocol and metadata is kept for the files.
pub struct ReplayedLog {
    inner: LogStoreRef,
    commits: Arc<CommitFiles>,
    folder: Option<LogFolder>,
    root: Path,
}

impl ReplayedLog {
    /// `folder`: where the log is on this machine; `root`: the table's, as the store has it.
    pub fn new(inner: LogStoreRef, folder: Option<LogFolder>, root: Path) -> Self {
        let commits = CommitFiles::new(folder.clone(), inner.root_object_store(None));
        Self {
            inner,
            commits: Arc::new(commits),
            folder,
            root,
        }
    }
}

impl fmt::Debug for ReplayedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ReplayedLog({})", self.inner.name())
    }
}

#[async_trait]
impl LogStore for ReplayedLog {
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    async fn write_commit_entry(
        &self,
        version: Version,
        commit: CommitOrBytes,
        operation: Uuid,
    ) -> Result<(), TransactionError> {
        self.inner.write_commit_entry(version, commit, operation).await
    }

    async fn abort_commit_entry(
        &self,
        version: Version,
        commit: CommitOrBytes,
        operation: Uuid,
    ) -> Result<(), TransactionError> {
        self.inner.abort_commit_entry(version, commit, operation).await
    }

    async fn get_latest_version(&self, current: Version) -> DeltaResult<Version> {
        self.inner.get_latest_version(current).await
    }

    fn object_store(&self, operation: Option<Uuid>) -> ObjectStoreRef {
        self.inner.object_store(operation)
    }

    fn root_object_store(&self, operation: Option<Uuid>) -> ObjectStoreRef {
        self.inner.root_object_store(operation)
    }

    fn engine(&self, operation: Option<Uuid>) -> Arc<dyn Engine> {
        let inner = self.inner.engine(operation);
        let storage = inner.storage_handler();
        Arc::new(ReplayEngine {
            storage: match &self.folder {
                Some(folder) => Arc::new(LogListing::new(storage, folder.clone(), &self.root)),
                None => storage,
            },
            json: Arc::new(CommitHandler::new(inner.json_handler(), self.commits.clone())),
            inner,
        })
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}

/// The library's engine but for how commits are listed and read.
struct ReplayEngine {
    inner: Arc<dyn Engine>,
    storage: Arc<dyn StorageHandler>,
    json: Arc<CommitHandler>,
}

impl Engine for ReplayEngine {
    fn evaluation_handler(&self) -> Arc<dyn EvaluationHandler> {
        self.inner.evaluation_handler()
    }

    fn storage_handler(&self) -> Arc<dyn StorageHandler> {
        self.storage.clone()
    }

    fn json_handler(&self) -> Arc<dyn JsonHandler> {
        self.json.clone()
    }

    fn parquet_handler(&self) -> Arc<dyn ParquetHandler> {
        self.inner.parquet_handler()
    }
}
