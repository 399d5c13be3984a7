//! Puts [`SegmentsExec`] around each first step of grouping.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, InputOrderMode, ReplaceChildrenOptions};

use super::segment::SegmentExec;
use super::segments::SegmentsExec;

/// To run after all rules that look into aggregates.
#[derive(Debug)]
pub struct SegmentedGroups;

impl PhysicalOptimizerRule for SegmentedGroups {
    fn name(&self) -> &str {
        "segmented_groups"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_up(|node| {
            let Some(aggregate) = node.downcast_ref::<AggregateExec>().filter(|node| is_segmented(node)) else {
                return Ok(Transformed::no(node));
            };
            let segment = Arc::new(SegmentExec::new(aggregate.input().clone()));
            let keep = ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep);
            let groups = node.clone().replace_children(vec![segment], keep)?;
            Ok(Transformed::yes(Arc::new(SegmentsExec::new(groups)) as _))
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// Whether it gathers groups in a table, which it gives when it has seen all rows.
fn is_segmented(aggregate: &AggregateExec) -> bool {
    let groups = aggregate.group_expr();
    *aggregate.mode() == AggregateMode::Partial
        && *aggregate.input_order_mode() == InputOrderMode::Linear
        && aggregate.limit_options().is_none()
        && groups.is_single()
        && !groups.expr().is_empty()
        && aggregate.input().downcast_ref::<SegmentExec>().is_none()
}
