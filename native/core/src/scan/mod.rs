//! Scans of Delta tables: what a version's log says of its files is held once, and plans read it there.

mod bounds;
mod columns;
mod condition;
mod condition_order;
mod counted_rows;
mod deleted_rows;
mod early_filters;
mod file_changes;
mod file_part;
mod file_statistics;
mod files;
mod key_table;
mod log_statistics;
mod logged_file;
mod ordered_conditions;
mod partition_value;
mod provider;
mod pruning;
mod relabel;
mod rows_left;
mod selectivity;
mod tried_filter;

pub use columns::stored_name;
pub use condition_order::ConditionOrder;
pub use early_filters::EarlyFilters;
pub use file_changes::{FileAction, FileChanges};
pub use logged_file::{LoggedFile, located};
pub use provider::TableScan;
