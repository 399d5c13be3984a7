//! The SQL that is let in: limits before parsing, one read-only statement, its tables, and hints for slips.

mod expression;
mod hint;
mod limits;
mod predicate;
mod quoted;
mod relations;
mod statement;

pub use expression::{check_expression, parse_expression};
pub use hint::closest;
pub use predicate::parse_predicate;
pub use quoted::{quoted, text_literal};
pub use relations::{calls, filter_aggregates, qualify};

pub use statement::Statement;
