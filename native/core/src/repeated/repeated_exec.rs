//! Stands where the rows of [`RowsOnce`] are read.

use std::collections::HashSet;
use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{Result, Statistics, internal_err};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{DisplayAs, DisplayFormatType, ExecutionPlan, PlanProperties, ReplaceChildrenOptions};

use super::rows::RowsOnce;

/// The rows as a relation of a plan.
#[derive(Debug, Clone)]
pub struct Repeated {
    rows: Arc<RowsOnce>,
    statistics: Arc<Statistics>,
}

impl Repeated {
    pub fn new(plan: Arc<dyn ExecutionPlan>) -> Result<Self> {
        let statistics = StatisticsContext::new().compute(plan.as_ref(), &StatisticsArgs::new())?;
        let rows = Arc::new(RowsOnce::new(plan));
        Ok(Self { rows, statistics })
    }

    fn plan(&self) -> &Arc<dyn ExecutionPlan> {
        self.rows.plan()
    }
}

#[async_trait]
impl TableProvider for Repeated {
    fn schema(&self) -> SchemaRef {
        self.plan().schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Temporary
    }

    async fn scan(
        &self,
        _: &dyn Session,
        _: Option<&Vec<usize>>,
        _: &[Expr],
        _: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        Ok(Arc::new(RepeatedExec {
            repeated: self.clone(),
            shows_input: false,
        }))
    }
}

/// Nothing is moved below it: its input is planned already, and shown by the first alone.
#[derive(Debug)]
struct RepeatedExec {
    repeated: Repeated,
    shows_input: bool,
}

impl RepeatedExec {
    fn over(self: Arc<Self>, children: &[Arc<dyn ExecutionPlan>]) -> Result<Arc<dyn ExecutionPlan>> {
        match children.iter().all(|child| Arc::ptr_eq(child, self.repeated.plan())) {
            true => Ok(self),
            false => internal_err!("what several read is planned once"),
        }
    }
}

/// The plan, whose first mention of what is repeated shows how its rows are made.
pub fn with_inputs(plan: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    let mut shown = HashSet::new();
    let plan = plan.transform_down(|node| {
        let Some(repeated) = node.downcast_ref::<RepeatedExec>().map(|node| node.repeated.clone()) else {
            return Ok(Transformed::no(node));
        };
        if !shown.insert(Arc::as_ptr(&repeated.rows)) {
            return Ok(Transformed::no(node));
        }
        let shows_input = true;
        Ok(Transformed::yes(Arc::new(RepeatedExec { repeated, shows_input }) as _))
    });
    plan.data()
}

impl DisplayAs for RepeatedExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.shows_input {
            true => write!(f, "RepeatedExec"),
            false => write!(f, "RepeatedExec: as above"),
        }
    }
}

impl ExecutionPlan for RepeatedExec {
    fn name(&self) -> &'static str {
        "RepeatedExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.repeated.plan().properties()
    }

    fn maintains_input_order(&self) -> Vec<bool> {
        vec![true; self.children().len()]
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        match self.shows_input {
            true => vec![self.repeated.plan()],
            false => Vec::new(),
        }
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
        self.over(&children)
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        self.over(&children)
    }

    fn statistics_from_inputs(&self, _: &[Arc<Statistics>], arguments: &StatisticsArgs) -> Result<Arc<Statistics>> {
        Ok(match arguments.partition() {
            None => self.repeated.statistics.clone(),
            Some(_) => Arc::new(Statistics::new_unknown(&self.schema())),
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        Ok(self.repeated.rows.stream(partition, context))
    }
}
