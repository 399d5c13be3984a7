//! The tables that are served: those below the warehouse, and those registered by URI.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, RwLock};

use super::discovery::{discover, is_table};
use super::snapshot_cache::SnapshotCache;
use super::table::Table;
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, TableEntry, TableSource, TableSpec};
use crate::sql::closest;
use crate::storage::{Location, Locations, TableStore, TableStores};

pub struct Catalog {
    locations: Locations,
    stores: Arc<TableStores>,
    versions: Arc<SnapshotCache>,
    tables: RwLock<HashMap<String, Arc<Table>>>,
}

impl Catalog {
    pub fn new(locations: Locations, stores: Arc<TableStores>, versions: SnapshotCache) -> Self {
        Self {
            locations,
            stores,
            versions: Arc::new(versions),
            tables: RwLock::default(),
        }
    }

    /// Finds a table; one that was put into the warehouse since is found too.
    pub async fn table(&self, name: &str) -> Result<Arc<Table>> {
        if let Some(table) = self.known(name)
            && is_there(&table)
        {
            return Ok(table);
        }
        let found = self.discover().await?;
        match found.get(name).map(Vec::as_slice) {
            Some([folder]) => self.open_folder(name, folder.clone()),
            Some(folders) => Err(ambiguous(name, folders.len())),
            None => Err(self.unknown(name, found)),
        }
    }

    /// Whether a table is served by this name.
    pub async fn has(&self, name: &str) -> Result<bool> {
        Ok(self.known(name).is_some_and(|table| is_there(&table)) || self.discover().await?.contains_key(name))
    }

    /// Every table by name, whether or not it can be read.
    pub async fn entries(&self) -> Result<Vec<TableEntry>> {
        let mut entries: BTreeMap<String, TableEntry> = BTreeMap::new();
        for (name, folders) in self.discover().await? {
            for folder in folders {
                let entry = entry(&name, Location::Folder(folder).uri(), TableSource::Warehouse);
                entries.insert(name.clone(), entry);
            }
        }
        for table in self.tables.read().expect("no writer panics").values() {
            if table.source == TableSource::Registered {
                let uri = table.store.location.uri();
                entries.insert(table.name.clone(), entry(&table.name, uri, table.source));
            }
        }
        Ok(entries.into_values().collect())
    }

    /// Serves the table at `spec.uri` as `name`, in place of one registered before; it must be readable.
    pub async fn attach(&self, name: &str, spec: &TableSpec) -> Result<Arc<Table>> {
        if self.discover().await?.contains_key(name) {
            let message = format!("The name '{name}' belongs to a table of the warehouse: choose another");
            return Err(Error::new(ErrorCode::NameTaken, message));
        }
        let location = self.locations.resolve(&spec.uri)?;
        let store = TableStore::open(location, &spec.storage_options, &self.locations, self.stores.clone())?;
        let table = self.open(name, TableSource::Registered, store);
        let table = Arc::new(table.with_gate(spec.gate.clone()));
        let newest = table.snapshot(None).await?;
        newest.require_readable().map_err(|error| table.explain(error))?;
        self.insert(table.clone());
        Ok(table)
    }

    /// Stops serving a registered table; whether there was one.
    pub fn detach(&self, name: &str) -> bool {
        let mut tables = self.tables.write().expect("no writer panics");
        let registered = tables
            .get(name)
            .is_some_and(|table| table.source == TableSource::Registered);
        registered && tables.remove(name).is_some()
    }

    /// Deletes a table with its files and stops serving it, where it still is at `version`; at any when there is none.
    pub async fn purge(&self, name: &str, version: Option<i64>) -> Result<()> {
        let table = self.table(name).await?;
        if let Some(version) = version
            && table.snapshot(None).await?.version != version
        {
            let message = format!("The table '{name}' is not at version {version} any more");
            return Err(Error::new(ErrorCode::PreconditionFailed, message).with("table", name));
        }
        table.store.purge().await.map_err(|error| table.explain(error))?;
        self.tables.write().expect("no writer panics").remove(name);
        Ok(())
    }

    /// The place of a table that is written to, and may not be there yet.
    pub fn place(&self, uri: &str, options: &BTreeMap<String, String>) -> Result<Arc<Table>> {
        let location = self.locations.create(uri)?;
        let store = TableStore::open(location, options, &self.locations, self.stores.clone())?;
        Ok(Arc::new(self.open(uri, TableSource::Registered, store)))
    }

    /// Whether `table` still is what its name stands for.
    pub fn serves(&self, table: &Arc<Table>) -> bool {
        self.known(&table.name).is_some_and(|known| Arc::ptr_eq(&known, table))
    }

    fn known(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.read().expect("no writer panics").get(name).cloned()
    }

    fn insert(&self, table: Arc<Table>) {
        self.tables
            .write()
            .expect("no writer panics")
            .insert(table.name.clone(), table);
    }

    async fn discover(&self) -> Result<BTreeMap<String, Vec<PathBuf>>> {
        let root = self.locations.warehouse().to_owned();
        Ok(tokio::task::spawn_blocking(move || discover(&root)).await?)
    }

    fn open_folder(&self, name: &str, folder: PathBuf) -> Result<Arc<Table>> {
        let store = TableStore::open(
            Location::Folder(folder),
            &BTreeMap::new(),
            &self.locations,
            self.stores.clone(),
        )?;
        let table = Arc::new(self.open(name, TableSource::Warehouse, store));
        self.insert(table.clone());
        Ok(table)
    }

    fn open(&self, name: &str, source: TableSource, store: TableStore) -> Table {
        Table::new(name, source, store, self.versions.clone())
    }

    fn unknown(&self, name: &str, found: BTreeMap<String, Vec<PathBuf>>) -> Error {
        let tables = self.tables.read().expect("no writer panics");
        let names = found.keys().chain(tables.keys()).map(String::as_str);
        match closest(name, names) {
            Some(near) => {
                let message = format!("There is no table '{name}'. Did you mean '{near}'? Names are case-sensitive");
                Error::new(ErrorCode::TableNotFound, message).with("closest", near)
            }
            None => {
                let message = format!("There is no table '{name}'. GET /v1/tables lists those there are");
                Error::new(ErrorCode::TableNotFound, message)
            }
        }
        .with("table", name)
    }
}

fn is_there(table: &Table) -> bool {
    match (&table.source, &table.store.location) {
        (TableSource::Warehouse, Location::Folder(path)) => is_table(path),
        _ => true,
    }
}

fn entry(name: &str, uri: String, source: TableSource) -> TableEntry {
    TableEntry {
        name: name.to_owned(),
        uri,
        source,
        error: None,
    }
}

fn ambiguous(name: &str, folders: usize) -> Error {
    let message = format!(
        "{folders} folders of the warehouse give the name '{name}': rename one, or register them under other names"
    );
    Error::new(ErrorCode::NameTaken, message)
}
