//! SQL expressions that come alone: predicates, new values, constraints.

use std::ops::ControlFlow;

use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::ast::{Expr, Query, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::parser::{Parser, ParserError};
use datafusion::sql::sqlparser::tokenizer::Token;

use super::limits::{check_shape, tokenize};
use super::macros::Macros;
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Whether `sql` is one expression within the limits, without subqueries; `name` tells which one it is.
pub fn check_expression(name: &str, sql: &str, limits: &EngineLimits) -> Result<()> {
    parse_as_written(sql, limits).map(drop).map_err(|error| of(name, error))
}

/// `sql` with its macros written out, where it calls any; `name` tells which expression it is.
pub fn expand_expression(name: &str, sql: &str, macros: &Macros, limits: &EngineLimits) -> Result<Option<String>> {
    let expanded = || {
        let mut expression = parse_as_written(sql, limits)?;
        let has_macros = macros.expand(&mut expression, limits)?;
        Ok(has_macros.then(|| expression.to_string()))
    };
    expanded().map_err(|error| of(name, error))
}

fn of(name: &str, mut error: Error) -> Error {
    error.message = format!("{name}: {}", error.message);
    error.with("expression", name)
}

/// Reads one expression, which holds no query, and writes its macros out.
pub fn parse_expression(sql: &str, macros: &Macros, limits: &EngineLimits) -> Result<Expr> {
    let mut expression = parse_as_written(sql, limits)?;
    macros.expand(&mut expression, limits)?;
    Ok(expression)
}

/// Reads one expression, which holds no query, as it is written.
pub fn parse_as_written(sql: &str, limits: &EngineLimits) -> Result<Expr> {
    let tokens = tokenize(sql, limits)?;
    let mut parser = Parser::new(&GenericDialect {})
        .with_recursion_limit(limits.sql_depth as usize * 4)
        .with_tokens_with_locations(tokens);
    let parsed = parser.parse_expr().and_then(|expression| {
        parser.expect_token(&Token::EOF)?;
        Ok(expression)
    });
    let expression = parsed.map_err(|error: ParserError| DataFusionError::from(error))?;
    check_shape(&expression, limits)?;
    match expression.visit(&mut Subqueries) {
        ControlFlow::Continue(()) => Ok(expression),
        ControlFlow::Break(()) => {
            let message = "An expression holds no query: it names columns and constants only";
            Err(Error::new(ErrorCode::StatementNotAllowed, message))
        }
    }
}

struct Subqueries;

impl Visitor for Subqueries {
    type Break = ();

    fn pre_visit_query(&mut self, _: &Query) -> ControlFlow<()> {
        ControlFlow::Break(())
    }
}
