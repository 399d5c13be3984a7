//! From an optimised plan to what runs: what is the same for each run of a statement is made once.

mod renewal;
mod rules;
mod template;

pub use rules::{rules_of_all_runs, with_all_rules};
pub use template::Template;
