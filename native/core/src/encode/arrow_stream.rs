//! Arrow's IPC stream: a schema message, an uncompressed message for every batch, and the end marker.

use arrow::array::Array;
use arrow::datatypes::{Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::writer::StreamWriter;
use arrow::record_batch::RecordBatch;

use super::{Format, RowEncoder, Unsupported};
use crate::normalize::{normalize_batch, normalized_schema};

/// The continuation marker and a metadata length of zero.
const END_OF_STREAM: [u8; 8] = [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0];
/// Room for a message's metadata and padding, a column.
const METADATA: usize = 512;

pub(super) struct ArrowStream {
    schema: SchemaRef,
    head: Vec<u8>,
}

impl ArrowStream {
    pub(super) fn new(schema: &Schema) -> Result<Self, Unsupported> {
        let schema = normalized_schema(schema);
        let mut writer = started(&schema, 0).map_err(|error| Unsupported::schema(Format::Arrow, error))?;
        let head = std::mem::take(writer.get_mut());
        Ok(Self { schema, head })
    }
}

/// A writer that has written the schema.
fn started(schema: &Schema, capacity: usize) -> Result<StreamWriter<Vec<u8>>, ArrowError> {
    StreamWriter::try_new(Vec::with_capacity(capacity), schema)
}

impl RowEncoder for ArrowStream {
    fn head(&self) -> Vec<u8> {
        self.head.clone()
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let batch = normalize_batch(batch, &self.schema)?;
        let mut writer = started(&self.schema, self.head.len() + message_size(&batch))?;
        writer.get_mut().clear();
        writer.write(&batch)?;
        Ok(std::mem::take(writer.get_mut()))
    }

    fn tail(&self) -> Vec<u8> {
        END_OF_STREAM.to_vec()
    }
}

/// The bytes of the batch's own slices; the arrays' memory would count what they share with other batches too.
fn message_size(batch: &RecordBatch) -> usize {
    let size = |column: &dyn Array| column.to_data().get_slice_memory_size().unwrap_or(0) + METADATA;
    batch.columns().iter().map(|column| size(column.as_ref())).sum()
}
