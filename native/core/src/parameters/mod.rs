//! The values of parameter tables: rows of a body, in one form whatever order or format they came in.

mod signature;
mod values;

pub use values::parameter_values;
