//! Where tables may be, and stores that reach no further than one table.

mod commit_files;
mod commit_handler;
mod decoding_store;
mod durable_store;
mod location;
mod log_folder;
mod log_listing;
mod purge;
mod replayed_log;
mod rooted_store;
mod s3;
mod sweep;
mod table_store;
mod table_stores;

pub use location::{Location, Locations};
pub use table_store::TableStore;
pub use table_stores::TableStores;
