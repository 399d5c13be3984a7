//! Rows as objects or arrays, in any notation that has them.

use std::sync::atomic::{AtomicUsize, Ordering::Relaxed};

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::nested::{Structure, members, object, tuple};
use super::{RowEncoder, RowFormat};

pub(super) struct Rows<N> {
    pub(super) notation: N,
    pub(super) schema: SchemaRef,
    pub(super) format: RowFormat,
    /// What stands before and after every row.
    pub(super) around: (&'static [u8], &'static [u8]),
    pub(super) width: Width,
}

impl<N: Structure> RowEncoder for Rows<N> {
    fn head(&self) -> Vec<u8> {
        Vec::new()
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let members = members(self.schema.fields(), batch.columns(), self.notation)?;
        let row = match self.format {
            RowFormat::Object => object(members, self.notation),
            RowFormat::Array => tuple(members, self.notation),
        };
        let mut out = self.width.buffer(batch.num_rows());
        for index in 0..batch.num_rows() {
            out.extend_from_slice(self.around.0);
            row(index, &mut out)?;
            out.extend_from_slice(self.around.1);
        }
        self.width.remember(&out, batch.num_rows());
        Ok(out)
    }

    fn tail(&self) -> Vec<u8> {
        Vec::new()
    }
}

/// The bytes that a row took in the latest batch, so that the next buffer rarely has to grow.
#[derive(Default)]
pub(super) struct Width(AtomicUsize);

impl Width {
    pub(super) fn buffer(&self, rows: usize) -> Vec<u8> {
        Vec::with_capacity(self.0.load(Relaxed).saturating_mul(rows).min(64 << 20))
    }

    pub(super) fn remember(&self, out: &[u8], rows: usize) {
        if let Some(width) = (out.len() * 17 / 16).checked_div(rows) {
            self.0.store(width + 1, Relaxed);
        }
    }
}
