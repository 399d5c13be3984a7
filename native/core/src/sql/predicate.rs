//! A condition on the rows of one table, written in SQL.

use std::ops::ControlFlow;

use arrow::datatypes::DataType;
use datafusion::common::DFSchema;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, ExprSchemable};
use datafusion::sql::parser::DFParserBuilder;
use datafusion::sql::sqlparser::ast::{Query, Visit, Visitor};

use super::limits::{check_shape, tokenize};
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Reads `sql` as an expression over the columns of `schema` that is true or false; it names no other table.
pub fn parse_predicate(sql: &str, schema: &DFSchema, state: &SessionState, limits: &EngineLimits) -> Result<Expr> {
    let tokens = tokenize(sql, limits)?;
    let parsed = DFParserBuilder::new(tokens)
        .with_recursion_limit(limits.sql_depth as usize * 4)
        .build()?
        .parse_into_expr()?;
    if parsed.alias.is_some() {
        return Err(invalid("The predicate is a condition, and has no name"));
    }
    check_shape(&parsed.expr, limits)?;
    if let ControlFlow::Break(error) = parsed.expr.visit(&mut NoQueries) {
        return Err(error);
    }
    let predicate = state.create_logical_expr_from_sql_expr(parsed, schema)?;
    match predicate.get_type(schema)? {
        DataType::Boolean | DataType::Null => Ok(predicate),
        other => Err(invalid(format!("The predicate is of type {other}: write a condition"))),
    }
}

struct NoQueries;

impl Visitor for NoQueries {
    type Break = Error;

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<Error> {
        ControlFlow::Break(invalid(
            "The predicate names columns of the table only, and holds no query",
        ))
    }
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidQuery, message)
}
