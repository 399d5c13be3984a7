//! Whether a plan can give other rows although nothing that it reads has changed.

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::source_as_provider;
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr, LogicalPlan, Volatility};

use crate::error::Result;
use crate::view::SealedView;

/// A function of the plan that isn't a function of its arguments alone, such as `now()` or `random()`.
pub fn volatile_function(plan: &LogicalPlan) -> Result<Option<String>> {
    let mut found = None;
    plan.apply_with_subqueries(|node| {
        if let LogicalPlan::TableScan(scan) = node
            && let Some(view) = source_as_provider(&scan.source)?.downcast_ref::<SealedView>()
        {
            found = volatile_function(view.plan()).map_err(|error| DataFusionError::External(Box::new(error)))?;
            return Ok(stop_at(&found));
        }
        node.apply_expressions(|expression| {
            expression.apply(|part| {
                found = name(part);
                Ok(stop_at(&found))
            })
        })
    })?;
    Ok(found)
}

fn stop_at(found: &Option<String>) -> TreeNodeRecursion {
    match found {
        Some(_) => TreeNodeRecursion::Stop,
        None => TreeNodeRecursion::Continue,
    }
}

fn name(expression: &Expr) -> Option<String> {
    match expression {
        Expr::ScalarFunction(call) if call.func.signature().volatility != Volatility::Immutable => {
            Some(format!("{}()", call.func.name()))
        }
        Expr::ScalarVariable(_, names) => Some(names.join(".")),
        _ => None,
    }
}
