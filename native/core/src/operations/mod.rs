//! The operations that write tables: each says in one file what the library is asked for.

mod append;
mod checkpoint;
mod constraints;
mod convert;
mod create;
mod data_check;
mod delete;
mod expressions;
mod features;
mod file_layout;
mod import;
mod incoming_rows;
mod ingest;
mod lean_merge;
mod merge;
mod merged;
mod operation;
mod optimize;
mod properties;
mod protocol;
mod report;
mod request;
mod restore;
mod task;
mod unique_keys;
mod update;
mod vacuum;
mod violations;
mod write;

pub use import::import;
pub use ingest::Ingest;
pub use operation::{Operation, operate};
pub use report::Report;
pub use write::scan_once;
