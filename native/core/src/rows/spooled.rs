//! Rows for what reads them more than once: the first in memory, the others in a temporary file.

use std::fmt;
use std::fs::File;
use std::io::BufReader;
use std::path::Path;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use arrow::ipc::CompressionType;
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::{IpcWriteOptions, StreamWriter};
use datafusion::catalog::streaming::StreamingTable;
use datafusion::catalog::{MemTable, TableProvider};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};
use tempfile::NamedTempFile;
use tokio::sync::mpsc;

use super::begun::bytes_of;
use super::source::BatchResult;
use crate::error::Result;

/// Bytes of rows from which on they go to the file.
const IN_MEMORY: usize = 32 << 20;

pub struct Spooled {
    pub rows: Arc<dyn TableProvider>,
    /// Whether all of them are in memory.
    pub is_small: bool,
}

/// Reads `rows` to their end.
pub async fn spooled(rows: &dyn PartitionStream, task: Arc<TaskContext>, folder: &str) -> Result<Spooled> {
    let schema = rows.schema().clone();
    let mut batches = rows.execute(task);
    let (mut first, mut bytes) = (Vec::new(), 0);
    let mut next = batches.next().await.transpose()?;
    while bytes < IN_MEMORY
        && let Some(batch) = next.take()
    {
        bytes += bytes_of(&batch)?;
        first.push(batch);
        next = batches.next().await.transpose()?;
    }
    let Some(next) = next else {
        let rows = Arc::new(MemTable::try_new(schema, vec![first])?);
        return Ok(Spooled { rows, is_small: true });
    };
    let others = spool(next, batches, folder).await?;
    let rows = SpooledRows {
        schema: schema.clone(),
        first,
        others,
    };
    let rows = Arc::new(StreamingTable::try_new(schema, vec![Arc::new(rows)])?);
    Ok(Spooled { rows, is_small: false })
}

struct SpooledRows {
    schema: SchemaRef,
    first: Vec<RecordBatch>,
    others: NamedTempFile,
}

async fn spool(next: RecordBatch, mut batches: SendableRecordBatchStream, folder: &str) -> Result<NamedTempFile> {
    let file = NamedTempFile::new_in(Path::new(folder))?;
    let options = IpcWriteOptions::default().try_with_compression(Some(CompressionType::LZ4_FRAME))?;
    let mut writer = StreamWriter::try_new_with_options(file.reopen()?, &batches.schema(), options)?;
    writer.write(&next)?;
    while let Some(batch) = batches.next().await {
        writer.write(&batch?)?;
    }
    writer.finish()?;
    Ok(file)
}

impl fmt::Debug for SpooledRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpooledRows({})", self.schema)
    }
}

impl PartitionStream for SpooledRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let first = stream::iter(self.first.clone().into_iter().map(Ok));
        let (sender, receiver) = mpsc::channel(1);
        let file = self.others.reopen();
        tokio::task::spawn_blocking(move || {
            if let Err(error) = file.map_err(DataFusionError::from).and_then(|file| send(file, &sender)) {
                // A reader that is gone needs no error.
                let _ = sender.blocking_send(Err(error));
            }
        });
        let stream = stream::unfold(receiver, async |mut receiver| {
            receiver.recv().await.map(|batch| (batch, receiver))
        });
        let rows = first.chain(Box::pin(stream));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}

fn send(file: File, sender: &mpsc::Sender<BatchResult>) -> std::result::Result<(), DataFusionError> {
    for batch in StreamReader::try_new(BufReader::new(file), None)? {
        if sender.blocking_send(Ok(batch?)).is_err() {
            break;
        }
    }
    Ok(())
}
