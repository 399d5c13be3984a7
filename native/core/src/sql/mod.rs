//! The SQL that is let in: limits before parsing, one read-only statement, its tables, and hints for slips.

mod hint;
mod limits;
mod statement;

pub use hint::closest;

pub use statement::{RelationName, Statement};
