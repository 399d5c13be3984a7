//! The SQL that is let in: limits before parsing, one read-only statement, its tables, and hints for slips.

mod expression;
mod hint;
mod limits;
mod predicate;
mod statement;

pub use expression::check_expression;
pub use hint::closest;
pub use predicate::parse_predicate;

pub use statement::Statement;
