//! A log that notes what an operation of the library would commit, and commits nothing.

use std::fmt;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use deltalake_core::kernel::Version;
use deltalake_core::kernel::transaction::TransactionError;
use deltalake_core::logstore::{CommitOrBytes, LogStore, LogStoreConfig, LogStoreRef, ObjectStoreRef};
use deltalake_core::{DeltaResult, DeltaTableError};
use uuid::Uuid;

use super::record::CommitRecord;
use crate::error::{Error, Result};

tokio::task_local! {
    static PLAN: Arc<Mutex<Option<Planned>>>;
}

enum Planned {
    Bytes(Bytes),
    Record(Box<CommitRecord>),
}

/// Runs an operation of the library; answers what it would commit, or nothing where it found nothing to do.
pub async fn planned(operation: impl Future<Output = DeltaResult<()>>) -> Result<Option<CommitRecord>> {
    let plan = Arc::new(Mutex::default());
    let result = PLAN.scope(plan.clone(), operation).await;
    match (plan.lock().expect("no holder panics").take(), result) {
        (Some(Planned::Bytes(bytes)), _) => CommitRecord::parse(&bytes).map(Some),
        (Some(Planned::Record(record)), _) => Ok(Some(*record)),
        (None, Ok(())) => Ok(None),
        (None, Err(error)) => Err(error.into()),
    }
}

/// Notes a commit as an operation of the library does.
pub fn plan(record: CommitRecord) {
    PLAN.with(|plan| *plan.lock().expect("no holder panics") = Some(Planned::Record(Box::new(record))));
}

/// The log of a table, as operations see it.
pub struct PlannedLog {
    inner: LogStoreRef,
}

impl PlannedLog {
    pub fn new(inner: LogStoreRef) -> Self {
        Self { inner }
    }
}

impl fmt::Debug for PlannedLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PlannedLog({})", self.inner.name())
    }
}

#[async_trait]
impl LogStore for PlannedLog {
    /// The name by which the library hands over a commit as bytes.
    fn name(&self) -> String {
        self.inner.name()
    }

    async fn read_commit_entry(&self, version: Version) -> DeltaResult<Option<Bytes>> {
        self.inner.read_commit_entry(version).await
    }

    /// Always an error, so that the library doesn't go on as if the version were there.
    async fn write_commit_entry(
        &self,
        _: Version,
        commit: CommitOrBytes,
        _: Uuid,
    ) -> std::result::Result<(), TransactionError> {
        let noted = match commit {
            CommitOrBytes::LogBytes(bytes) => {
                PLAN.try_with(|plan| *plan.lock().expect("no holder panics") = Some(Planned::Bytes(bytes)))
            }
            CommitOrBytes::TmpCommit(_) => Ok(()),
        };
        let message = match noted {
            Ok(()) => "The commit is planned",
            Err(_) => "An operation commits outside of a plan",
        };
        Err(TransactionError::LogStoreError {
            msg: message.to_owned(),
            source: Box::new(Error::internal(message)),
        })
    }

    async fn abort_commit_entry(
        &self,
        _: Version,
        _: CommitOrBytes,
        _: Uuid,
    ) -> std::result::Result<(), TransactionError> {
        Ok(())
    }

    /// While an operation is planned its version stays the newest: whether it may follow others is not the library's to say.
    async fn get_latest_version(&self, current: Version) -> DeltaResult<Version> {
        match PLAN.try_with(|_| ()) {
            Ok(()) => Ok(current),
            Err(_) => self.inner.get_latest_version(current).await,
        }
    }

    fn object_store(&self, operation: Option<Uuid>) -> ObjectStoreRef {
        self.inner.object_store(operation)
    }

    fn root_object_store(&self, operation: Option<Uuid>) -> ObjectStoreRef {
        self.inner.root_object_store(operation)
    }

    fn config(&self) -> &LogStoreConfig {
        self.inner.config()
    }
}

/// The library's errors end here: none of them may be taken for the note above.
impl From<Error> for DeltaTableError {
    fn from(error: Error) -> Self {
        Self::GenericError {
            source: Box::new(error),
        }
    }
}
