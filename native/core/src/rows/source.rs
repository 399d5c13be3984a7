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
use futures::{StreamExt, stream};
use tokio::sync::{mpsc, oneshot};

use super::body::Body;
use super::conform::{Shape, conform};
use super::reader::{Batches, RowsFormat, invalid, read};
use crate::error::{Error, Result};

/// Batches that are read ahead.
const AHEAD: usize = 2;

pub type BatchResult = std::result::Result<RecordBatch, DataFusionError>;

/// What is wrong with rows, kept as it is: the library hands on the text of an error alone.
pub type RowFailure = Arc<OnceLock<Error>>;

/// Can be executed once.
pub struct RowSource {
    schema: SchemaRef,
    rows: Mutex<Option<Rows>>,
    failure: RowFailure,
}

enum Rows {
    /// On a thread that waits for the body, and reads ahead of who asks for them.
    Coming(mpsc::Receiver<Result<RecordBatch>>),
    /// Of a body that is there, as they are asked for.
    There(Reading),
}

impl RowSource {
    /// Reads the columns of a body.
    pub async fn open(body: Body, format: RowsFormat, shape: Shape, spill: String) -> Result<Self> {
        let (schema, rows) = if body.is_whole() {
            let reading = Reading::begin(body, format, shape, &spill)?;
            (reading.schema.clone(), Rows::There(reading))
        } else {
            let (send_schema, schema) = oneshot::channel();
            let (sender, batches) = mpsc::channel(AHEAD);
            tokio::task::spawn_blocking(move || run(Reading::begin(body, format, shape, &spill), send_schema, &sender));
            let schema = schema.await.unwrap_or_else(|_| Err(damaged()))?;
            (schema, Rows::Coming(batches))
        };
        Ok(Self {
            schema,
            rows: Mutex::new(Some(rows)),
            failure: RowFailure::default(),
        })
    }

    pub fn failure(&self) -> RowFailure {
        self.failure.clone()
    }
}

fn run(
    reading: Result<Reading>,
    send_schema: oneshot::Sender<Result<SchemaRef>>,
    sender: &mpsc::Sender<Result<RecordBatch>>,
) {
    let reading = match reading {
        Ok(reading) => reading,
        Err(error) => return drop(send_schema.send(Err(error))),
    };
    if send_schema.send(Ok(reading.schema.clone())).is_err() {
        return;
    }
    for batch in reading {
        if sender.blocking_send(batch).is_err() {
            return;
        }
    }
}

/// The batches of a body in the types that they must have, up to the first fault.
struct Reading {
    schema: SchemaRef,
    shape: Shape,
    /// None behind a fault.
    batches: Option<Batches>,
}

impl Reading {
    fn begin(body: Body, format: RowsFormat, shape: Shape, spill: &str) -> Result<Self> {
        caught(|| {
            let (found, batches) = read(body, format, &shape, spill)?;
            Ok(Self {
                schema: shape.target(&found)?,
                batches: Some(batches),
                shape,
            })
        })
    }
}

impl Iterator for Reading {
    type Item = Result<RecordBatch>;

    fn next(&mut self) -> Option<Self::Item> {
        let Self { schema, shape, batches } = self;
        let next = caught(|| {
            let batch = batches.as_mut().and_then(Iterator::next).transpose();
            let batch = batch.map_err(|error| shape.explain(&error))?;
            batch.map(|batch| conform(&batch, schema)).transpose()
        });
        if next.is_err() {
            self.batches = None;
        }
        next.transpose()
    }
}

/// Bytes that are damaged can make the readers of formats panic.
fn caught<T>(work: impl FnOnce() -> Result<T>) -> Result<T> {
    std::panic::catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| Err(damaged()))
}

fn damaged() -> Error {
    invalid("they are damaged")
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
        let rows = match self.rows.lock().expect("no holder panics").take() {
            Some(Rows::There(reading)) => stream::iter(reading).boxed(),
            Some(Rows::Coming(batches)) => {
                stream::unfold(batches, async |mut batches| Some((batches.recv().await?, batches))).boxed()
            }
            None => stream::iter([Err(Error::internal("The rows of a body are read a second time"))]).boxed(),
        };
        let rows = rows.map(move |batch| batch.map_err(|error| noted(&failure, error)));
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), rows))
    }
}
