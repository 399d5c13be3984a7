//! The object stores that plans may read: one a table, and no others.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, RwLock};

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::object_store::ObjectStoreRegistry;
use object_store::ObjectStore;
use url::Url;

use super::Location;
use super::durable_store::DurableStore;
use crate::commit::Committer;
use crate::error::Error;
use crate::generated::ErrorCode;

/// DataFusion's own registry holds the whole local file system; this one holds what [`super::TableStore`]s put in.
#[derive(Default)]
pub struct TableStores {
    stores: RwLock<HashMap<String, Arc<dyn ObjectStore>>>,
    committers: Mutex<HashMap<String, Arc<Committer>>>,
    folders: Mutex<HashMap<PathBuf, DurableStore>>,
}

impl TableStores {
    /// The one committer of the table at a place, under whatever names it is served.
    pub fn committer(&self, location: &Location) -> Arc<Committer> {
        let mut committers = self.committers.lock().expect("no holder panics");
        committers.entry(location.uri()).or_default().clone()
    }

    /// The one store of a folder, under whatever names it is served: a commit brings to the disk what others wrote for it.
    pub fn folder(&self, path: &Path) -> DurableStore {
        let mut folders = self.folders.lock().expect("no holder panics");
        folders.entry(path.to_owned()).or_default().clone()
    }
}

impl fmt::Debug for TableStores {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stores = self.stores.read().expect("no writer panics");
        f.debug_set().entries(stores.keys()).finish()
    }
}

impl ObjectStoreRegistry for TableStores {
    fn register_store(&self, url: &Url, store: Arc<dyn ObjectStore>) -> Option<Arc<dyn ObjectStore>> {
        self.stores
            .write()
            .expect("no writer panics")
            .insert(store_key(url), store)
    }

    fn deregister_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let removed = self.stores.write().expect("no writer panics").remove(&store_key(url));
        removed.ok_or_else(unknown)
    }

    fn get_store(&self, url: &Url) -> Result<Arc<dyn ObjectStore>> {
        let stores = self.stores.read().expect("no writer panics");
        stores.get(&store_key(url)).cloned().ok_or_else(unknown)
    }
}

/// What a store is known by: all that plans look at.
pub fn store_key(url: &Url) -> String {
    format!("{}://{}", url.scheme(), url.host_str().unwrap_or_default())
}

fn unknown() -> DataFusionError {
    let message = "The table's log names a file outside the table's folder";
    DataFusionError::External(Box::new(Error::new(ErrorCode::LocationNotAllowed, message)))
}
