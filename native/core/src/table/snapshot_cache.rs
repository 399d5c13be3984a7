//! Versions of tables that are kept ready, those of all tables together.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheKey, CacheValue};

use super::snapshot::TableSnapshot;

/// Bounded by bytes: the versions that were asked for the longest ago make room for others.
pub struct SnapshotCache(DefaultCache<Key, Kept>);

impl SnapshotCache {
    pub fn new(bytes: usize) -> Self {
        Self(DefaultCache::new(bytes))
    }

    /// `table`: what plans know its store by, which no other table has.
    pub fn get(&self, table: &str, version: i64) -> Option<Arc<TableSnapshot>> {
        self.0.get(&Key::new(table, version)).map(|kept| kept.snapshot)
    }

    pub fn put(&self, table: &str, snapshot: Arc<TableSnapshot>) {
        let bytes = snapshot.estimated_bytes();
        self.0.put(&Key::new(table, snapshot.version), Kept { snapshot, bytes });
    }

    pub fn remove(&self, table: &str, version: i64) {
        self.0.remove(&Key::new(table, version));
    }

    pub fn remove_table(&self, table: &str) {
        self.0
            .drop_table_entries(&TableReference::bare(table))
            .expect("entries in memory are always dropped");
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key {
    table: TableReference,
    version: i64,
}

impl Key {
    fn new(table: &str, version: i64) -> Self {
        let table = TableReference::bare(table);
        Self { table, version }
    }
}

impl CacheKey for Key {
    fn size(&self) -> usize {
        size_of::<Self>() + self.table.table().len()
    }

    fn table_ref(&self) -> Option<&TableReference> {
        Some(&self.table)
    }
}

#[derive(Clone)]
struct Kept {
    snapshot: Arc<TableSnapshot>,
    bytes: usize,
}

impl CacheValue for Kept {
    fn size(&self) -> usize {
        self.bytes
    }
}
