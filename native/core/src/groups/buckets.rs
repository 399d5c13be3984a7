//! Very many groups are made part by part: the rows of a core are dealt out further, and the groups of one part after the other are
//! made of them, in a table that fits into a cache. What waits for its turn is where rows are dealt out, which counts it and writes it
//! to disk where it is too much.

use std::fmt;
use std::sync::Arc;

use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::common::{Result, Statistics};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{ChildStats, StatisticsArgs};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, ExecutionPlanProperties, PlanProperties, ReplaceChildrenOptions,
};
use futures::{StreamExt, TryStreamExt, stream};

#[derive(Debug)]
pub struct BucketsExec {
    /// As many times as many parts as this has.
    parts: Arc<dyn ExecutionPlan>,
    properties: Arc<PlanProperties>,
}

impl BucketsExec {
    /// `properties`: of the same groups in fewer parts. Hashes that are dealt out among so many are the same modulo these.
    pub fn new(parts: Arc<dyn ExecutionPlan>, properties: Arc<PlanProperties>) -> Self {
        Self { parts, properties }
    }

    fn cores(&self) -> usize {
        self.properties.partitioning.partition_count()
    }

    fn buckets(&self) -> usize {
        self.parts.output_partitioning().partition_count()
    }
}

impl DisplayAs for BucketsExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BucketsExec: {} in {}", self.buckets(), self.cores())
    }
}

impl ExecutionPlan for BucketsExec {
    fn name(&self) -> &'static str {
        "BucketsExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        &self.properties
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.parts]
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
        Ok(Arc::new(Self::new(children.swap_remove(0), self.properties.clone())))
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(Self::new(children.swap_remove(0), self.properties.clone())))
    }

    fn child_stats_requests(&self, _: Option<usize>) -> Vec<ChildStats> {
        vec![ChildStats::At(None)]
    }

    fn statistics_from_inputs(
        &self,
        inputs: &[Arc<Statistics>],
        arguments: &StatisticsArgs,
    ) -> Result<Arc<Statistics>> {
        Ok(match arguments.partition() {
            None => inputs[0].clone(),
            Some(_) => Arc::new(Statistics::new_unknown(&self.schema())),
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let parts = self.parts.clone();
        let buckets = stream::iter((partition..self.buckets()).step_by(self.cores()));
        let groups = buckets.map(move |bucket| parts.execute(bucket, context.clone()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(
            self.schema(),
            groups.try_flatten(),
        )))
    }
}
