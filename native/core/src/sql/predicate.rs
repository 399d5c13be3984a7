//! A condition on the rows of one table.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable};

use super::expression::check_expression;
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Reads `sql` as an expression over the columns of `schema` that is true or false.
pub fn parse_predicate(sql: &str, schema: &DFSchema, state: &SessionState, limits: &EngineLimits) -> Result<Expr> {
    check_expression("predicate", sql, limits)?;
    let predicate = state.create_logical_expr(sql, schema)?;
    match predicate.get_type(schema)? {
        DataType::Boolean | DataType::Null => Ok(predicate),
        other => {
            let message = format!("The predicate is of type {other}: write a condition");
            Err(Error::new(ErrorCode::InvalidQuery, message))
        }
    }
}
