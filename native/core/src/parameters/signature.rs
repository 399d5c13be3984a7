//! What tells values from others: the SHA-256 of their columns and of their rows in order.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::row::{RowConverter, SortField};
use sha2::{Digest, Sha256};

use crate::error::Result;
use crate::type_name::type_name;

/// Rows are hashed as Arrow's row format has them, since equal columns differ in what they hold below nulls.
pub struct Signature {
    hash: Sha256,
    rows: RowConverter,
}

impl Signature {
    pub fn new(schema: &SchemaRef) -> Result<Self> {
        let mut signature = Self {
            hash: Sha256::new(),
            rows: RowConverter::new(
                schema
                    .fields()
                    .iter()
                    .map(|field| SortField::new(field.data_type().clone()))
                    .collect(),
            )?,
        };
        for field in schema.fields() {
            signature.take(field.name().as_bytes());
            signature.take(type_name(field.data_type()).as_bytes());
        }
        Ok(signature)
    }

    pub fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        for row in &self.rows.convert_columns(batch.columns())? {
            self.take(row.as_ref());
        }
        Ok(())
    }

    /// In lower-case hexadecimal digits.
    pub fn digest(self) -> String {
        hex::encode(self.hash.finalize())
    }

    fn take(&mut self, bytes: &[u8]) {
        self.hash.update((bytes.len() as u64).to_le_bytes());
        self.hash.update(bytes);
    }
}
