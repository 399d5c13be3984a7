//! Rows of views that are kept in memory, bounded by bytes.

use std::sync::Arc;

use arrow::record_batch::RecordBatch;
use datafusion::common::TableReference;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheKey, CacheValue};

pub struct ViewMemory(DefaultCache<Key, Rows>);

impl ViewMemory {
    pub fn new(bytes: usize) -> Self {
        Self(DefaultCache::new(bytes))
    }

    pub fn get(&self, key: &str) -> Option<Arc<[RecordBatch]>> {
        self.0.get(&Key(key.to_owned())).map(|rows| rows.0)
    }

    /// Keeps them where there is room.
    pub fn put(&self, key: &str, rows: Arc<[RecordBatch]>) {
        self.0.put(&Key(key.to_owned()), Rows(rows));
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct Key(String);

impl CacheKey for Key {
    fn size(&self) -> usize {
        size_of::<Self>() + self.0.len()
    }

    fn table_ref(&self) -> Option<&TableReference> {
        None
    }
}

#[derive(Clone)]
struct Rows(Arc<[RecordBatch]>);

impl CacheValue for Rows {
    fn size(&self) -> usize {
        self.0.iter().map(RecordBatch::get_array_memory_size).sum()
    }
}
