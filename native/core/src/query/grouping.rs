//! What grouping sets group by, computed below the aggregate: an analyzer's name for a set as a whole would hide that it is one.

use std::sync::Arc;

use datafusion::common::Column;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::error::Result;
use datafusion::logical_expr::utils::grouping_set_to_exprlist;
use datafusion::logical_expr::{Aggregate, Expr, LogicalPlan, LogicalPlanBuilder};
use datafusion::optimizer::AnalyzerRule;
use datafusion::optimizer::analyzer::resolve_grouping_function::ResolveGroupingFunction;

/// The plan with `grouping` resolved while what is grouped by is still as it was written, and with sets of columns alone.
pub fn with_plain_groups(plan: LogicalPlan, options: &ConfigOptions) -> Result<LogicalPlan> {
    let plan = ResolveGroupingFunction::new().analyze(plan, options)?;
    let plain = plan.transform_up_with_subqueries(|node| match node {
        LogicalPlan::Aggregate(aggregate) if computes_sets(&aggregate) => Ok(Transformed::yes(plain(aggregate)?)),
        node => Ok(Transformed::no(node)),
    })?;
    Ok(plain.data)
}

fn computes_sets(Aggregate { group_expr, .. }: &Aggregate) -> bool {
    let [set @ Expr::GroupingSet(_)] = group_expr.as_slice() else {
        return false;
    };
    grouping_set_to_exprlist(std::slice::from_ref(set)).is_ok_and(|all| all.into_iter().any(is_computed))
}

fn is_computed(expr: &Expr) -> bool {
    !matches!(expr, Expr::Column(_))
}

fn plain(aggregate: Aggregate) -> Result<LogicalPlan> {
    let Aggregate {
        input,
        group_expr,
        aggr_expr,
        ..
    } = aggregate;
    let computed: Vec<Expr> = grouping_set_to_exprlist(&group_expr)?
        .into_iter()
        .filter(|expr| is_computed(expr))
        .cloned()
        .collect();
    let known = input.schema().columns().into_iter().map(Expr::Column);
    let named = computed
        .iter()
        .map(|expr| expr.clone().alias(expr.schema_name().to_string()));
    let projected = LogicalPlanBuilder::from(Arc::unwrap_or_clone(input))
        .project(known.chain(named))?
        .build()?;
    let group_expr = group_expr.into_iter().map(|set| {
        let plain = set.transform_down(|expr| match computed.contains(&expr) {
            true => Ok(Transformed::yes(Expr::Column(Column::from_name(
                expr.schema_name().to_string(),
            )))),
            false => Ok(Transformed::no(expr)),
        })?;
        Ok(plain.data)
    });
    let group_expr = group_expr.collect::<Result<Vec<_>>>()?;
    Ok(LogicalPlan::Aggregate(Aggregate::try_new(
        Arc::new(projected),
        group_expr,
        aggr_expr,
    )?))
}
