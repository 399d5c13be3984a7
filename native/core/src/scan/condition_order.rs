//! Filters of several conditions ask them in the order in which they spare most: see [`OrderedConditions`]. Filters right above one
//! another become one.

use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::physical_expr::split_conjunction;
use datafusion::physical_expr_common::physical_expr::is_volatile;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::filter::{FilterExec, FilterExecBuilder};

use super::ordered_conditions::OrderedConditions;

/// To run after all rules that look into filters.
#[derive(Debug)]
pub struct ConditionOrder;

impl PhysicalOptimizerRule for ConditionOrder {
    fn name(&self) -> &str {
        "condition_order"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| match node.downcast_ref::<FilterExec>().map(ordered) {
            Some(ordered) => Ok(match ordered? {
                Some(filter) => Transformed::yes(Arc::new(filter) as _),
                None => Transformed::no(node),
            }),
            None => Ok(Transformed::no(node)),
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// None where there is nothing to order.
fn ordered(filter: &FilterExec) -> Result<Option<FilterExec>> {
    let mut conditions: Vec<_> = split_conjunction(filter.predicate()).into_iter().cloned().collect();
    let mut input = filter.input();
    while let Some(below) = input.downcast_ref::<FilterExec>()
        && below.projection().is_none()
        && below.fetch().is_none()
    {
        // What it leaves out is left out before what can fail is asked.
        conditions.splice(..0, split_conjunction(below.predicate()).into_iter().cloned());
        input = below.input();
    }
    if conditions.len() < 2 || conditions.iter().any(is_volatile) {
        return Ok(None);
    }
    let conditions = OrderedConditions::new(&conditions, &input.schema())?;
    let builder = FilterExecBuilder::from(filter)
        .with_predicate(Arc::new(conditions))
        .with_input(input.clone());
    builder.build().map(Some)
}
