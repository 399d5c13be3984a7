//! A condition on the rows of one table, written in SQL.

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::sqlparser::ast::ExprWithAlias;

use super::expression::parse_expression;
use super::macros::Macros;
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Reads `sql` as an expression over the columns of `schema` that is true or false; it names no other table.
pub fn parse_predicate(
    sql: &str,
    schema: &DFSchema,
    state: &SessionState,
    macros: &Macros,
    limits: &EngineLimits,
) -> Result<Expr> {
    let parsed = ExprWithAlias {
        expr: parse_expression(sql, macros, limits)?,
        alias: None,
    };
    let predicate = state.create_logical_expr_from_sql_expr(parsed, schema)?;
    match predicate.get_type(schema)? {
        DataType::Boolean | DataType::Null => Ok(predicate),
        other => Err(invalid(format!("The predicate is of type {other}: write a condition"))),
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidQuery, message)
}
