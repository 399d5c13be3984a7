//! Groups of rows that lie near each other, as in files that are sorted, or nearly so, are given as soon as these rows are read:
//! a table of all groups would be beyond the caches, and each is looked up in it for every row. Whether they lie so is measured on
//! the first rows: then twice as many rows have twice as many groups.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{RecordBatchStream, SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::metrics::{Count, ExecutionPlanMetricsSet, MetricBuilder, MetricsSet};
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};
use futures::{Stream, StreamExt};

use super::segment::SegmentExec;

/// Rows of which groups are made at once: their table fits into a cache.
const ROWS: usize = 1 << 15;
/// The part of the groups of as many rows that twice as many have for each of theirs, where rows of a group lie together.
const AS_MANY: f64 = 0.95;
/// Groups for each row: with more, little is gained by making groups twice.
const MOST: f64 = 0.5;

#[derive(Debug)]
pub struct SegmentsExec {
    /// Makes groups of what `segment` gives.
    groups: Arc<dyn ExecutionPlan>,
    segment: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl SegmentsExec {
    /// `groups`: over a [`SegmentExec`].
    pub fn new(groups: Arc<dyn ExecutionPlan>) -> Self {
        Self {
            segment: groups.children()[0].clone(),
            groups,
            metrics: ExecutionPlanMetricsSet::new(),
        }
    }
}

impl DisplayAs for SegmentsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SegmentsExec")
    }
}

impl ExecutionPlan for SegmentsExec {
    fn name(&self) -> &'static str {
        "SegmentsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.groups.properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.groups]
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

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }

    fn child_stats_requests(&self, partition: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(partition)]
    }

    fn statistics_from_inputs(&self, inputs: &[Arc<Statistics>], _: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(inputs[0].clone())
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(Box::pin(Segments {
            groups: self.groups.clone(),
            segment: self.segment.clone(),
            segments: MetricBuilder::new(&self.metrics).counter("segments", partition),
            partition,
            context,
            current: None,
            given: 0,
            first: None,
            allowed: ROWS,
        }))
    }
}

struct Segments {
    groups: Arc<dyn ExecutionPlan>,
    segment: Arc<dyn ExecutionPlan>,
    segments: Count,
    partition: usize,
    context: Arc<TaskContext>,
    current: Option<SendableRecordBatchStream>,
    /// Groups of the current rows.
    given: usize,
    /// Groups for each of the first rows.
    first: Option<f64>,
    allowed: usize,
}

impl Segments {
    fn rows(&self) -> Option<&SegmentExec> {
        self.segment.downcast_ref()
    }

    fn begin(&mut self) -> Result<SendableRecordBatchStream> {
        if let Some(rows) = self.rows() {
            rows.allow(self.partition, self.allowed);
        }
        self.given = 0;
        self.segments.add(1);
        self.groups.execute(self.partition, self.context.clone())
    }

    /// Whether there are more rows; of how many groups are made at once then.
    fn goes_on(&mut self) -> bool {
        let Some(read) = self.rows().and_then(|rows| rows.read(self.partition)) else {
            return false;
        };
        let density = self.given as f64 / read.max(1) as f64;
        self.allowed = match self.first {
            None => 2 * ROWS,
            Some(first) if density >= first * AS_MANY && density <= MOST => ROWS,
            Some(_) => usize::MAX,
        };
        self.first.get_or_insert(density);
        true
    }
}

impl Stream for Segments {
    type Item = Result<RecordBatch>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let mut current = match self.current.take() {
                Some(current) => current,
                None => self.begin()?,
            };
            let Poll::Ready(batch) = current.poll_next_unpin(context) else {
                self.current = Some(current);
                return Poll::Pending;
            };
            match batch {
                Some(Ok(batch)) => {
                    self.given += batch.num_rows();
                    self.current = Some(current);
                    return Poll::Ready(Some(Ok(batch)));
                }
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None if self.goes_on() => {}
                None => return Poll::Ready(None),
            }
        }
    }
}

impl RecordBatchStream for Segments {
    fn schema(&self) -> SchemaRef {
        self.groups.schema()
    }
}
