//! Scalar subqueries that give NULL where they find no row: DataFusion's plan keeps a column that has no NULL as one without, and the
//! batch is refused.

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{Column, DFSchema, JoinType, Result};
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::logical_plan::Subquery;
use datafusion::logical_expr::{Expr, LogicalPlan, LogicalPlanBuilder, lit};

#[derive(Debug)]
pub struct EmptySubqueries;

impl FunctionRewrite for EmptySubqueries {
    fn name(&self) -> &str {
        "empty_subqueries"
    }

    fn rewrite(&self, expr: Expr, _: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        match expr {
            // What is correlated becomes an outer join, whose columns may be NULL.
            Expr::ScalarSubquery(subquery) if subquery.outer_ref_columns.is_empty() && may_lack(&subquery.subquery) => {
                let plan = Arc::new(with_null(&subquery.subquery)?);
                Ok(Transformed::yes(Expr::ScalarSubquery(Subquery {
                    subquery: plan,
                    ..subquery
                })))
            }
            expr => Ok(Transformed::no(expr)),
        }
    }
}

/// Whether there may be no row where the plan says that there is no NULL.
fn may_lack(plan: &LogicalPlan) -> bool {
    let is_nullable = plan.schema().fields().first().is_none_or(|field| field.is_nullable());
    !is_nullable && !always_gives(plan)
}

/// Whether the plan gives a row in any case.
fn always_gives(plan: &LogicalPlan) -> bool {
    match plan {
        LogicalPlan::Aggregate(aggregate) => aggregate.group_expr.is_empty(),
        LogicalPlan::EmptyRelation(empty) => empty.produce_one_row,
        LogicalPlan::Values(_) => true,
        LogicalPlan::Projection(_) | LogicalPlan::SubqueryAlias(_) | LogicalPlan::Sort(_) => {
            plan.inputs().iter().all(|input| always_gives(input))
        }
        _ => false,
    }
}

/// One row beside whatever the plan gives, so that there is one where it gives none.
fn with_null(plan: &LogicalPlan) -> Result<LogicalPlan> {
    let column = Expr::Column(Column::from(plan.schema().qualified_field(0)));
    LogicalPlanBuilder::empty(true)
        .join_on(plan.clone(), JoinType::Left, [lit(true)])?
        .project([column])?
        .build()
}
