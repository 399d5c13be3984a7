//! Rows that come with a request: bytes in one of five formats, read as they arrive.

mod begun;
mod body;
mod checks;
mod conform;
mod reader;
mod sample;
mod source;
mod spooled;

pub use begun::BegunRows;
pub use body::{Body, BodySender, body, whole_body};
pub use checks::{Checks, Own, constraint_violated};
pub use conform::Shape;
pub use reader::RowsFormat;
pub use sample::{SAMPLES, rows_as_json};
pub use source::{RowFailure, RowSource};
pub use spooled::spooled;
