//! Delta tables: found by name, opened once, read at a version.

mod catalog;
mod describe;
mod discovery;
mod snapshot;
mod snapshot_info;
#[allow(clippy::module_inception)]
mod table;
mod time_travel;

pub use catalog::Catalog;
pub use describe::sizes;
pub use snapshot::TableSnapshot;
pub use table::{Table, guarded, parse_time};
pub use time_travel::{commit_timestamp, version_at};
