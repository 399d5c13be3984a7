//! `->` and `->>` on JSON texts, as PostgreSQL has them; the dialect reads no `?`.

use std::sync::Arc;

use datafusion::common::{DFSchema, Result};
use datafusion::logical_expr::planner::{ExprPlanner, PlannerResult, RawBinaryExpr};
use datafusion::logical_expr::sqlparser::ast::BinaryOperator;
use datafusion::logical_expr::{Expr, ScalarUDF};

#[derive(Debug)]
pub struct JsonOperators {
    pub get: Arc<ScalarUDF>,
    pub as_text: Arc<ScalarUDF>,
}

impl ExprPlanner for JsonOperators {
    fn plan_binary_op(&self, expr: RawBinaryExpr, _: &DFSchema) -> Result<PlannerResult<RawBinaryExpr>> {
        let function = match expr.op {
            BinaryOperator::Arrow => &self.get,
            BinaryOperator::LongArrow => &self.as_text,
            _ => return Ok(PlannerResult::Original(expr)),
        };
        let title = format!("{} {} {}", expr.left, expr.op, expr.right);
        let call = function.call(vec![unaliased(expr.left), expr.right]);
        Ok(PlannerResult::Planned(call.alias(title)))
    }
}

/// An operand that is an operator's result has a title of its own.
fn unaliased(expr: Expr) -> Expr {
    match expr {
        Expr::Alias(alias) => *alias.expr,
        other => other,
    }
}
