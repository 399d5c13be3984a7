//! Parts of a plan that are there several times, as a CTE that is read twice, run once: all that need their rows read those.

mod repeated_exec;
mod rows;
mod subplans;

pub use subplans::planned;
