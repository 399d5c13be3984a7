//! Rows of a body as DataFusion reads them: once, as they come.

use std::fmt;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, OnceLock};

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::stream;
use tokio::sync::{mpsc, oneshot};

use super::body::Body;
use super::conform::{Shape, conform};
use super::reader::{RowsFormat, invalid, read};
use crate::error::{Error, Result};

/// Batches that are read ahead.
const AHEAD: usize = 2;

pub type BatchResult = std::result::Result<RecordBatch, DataFusionError>;

/// What is wrong with rows, kept as it is: the library hands on the text of an error alone.
pub type RowFailure = Arc<OnceLock<Error>>;

/// Can be executed once.
pub struct RowSource {
    schema: SchemaRef,
    batches: Mutex<Option<mpsc::Receiver<Result<RecordBatch>>>>,
    failure: RowFailure,
}

impl RowSource {
    /// Reads the columns of a body, on a thread that goes on to read its rows.
    pub async fn open(body: Body, format: RowsFormat, shape: Shape, spill: String) -> Result<Self> {
        let (send_schema, schema) = oneshot::channel();
        let (sender, batches) = mpsc::channel(AHEAD);
        tokio::task::spawn_blocking(move || {
            let work = AssertUnwindSafe(|| run(body, format, &shape, &spill, send_schema, &sender));
            if std::panic::catch_unwind(work).is_err() {
                // A reader that is gone needs no error.
                let _ = sender.blocking_send(Err(invalid("they are damaged")));
            }
        });
        let schema = schema.await.unwrap_or_else(|_| Err(invalid("they are damaged")))?;
        Ok(Self {
            schema,
            batches: Mutex::new(Some(batches)),
            failure: RowFailure::default(),
        })
    }

    pub fn failure(&self) -> RowFailure {
        self.failure.clone()
    }
}

fn run(
    body: Body,
    format: RowsFormat,
    shape: &Shape,
    spill: &str,
    send_schema: oneshot::Sender<Result<SchemaRef>>,
    sender: &mpsc::Sender<Result<RecordBatch>>,
) {
    let opened = read(body, format, shape, spill)
        .and_then(|(found, batches)| shape.target(&found).map(|schema| (schema, batches)));
    let (schema, batches) = match opened {
        Ok(opened) => opened,
        Err(error) => return drop(send_schema.send(Err(error))),
    };
    if send_schema.send(Ok(schema.clone())).is_err() {
        return;
    }
    for batch in batches {
        let batch = batch
            .map_err(|error| shape.explain(&error))
            .and_then(|batch| conform(&batch, &schema));
        let is_last = batch.is_err();
        if sender.blocking_send(batch).is_err() || is_last {
            return;
        }
    }
}

pub fn noted(failure: &RowFailure, error: Error) -> DataFusionError {
    // The first failure is the one that counts.
    let _ = failure.set(error.clone());
    external(error)
}

pub fn external(error: Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}

impl fmt::Debug for RowSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RowSource({})", self.schema)
    }
}

impl PartitionStream for RowSource {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let failure = self.failure.clone();
        let Some(batches) = self.batches.lock().expect("no holder panics").take() else {
            let error = external(Error::internal("The rows of a body are read a second time"));
            let stream = stream::iter([Err(error)]);
            return Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), stream));
        };
        let stream = stream::unfold((batches, failure), async |(mut batches, failure)| {
            let batch = batches.recv().await?.map_err(|error| noted(&failure, error));
            Some((batch, (batches, failure)))
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), Box::pin(stream)))
    }
}
