//! The change data feed of a table: which rows were inserted, updated and deleted, version by version.

mod files;
mod plan;
mod provider;
mod range;
mod recorded;

pub use plan::{ChangePlan, plan_changes};
