//! Rows of a file that are deleted by its deletion vector.

use std::sync::Arc;

use arrow::array::{BooleanArray, BooleanBufferBuilder};
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use parquet::arrow::arrow_reader::RowSelection;
use tokio::sync::OnceCell;

use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::storage::TableStore;

/// Read when a scan first needs it.
#[derive(Debug)]
pub struct DeletedRows {
    vector: DeletionVectorDescriptor,
    /// A bit a row, set for those that are left.
    left: OnceCell<BooleanArray>,
}

impl DeletedRows {
    pub fn new(vector: DeletionVectorDescriptor) -> Self {
        Self {
            vector,
            left: OnceCell::new(),
        }
    }

    pub fn vector(&self) -> &DeletionVectorDescriptor {
        &self.vector
    }

    pub fn count(&self) -> usize {
        usize::try_from(self.vector.cardinality).unwrap_or_default()
    }

    /// The rows that are left of the `rows` of its file.
    pub async fn selection(&self, store: &Arc<TableStore>, rows: usize) -> Result<RowSelection> {
        let left = self.left.get_or_try_init(|| self.read(store.clone(), rows)).await?;
        Ok(RowSelection::from_filters(std::slice::from_ref(left)))
    }

    async fn read(&self, store: Arc<TableStore>, rows: usize) -> Result<BooleanArray> {
        let vector = self.vector.clone();
        let deleted = tokio::task::spawn_blocking(move || {
            let storage = store.log.engine(None).storage_handler();
            vector.row_indexes(storage, store.url())
        });
        let deleted = deleted
            .await?
            .map_err(|error| Error::from(deltalake_core::DeltaTableError::from(error)))?;
        let beyond = deleted.iter().any(|row| *row >= rows as u64);
        if beyond || deleted.len() != self.count() {
            let message = "A deletion vector doesn't belong to its file: it deletes other rows than the log says";
            return Err(Error::new(ErrorCode::TableCorrupt, message));
        }
        let mut left = BooleanBufferBuilder::new(rows);
        left.append_n(rows, true);
        for row in deleted {
            left.set_bit(row as usize, false);
        }
        Ok(BooleanArray::new(left.finish(), None))
    }
}
