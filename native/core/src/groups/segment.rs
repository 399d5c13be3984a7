//! Rows as an input has them, which end after as many as are allowed and go on when they are asked for again.

use std::fmt;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
};
use futures::{Stream, StreamExt};

#[derive(Debug)]
pub struct SegmentExec {
    input: Arc<dyn ExecutionPlan>,
    /// By partition.
    rows: Vec<Arc<Mutex<Rows>>>,
}

/// What is left to be read of a partition, and how much of it now.
#[derive(Default)]
struct Rows {
    left: Option<SendableRecordBatchStream>,
    has_ended: bool,
    allowed: usize,
    read: usize,
}

impl SegmentExec {
    pub fn new(input: Arc<dyn ExecutionPlan>) -> Self {
        let partitions = input.output_partitioning().partition_count();
        Self {
            input,
            rows: (0..partitions).map(|_| Arc::default()).collect(),
        }
    }

    /// Allows so many rows of a partition before they end, or as many as a batch has more.
    pub fn allow(&self, partition: usize, rows: usize) {
        let mut state = self.rows[partition].lock().expect("no holder panics");
        state.allowed = rows;
        state.read = 0;
    }

    /// The rows that were read of those that were allowed; none where these were the last.
    pub fn read(&self, partition: usize) -> Option<usize> {
        let state = self.rows[partition].lock().expect("no holder panics");
        (!state.has_ended).then_some(state.read)
    }
}

impl fmt::Debug for Rows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Rows({} of {})", self.read, self.allowed)
    }
}

impl DisplayAs for SegmentExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentExec")
    }
}

impl ExecutionPlan for SegmentExec {
    fn name(&self) -> &'static str {
        "SegmentExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.input.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.input]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    fn replace_children(
        self: Arc<Self>,
        mut children: Vec<Arc<dyn ExecutionPlan>>,
        _: ReplaceChildrenOptions,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0))))
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(inputs[0].clone())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let rows = self.rows[partition].clone();
        let mut state = rows.lock().expect("no holder panics");
        if state.left.is_none() && !state.has_ended {
            state.left = Some(self.input.execute(partition, context)?);
        }
        drop(state);
        Ok(Box::pin(Segment {
            rows,
            schema: self.schema(),
        }))
    }
}

struct Segment {
    rows: Arc<Mutex<Rows>>,
    schema: SchemaRef,
}

impl Stream for Segment {
    type Item = Result<RecordBatch>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut state = self.rows.lock().expect("no holder panics");
        if state.read >= state.allowed {
            return Poll::Ready(None);
        }
        let Some(left) = state.left.as_mut() else {
            return Poll::Ready(None);
        };
        let batch = ready!(left.poll_next_unpin(context));
        match &batch {
            Some(Ok(batch)) => state.read += batch.num_rows(),
            Some(Err(_)) | None => {
                state.left = None;
                state.has_ended = true;
            }
        }
        Poll::Ready(batch)
    }
}

impl RecordBatchStream for Segment {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }
}
