//! The rows of a kept result.

use arrow::buffer::Buffer;
use arrow::datatypes::SchemaRef;
use arrow::ipc::reader::StreamDecoder;
use arrow::record_batch::RecordBatch;
use futures::stream::{self, BoxStream, StreamExt};

use super::body::StoredBody;
use crate::error::{Error, Result};

/// The schema, and the batches after the first `skip` rows.
pub async fn stored_rows(body: StoredBody, skip: i64) -> Result<(SchemaRef, BoxStream<'static, Result<RecordBatch>>)> {
    let mut reading = Reading {
        body,
        decoder: StreamDecoder::new(),
        buffer: Buffer::default(),
        next: 0,
        skip: skip as usize,
    };
    let first = reading.batch().await?;
    let schema = reading
        .decoder
        .schema()
        .ok_or_else(|| Error::internal("a kept result without a schema"))?;
    let rest = stream::try_unfold(reading, async |mut reading| {
        Ok(reading.batch().await?.map(|batch| (batch, reading)))
    });
    let batches = stream::iter(first.map(Ok)).chain(rest);
    Ok((schema, batches.boxed()))
}

struct Reading {
    body: StoredBody,
    decoder: StreamDecoder,
    buffer: Buffer,
    next: u64,
    skip: usize,
}

impl Reading {
    async fn batch(&mut self) -> Result<Option<RecordBatch>> {
        while let Some(batch) = self.decoded().await? {
            if batch.num_rows() > self.skip {
                let skipped = std::mem::take(&mut self.skip);
                return Ok(Some(batch.slice(skipped, batch.num_rows() - skipped)));
            }
            self.skip -= batch.num_rows();
        }
        Ok(None)
    }

    async fn decoded(&mut self) -> Result<Option<RecordBatch>> {
        loop {
            if self.buffer.is_empty() {
                let bytes = self.body.read(self.next, u64::MAX).await?;
                if bytes.is_empty() {
                    return Ok(None);
                }
                self.next += bytes.len() as u64;
                self.buffer = Buffer::from(bytes);
            }
            if let Some(batch) = self.decoder.decode(&mut self.buffer)? {
                return Ok(Some(batch));
            }
        }
    }
}
