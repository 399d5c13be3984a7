//! The SQL that is let in: limits before parsing, one read-only statement, its tables, and hints for slips.

mod expression;
mod hint;
mod limits;
mod statement;

pub use expression::check_expression;
pub use hint::closest;
pub use statement::{RelationName, Statement};
