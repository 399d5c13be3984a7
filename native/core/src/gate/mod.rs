//! Protocol gates: what the protocol of a table must be at least before anything is read or written.

mod rules;
mod verdict;

pub use verdict::{require, validate_protocol_gate};
