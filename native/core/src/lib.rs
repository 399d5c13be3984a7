//! Lakegate's engine: sessions, Delta tables, queries and encoders. It knows neither napi nor HTTP.

mod changes;
mod commit;
mod cooperative;
pub mod encode;
mod engine;
pub mod entries;
mod error;
mod execution;
mod functions;
pub mod gate;
pub use lakegate_contract as generated;
mod memory;
mod normalize;
mod operations;
mod parameters;
mod query;
mod resident;
mod results;
mod rows;
mod scan;
pub mod schema;
mod session;
mod sql;
mod storage;
mod table;
mod type_name;
mod view;

pub use engine::Engine;
pub use error::{Error, Location, Result};
pub use operations::{Ingest, Operation, Report, operate};
pub use query::{Query, Started, Work};
pub use results::StoredBody;
pub use rows::RowsFormat;
pub use session::{Session, Visible};
pub use table::Freshness;
