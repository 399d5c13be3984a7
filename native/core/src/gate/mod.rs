//! Protocol gates, what the protocol of a table must be at least; and support, what of a protocol this engine covers.

mod access;
mod compatibility;
mod features;
mod rules;
mod verdict;

pub use access::{access, engine_support, require_readable, require_writable};
pub use compatibility::protocol_compatibility;
pub use features::{IMPLIED_FOR_WRITERS, MAX_WRITER_VERSION};
pub use verdict::{require, validate_protocol_gate};
