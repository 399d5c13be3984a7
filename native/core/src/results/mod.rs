//! Results kept on disk: written while they stream, published whole, checked wherever they are read.

mod body;
mod file;
mod rows;
mod writer;

pub use body::StoredBody;
pub use rows::stored_rows;
pub use writer::ResultWriter;
