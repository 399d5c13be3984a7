//! Queries: planned over tables at their versions, run as a stream of encoded chunks.

mod document;
mod explain;
mod parameters;
mod plan;
mod progress;
#[allow(clippy::module_inception)]
mod query;
mod run;
mod spool;
mod truncate;

pub use plan::source_plan;
pub use query::{Query, Started};
