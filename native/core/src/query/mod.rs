//! Queries: planned over tables at their versions, run as a stream of encoded chunks.

mod document;
mod explain;
mod grouping;
mod keep;
mod lightness;
mod lineage;
mod node_ground;
mod node_statements;
mod nodes;
mod parameters;
mod plan;
mod plan_cache;
mod progress;
mod provided;
#[allow(clippy::module_inception)]
mod query;
mod read;
mod relations;
mod resolve;
mod rows;
mod run;
mod spool;
mod threads;
mod truncate;
mod views;
mod volatility;
mod work;

pub use explain::files_read;
pub use plan::{Plan, finish, source_plan};
pub use plan_cache::PlanCache;
pub use progress::Progress;
pub use query::{Query, Started};
pub use threads::{count_tasks, has_ended};
pub use work::Work;
