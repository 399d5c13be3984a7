//! Delta tables: found by name, opened once, read at a version.

mod catalog;
mod columns;
mod commit_log;
mod commit_look;
mod describe;
mod discovery;
mod files;
mod followed;
mod freshness;
mod history;
mod library;
mod reads;
mod snapshot;
mod snapshot_cache;
mod snapshot_info;
#[allow(clippy::module_inception)]
mod table;
mod time_travel;
mod unopened;

pub use catalog::Catalog;
pub use commit_log::{Commit, CommitFile, CommitMetadata, read_commit};
pub use describe::{sizes, table_protocol};
pub use freshness::Freshness;
pub use snapshot::{TableSnapshot, first_version, provider_of, rfc3339};
pub use snapshot_cache::SnapshotCache;
pub use snapshot_info::{CONSTRAINT, required_constraint};
pub use table::{Table, guarded, parse_time};
pub use time_travel::{MILLIS, commit_times, commit_timestamp, version_at};
