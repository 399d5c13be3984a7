//! The store of one table, under an address of its own.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use chrono::{DateTime, Utc};
use datafusion::execution::object_store::ObjectStoreRegistry;
use deltalake_core::logstore::{LogStoreRef, StorageConfig, default_logstore};
use futures::TryStreamExt;
use object_store::memory::InMemory;
use object_store::path::Path;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, ObjectStoreExt};
use url::Url;

use super::decoding_store::DecodingStore;
use super::log_folder::LogFolder;
use super::replayed_log::ReplayedLog;
use super::rooted_store::RootedStore;
use super::s3::s3_store;
use super::sweep::sweep;
use super::table_stores::{TableStores, store_key};
use super::{Location, Locations};
use crate::commit::{Committer, PlannedLog};
use crate::error::{Error, Result};

/// Files and folders that are looked at before the first write.
const SWEPT_FIRST: usize = 10_000;

/// A table's log and data, registered for plans under `lakegate://tN` as long as this value lives.
///
/// DataFusion and the Delta library know stores by scheme and host alone, first come first served: two tables
/// in one bucket would share the first one's credentials. An own host for each table keeps them apart.
pub struct TableStore {
    pub location: Location,
    pub log: LogStoreRef,
    pub committer: Arc<Committer>,
    url: Url,
    root: Path,
    stores: Arc<TableStores>,
}

impl TableStore {
    pub fn open(
        location: Location,
        options: &BTreeMap<String, String>,
        locations: &Locations,
        stores: Arc<TableStores>,
    ) -> Result<Self> {
        static NEXT: AtomicU64 = AtomicU64::new(0);
        let (store, root) = match &location {
            Location::Folder(path) => (
                Arc::new(stores.folder(path)) as Arc<dyn ObjectStore>,
                Path::from_absolute_path(path).map_err(object_store::Error::from)?,
            ),
            Location::S3 { bucket, prefix } => (
                s3_store(bucket, options, locations)?,
                Path::parse(prefix).map_err(object_store::Error::from)?,
            ),
        };
        let url = address(NEXT.fetch_add(1, Ordering::Relaxed), &root)?;
        let rooted: Arc<dyn ObjectStore> = Arc::new(RootedStore::new(
            store,
            root.clone(),
            matches!(location, Location::Folder(_)),
        ));
        stores.register_store(&url, rooted.clone());
        let prefixed = Arc::new(PrefixStore::new(rooted.clone(), root.clone()));
        let log = default_logstore(prefixed, rooted, &url, &StorageConfig::default());
        let committer = stores.committer(&location);
        Ok(Self {
            location,
            log: Arc::new(PlannedLog::new(log)),
            committer,
            url,
            root,
            stores,
        })
    }

    /// What plans know the store by.
    pub fn key(&self) -> String {
        store_key(&self.url)
    }

    /// Removes what commits that were killed left behind.
    pub async fn sweep(&self) -> Result<()> {
        self.sweep_some(usize::MAX).await
    }

    /// The same at the first call for a table, as far as it goes quickly; VACUUM removes, or complains of, what is left.
    pub async fn sweep_first(&self) {
        let sweeping = async || drop(self.sweep_some(SWEPT_FIRST).await);
        self.committer.swept.get_or_init(sweeping).await;
    }

    async fn sweep_some(&self, most: usize) -> Result<()> {
        if let Location::Folder(folder) = &self.location {
            let folder = folder.clone();
            tokio::task::spawn_blocking(move || sweep(&folder, most)).await??;
        }
        Ok(())
    }

    /// Where plans find a file that lies at `path` below the table.
    pub fn locate(&self, path: &Path) -> Path {
        self.root.parts().chain(path.parts()).collect()
    }

    /// The address of the table's folder, for the Delta library.
    pub fn url(&self) -> &Url {
        &self.url
    }

    /// The log for a state to be read of it, once.
    pub fn replayed_log(&self) -> ReplayedLog {
        ReplayedLog::new(self.log.clone(), self.log_folder(), self.root.clone())
    }

    /// Where the log is on this machine, if it is.
    pub fn log_folder(&self) -> Option<LogFolder> {
        match &self.location {
            Location::Folder(folder) => Some(LogFolder::of(folder)),
            Location::S3 { .. } => None,
        }
    }

    /// The names of the log's files with their times.
    pub async fn log_files(&self) -> Result<Vec<(String, DateTime<Utc>)>> {
        if let Some(folder) = self.log_folder()
            && let Ok(Some(files)) = tokio::task::spawn_blocking(move || folder.list()).await?
        {
            return Ok(files.into_iter().map(|file| (file.name, file.modified)).collect());
        }
        let files = self.log.object_store(None).list(Some(self.log.log_path()));
        let named = files.try_filter_map(async |file| {
            let name = file.location.filename().map(str::to_owned);
            Ok(name.map(|name| (name, file.last_modified)))
        });
        Ok(named.try_collect().await?)
    }

    /// The table as the library's change feed reads it, under an address apart from the others.
    pub fn change_log(&self) -> Result<LogStoreRef> {
        let mut url = self.url.clone();
        let host = format!("{}-changes", url.host_str().unwrap_or_default());
        url.set_host(Some(&host))
            .map_err(|error| Error::internal(error.to_string()))?;
        let files = Arc::new(DecodingStore(self.log.object_store(None)));
        let root = self.log.root_object_store(None);
        Ok(default_logstore(files, root, &url, &StorageConfig::default()))
    }

    /// A log of one commit, which isn't on the disk.
    pub async fn log_of_one(&self, commit: Bytes) -> Result<LogStoreRef> {
        let mut url = self.url.clone();
        let host = format!("{}-planned", url.host_str().unwrap_or_default());
        url.set_host(Some(&host))
            .map_err(|error| Error::internal(error.to_string()))?;
        let memory = Arc::new(InMemory::new());
        let first = self.locate(&Path::from("_delta_log/00000000000000000000.json"));
        memory.put(&first, commit.into()).await?;
        let files = Arc::new(PrefixStore::new(memory.clone(), self.root.clone()));
        Ok(default_logstore(files, memory, &url, &StorageConfig::default()))
    }

    /// Replaces the table's own address in a message with the URI its users know.
    pub fn public_text(&self, text: &str) -> String {
        text.replace(self.url.as_str(), "")
            .replace(self.url.as_str().trim_end_matches('/'), &self.location.uri())
            .replace(self.url.path().trim_matches('/'), "")
    }
}

impl Drop for TableStore {
    fn drop(&mut self) {
        // The library registers the table a second time, under an address of its own.
        let _ = self.stores.deregister_store(self.log.object_store_url().as_ref());
        if let Ok(log) = self.change_log() {
            let _ = self.stores.deregister_store(log.object_store_url().as_ref());
        }
        let _ = self.stores.deregister_store(&self.url);
    }
}

fn address(number: u64, root: &Path) -> Result<Url> {
    let mut url = Url::parse(&format!("lakegate://t{number}/")).map_err(|error| Error::internal(error.to_string()))?;
    url.path_segments_mut()
        .map_err(|()| Error::internal("a URL without a path"))?
        .extend(root.parts().map(|part| part.as_ref().to_owned()))
        .push("");
    Ok(url)
}
