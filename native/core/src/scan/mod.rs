//! Scans of Delta tables: what a version's log says of its files is held once, and plans read it there.

mod bounds;
mod columns;
mod counted_rows;
mod deleted_rows;
mod file_statistics;
mod files;
mod log_statistics;
mod partition_value;
mod provider;
mod pruning;
mod relabel;

pub use provider::TableScan;
