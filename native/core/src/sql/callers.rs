//! Whether a text calls a macro, so that it would fail without it.

use super::expansion::calls_named;
use super::expression::parse_as_written;
use super::macros::Macros;
use super::statement::Statement;
use crate::generated::EngineLimits;

/// Of a statement or an expression as it is written; what is neither calls nothing.
pub fn calls_macro(sql: &str, name: &str, limits: &EngineLimits) -> bool {
    match Statement::parse(sql, &Macros::default(), limits) {
        Ok(statement) => statement.calls(name),
        Err(_) => parse_as_written(sql, limits).is_ok_and(|expression| calls_named(&expression, name)),
    }
}
