//! How many sets of columns a SELECT groups by: the planner writes all of them out.

use datafusion::sql::sqlparser::ast::{Expr, GroupByExpr, Select};

pub fn grouping_sets(select: &Select) -> usize {
    match &select.group_by {
        GroupByExpr::All(_) => 1,
        GroupByExpr::Expressions(expressions, _) => expressions.iter().map(sets).fold(1, usize::saturating_mul),
    }
}

fn sets(expression: &Expr) -> usize {
    match expression {
        Expr::Cube(columns) => 2usize.saturating_pow(columns.len() as u32),
        Expr::Rollup(columns) => columns.len() + 1,
        Expr::GroupingSets(sets) => sets.len().max(1),
        _ => 1,
    }
}
