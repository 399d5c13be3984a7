//! The rows of a plan that runs once, whoever asks for them first: in memory as far as the query has room, else on disk.

use std::fmt;
use std::sync::{Arc, Mutex};

use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::common::runtime::JoinSet;
use datafusion::error::DataFusionError;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, SpillFile, TaskContext};
use datafusion::physical_plan::metrics::{ExecutionPlanMetricsSet, SpillMetrics};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, SpillManager};
use futures::future::{BoxFuture, Shared};
use futures::{FutureExt, StreamExt, TryStreamExt, stream};

pub struct RowsOnce {
    plan: Arc<dyn ExecutionPlan>,
    reading: Mutex<Option<Reading>>,
}

/// All read, by partition; each that waits for it goes on with it where another leaves.
type Reading = Shared<BoxFuture<'static, Result<Arc<Vec<Rows>>, Arc<DataFusionError>>>>;

/// Those of a partition.
struct Rows {
    memory: Vec<RecordBatch>,
    /// What came after these.
    disk: Option<(SpillManager, Arc<dyn SpillFile>)>,
    _held: MemoryReservation,
}

impl RowsOnce {
    pub fn new(plan: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            plan,
            reading: Mutex::default(),
        }
    }

    pub fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        &self.plan
    }

    pub fn stream(&self, partition: usize, context: Arc<TaskContext>) -> SendableRecordBatchStream {
        let reading = self.reading(context);
        let rows = async move {
            let rows = reading.await.map_err(DataFusionError::Shared)?;
            rows[partition].stream()
        };
        Box::pin(RecordBatchStreamAdapter::new(
            self.plan.schema(),
            stream::once(rows).try_flatten(),
        ))
    }

    fn reading(&self, context: Arc<TaskContext>) -> Reading {
        let mut reading = self.reading.lock().expect("no holder panics");
        let begun = reading.get_or_insert_with(|| {
            let all = read_all(self.plan.clone(), context);
            all.map(|rows| rows.map(Arc::new).map_err(Arc::new)).boxed().shared()
        });
        begun.clone()
    }
}

impl fmt::Debug for RowsOnce {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("RowsOnce").field(&self.plan).finish()
    }
}

/// Partitions are read together: one may wait for rows that another hands over.
async fn read_all(plan: Arc<dyn ExecutionPlan>, context: Arc<TaskContext>) -> Result<Vec<Rows>> {
    let partitions = plan.output_partitioning().partition_count();
    let mut tasks = JoinSet::new();
    for partition in 0..partitions {
        let rows = plan.execute(partition, context.clone())?;
        let context = context.clone();
        tasks.spawn(async move { Ok((partition, Rows::read(rows, &context).await?)) });
    }
    let mut read = Vec::with_capacity(partitions);
    while let Some(task) = tasks.join_next().await {
        let rows: Result<_> = task.map_err(|error| DataFusionError::ExecutionJoin(Box::new(error)))?;
        read.push(rows?);
    }
    read.sort_unstable_by_key(|(partition, _)| *partition);
    Ok(read.into_iter().map(|(_, rows)| rows).collect())
}

impl Rows {
    async fn read(mut batches: SendableRecordBatchStream, context: &TaskContext) -> Result<Self> {
        let consumer = MemoryConsumer::new("repeated rows").with_can_spill(true);
        let held = consumer.register(context.memory_pool());
        let mut memory = Vec::new();
        let mut rest = None;
        while let Some(batch) = batches.try_next().await? {
            if held.try_grow(size(&batch)?).is_err() {
                rest = Some(batch);
                break;
            }
            memory.push(batch);
        }
        let disk = match rest {
            Some(batch) => written(batch, batches, context).await?,
            None => None,
        };
        Ok(Self {
            memory,
            disk,
            _held: held,
        })
    }

    fn stream(&self) -> Result<impl futures::Stream<Item = Result<RecordBatch>> + Send + use<>> {
        let memory = stream::iter(self.memory.clone()).map(Ok);
        let disk = self.disk.as_ref();
        let disk = disk
            .map(|(disk, file)| disk.read_spill_as_stream(file.clone(), None))
            .transpose()?;
        Ok(memory.chain(stream::iter(disk).flatten()))
    }
}

async fn written(
    first: RecordBatch,
    mut rest: SendableRecordBatchStream,
    context: &TaskContext,
) -> Result<Option<(SpillManager, Arc<dyn SpillFile>)>> {
    let metrics = SpillMetrics::new(&ExecutionPlanMetricsSet::new(), 0);
    let disk = SpillManager::new(context.runtime_env(), metrics, first.schema());
    let mut file = disk.create_in_progress_file("repeated rows")?;
    file.append_batch(&first)?;
    while let Some(batch) = rest.try_next().await? {
        file.append_batch(&batch)?;
    }
    Ok(file.finish()?.map(|file| (disk, file)))
}

/// Batches may share what they are slices of.
fn size(batch: &RecordBatch) -> Result<usize> {
    let sizes = batch
        .columns()
        .iter()
        .map(|column| Ok(column.to_data().get_slice_memory_size()?));
    sizes.sum()
}
