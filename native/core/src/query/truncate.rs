//! Cutting a result at its limits.

use arrow::record_batch::RecordBatch;

use crate::error::Result;

/// How many rows and bytes may still be sent.
pub struct Budget {
    rows: Option<usize>,
    bytes: Option<usize>,
    pub truncated: bool,
}

impl Budget {
    pub fn new(rows: Option<i64>, bytes: Option<i64>) -> Self {
        Self {
            rows: rows.map(|rows| rows as usize),
            bytes: bytes.map(|bytes| bytes as usize),
            truncated: false,
        }
    }

    /// The rows of `batch` that the row limit lets through.
    pub fn take_rows(&mut self, batch: RecordBatch) -> RecordBatch {
        let Some(rows) = &mut self.rows else {
            return batch;
        };
        let taken = batch.num_rows().min(*rows);
        self.truncated |= taken < batch.num_rows();
        *rows -= taken;
        batch.slice(0, taken)
    }

    /// As many whole rows of `batch` as the byte limit lets through, encoded; `encoded` holds all of them.
    pub fn take_bytes(
        &mut self,
        batch: &RecordBatch,
        encoded: Vec<u8>,
        encode: impl Fn(&RecordBatch) -> Result<Vec<u8>>,
    ) -> Result<(usize, Vec<u8>)> {
        let Some(room) = &mut self.bytes else {
            return Ok((batch.num_rows(), encoded));
        };
        if encoded.len() <= *room {
            *room -= encoded.len();
            return Ok((batch.num_rows(), encoded));
        }
        self.truncated = true;
        let (mut fits, mut best) = (0, Vec::new());
        let mut beyond = batch.num_rows();
        while fits + 1 < beyond {
            let middle = fits + (beyond - fits) / 2;
            let attempt = encode(&batch.slice(0, middle))?;
            if attempt.len() <= *room {
                (fits, best) = (middle, attempt);
            } else {
                beyond = middle;
            }
        }
        Ok((fits, best))
    }
}
