//! Rows of which the first were read before it is decided what becomes of them.

use std::fmt;
use std::sync::{Arc, LazyLock, Mutex};

use arrow::array::{Array, RecordBatch};
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};

use super::source::external;
use crate::error::Error;

/// Rows of a body need nothing of it, and to make one takes as long as to read few of them.
static NO_TASK: LazyLock<Arc<TaskContext>> = LazyLock::new(Arc::default);

/// Can be executed once.
pub struct BegunRows {
    schema: SchemaRef,
    read: Vec<RecordBatch>,
    /// Nothing once all are read, or executed.
    rest: Mutex<Option<SendableRecordBatchStream>>,
    has_ended: bool,
}

impl BegunRows {
    /// Reads until there are more than `bytes` of them.
    pub async fn new(rows: &dyn PartitionStream, bytes: usize) -> Result<Self, DataFusionError> {
        let mut rest = rows.execute(NO_TASK.clone());
        let (mut read, mut size, mut has_ended) = (Vec::new(), 0, false);
        while size <= bytes && !has_ended {
            match rest.next().await.transpose()? {
                Some(batch) => {
                    size += bytes_of(&batch)?;
                    read.push(batch);
                }
                None => has_ended = true,
            }
        }
        Ok(Self {
            schema: rows.schema().clone(),
            read,
            rest: Mutex::new(Some(rest)),
            has_ended,
        })
    }

    /// All rows, where they were few enough.
    pub fn all(&self) -> Option<&[RecordBatch]> {
        self.has_ended.then_some(self.read.as_slice())
    }
}

pub fn bytes_of(batch: &RecordBatch) -> Result<usize, ArrowError> {
    let columns = batch.columns().iter();
    columns.map(|column| column.to_data().get_slice_memory_size()).sum()
}

impl fmt::Debug for BegunRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BegunRows({})", self.schema)
    }
}

impl PartitionStream for BegunRows {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let read = stream::iter(self.read.clone().into_iter().map(Ok));
        let rows = match self.rest.lock().expect("no holder panics").take() {
            Some(rest) => read.chain(rest).boxed(),
            None => {
                let error = external(Error::internal("The rows of a body are read a second time"));
                stream::iter([Err(error)]).boxed()
            }
        };
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}
