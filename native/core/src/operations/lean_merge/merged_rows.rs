//! The rows that a merge writes: those of the table's files that it changes, as their threads read them, and the new ones last.

use std::fmt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};

use arrow::array::RecordBatch;
use arrow::compute::concat_batches;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{DataFusionError, Result, internal_err};
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::{EquivalenceProperties, Partitioning, PhysicalExpr};
use datafusion::physical_plan::execution_plan::{Boundedness, EmissionType};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    ChildrenPropertiesMode, DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties,
    ReplaceChildrenOptions,
};
use futures::future::ready;
use futures::{Stream, StreamExt, TryStreamExt, stream};
use tokio::sync::OnceCell;

use super::known::{Figures, change_of};
use super::matches::Computed;
use super::noted::Noted;
use super::source_rows::SourceRows;
use super::touched_files::TouchedFiles;

/// Runs once.
#[derive(Debug)]
pub struct MergedRows {
    /// The source, the table, and what the library asks about changed files and figures when all is done.
    inputs: [Arc<dyn ExecutionPlan>; 4],
    computed: Arc<Computed>,
    touched: Arc<Noted>,
    counted: Arc<Noted>,
    progress: Arc<Progress>,
    properties: Arc<PlanProperties>,
}

/// What the threads have in common.
struct Progress {
    source: OnceCell<(SourceRows, MemoryReservation)>,
    files: Mutex<TouchedFiles>,
    /// Threads that still read rows of the table.
    reading: AtomicUsize,
}

impl MergedRows {
    pub fn new(
        inputs: [Arc<dyn ExecutionPlan>; 4],
        computed: Arc<Computed>,
        touched: Arc<Noted>,
        counted: Arc<Noted>,
    ) -> Self {
        let threads = inputs[1].output_partitioning().partition_count();
        Self {
            properties: Arc::new(PlanProperties::new(
                EquivalenceProperties::new(computed.schema().clone()),
                Partitioning::UnknownPartitioning(threads),
                EmissionType::Incremental,
                Boundedness::Bounded,
            )),
            progress: Arc::new(Progress {
                source: OnceCell::new(),
                files: Mutex::default(),
                reading: AtomicUsize::new(threads),
            }),
            inputs,
            computed,
            touched,
            counted,
        }
    }
}

impl fmt::Debug for Progress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Progress: {:?} threads read", self.reading)
    }
}

impl DisplayAs for MergedRows {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "MergedRows")
    }
}

impl ExecutionPlan for MergedRows {
    fn name(&self) -> &'static str {
        "MergedRows"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        self.inputs.iter().collect()
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let Ok(inputs) = children.try_into() else {
            return internal_err!("MergedRows has four inputs");
        };
        Ok(Arc::new(Self::new(
            inputs,
            self.computed.clone(),
            self.touched.clone(),
            self.counted.clone(),
        )))
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Recompute))
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let thread = Arc::new(Thread {
            rows: self.inputs.clone(),
            computed: self.computed.clone(),
            touched: self.touched.clone(),
            counted: self.counted.clone(),
            progress: self.progress.clone(),
            context: context.clone(),
        });
        let rows = self.inputs[1].execute(partition, context)?;
        let last = thread.clone();
        let merged = rows
            .map_ok(move |rows| thread.clone().merged(rows))
            .try_flatten()
            .chain(stream::once(last.ended()).try_flatten());
        Ok(Box::pin(RecordBatchStreamAdapter::new(self.schema(), merged)))
    }
}

struct Thread {
    rows: [Arc<dyn ExecutionPlan>; 4],
    computed: Arc<Computed>,
    touched: Arc<Noted>,
    counted: Arc<Noted>,
    progress: Arc<Progress>,
    context: Arc<TaskContext>,
}

impl Thread {
    async fn source(&self) -> Result<&SourceRows> {
        let read = self.progress.source.get_or_try_init(|| self.read_source()).await?;
        Ok(&read.0)
    }

    async fn read_source(&self) -> Result<(SourceRows, MemoryReservation)> {
        let source = self.rows[0].execute(0, self.context.clone())?;
        let schema = source.schema();
        let batches: Vec<_> = source.try_collect().await?;
        let rows = concat_batches(&schema, &batches)?;
        let reservation = MemoryConsumer::new("rows of a merge's source").register(self.context.memory_pool());
        reservation.try_grow(rows.get_array_memory_size() + SourceRows::extra_bytes(rows.num_rows()))?;
        Ok((self.computed.source(rows)?, reservation))
    }

    /// What `rows` of the table become, as far as their files are known to change.
    fn merged(self: Arc<Self>, rows: RecordBatch) -> impl Stream<Item = Result<RecordBatch>> {
        let parts = stream::once(async move {
            let mut start = 0;
            let parts = self.computed.files(&rows)?.into_iter().map(|(file, count)| {
                let part = rows.slice(start, count);
                start += count;
                (file, part)
            });
            let parts: Vec<_> = parts.collect();
            Ok::<_, DataFusionError>(
                stream::iter(parts.into_iter().map(Ok)).and_then(move |(file, rows)| self.clone().of_file(file, rows)),
            )
        });
        parts
            .try_flatten()
            .map_ok(|rows| stream::iter(rows.into_iter().map(Ok)))
            .try_flatten()
    }

    async fn of_file(self: Arc<Self>, file: String, rows: RecordBatch) -> Result<Vec<RecordBatch>> {
        let source = self.source().await?;
        let keys = self.computed.keys(&rows)?;
        let (mut start, mut written) = (0, Vec::new());
        while start < rows.num_rows() {
            let (mut pairs, end) = source.pairs(&keys, start)?;
            pairs.target.iter_mut().for_each(|row| *row -= start as u32);
            let merged = self
                .computed
                .merged(source, &file, &rows.slice(start, end - start), pairs)?;
            written.extend(self.files().take(&file, merged.rows, merged.figures));
            start = end;
            tokio::task::consume_budget().await;
        }
        Ok(written)
    }

    /// The thread that is the last to end knows which rows of the source match none, and all files and figures.
    async fn ended(self: Arc<Self>) -> Result<impl Stream<Item = Result<RecordBatch>>> {
        let is_last = self.progress.reading.fetch_sub(1, Ordering::AcqRel) == 1;
        let mut inserted = Vec::new();
        if is_last {
            let source = self.source().await?;
            for rows in source.unmatched().chunks(self.context.session_config().batch_size()) {
                inserted.push(self.computed.inserted(source, rows)?);
                tokio::task::consume_budget().await;
            }
            self.tell(inserted.iter().map(RecordBatch::num_rows).sum()).await?;
        }
        Ok(stream::iter(inserted.into_iter().map(Ok)))
    }

    fn files(&self) -> MutexGuard<'_, TouchedFiles> {
        self.progress.files.lock().expect("no holder panics")
    }

    async fn tell(&self, inserted: usize) -> Result<()> {
        let (changes, figures) = {
            let files = self.files();
            let schema = self.touched.schema();
            let changes = files.names().map(|file| change_of(&schema, file));
            let figures = Figures {
                inserted,
                ..files.figures()
            };
            (changes.collect::<Result<Vec<_>>>()?, figures)
        };
        self.touched.note(changes);
        self.counted.note(vec![figures.as_rows(&self.counted.schema())?]);
        for asked in &self.rows[2..] {
            asked
                .execute(0, self.context.clone())?
                .try_for_each(|_| ready(Ok(())))
                .await?;
        }
        Ok(())
    }
}
