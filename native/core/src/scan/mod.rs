//! Scans of Delta tables: what a version's log says of its files is held once, and plans read it there.

mod bounds;
mod columns;
mod counted_rows;
mod deleted_rows;
mod early_filters;
mod file_statistics;
mod files;
mod log_statistics;
mod partition_value;
mod provider;
mod pruning;
mod relabel;
mod selectivity;
mod tried_filter;

pub use early_filters::EarlyFilters;
pub use provider::TableScan;
