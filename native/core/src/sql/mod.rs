//! The SQL that is let in: limits before parsing, one read-only statement, its tables, macros, and hints for slips.

mod callers;
mod expansion;
mod expression;
mod grouping_sets;
mod hint;
mod limits;
mod macro_body;
mod macros;
mod predicate;
mod quoted;
mod relations;
mod statement;

pub use callers::calls_macro;
pub use expression::{check_expression, expand_expression, parse_as_written};
pub use hint::closest;
pub use macros::{MacroRevision, Macros};
pub use predicate::parse_predicate;
pub use quoted::{quoted, text_literal};
pub use relations::{calls, calls_window, filter_aggregates, qualify};

pub use statement::Statement;
