//! Schemas: Arrow fields as they are written, the schemas that the engine gives itself, and what lives in their metadata.

pub mod builders;
mod contract;
pub mod entries;
mod field_spec;
mod ipc;
pub mod metadata;
mod row_schema;
mod scalar;
mod table_schema_spec;
mod widening;

pub use contract::{contract_violations, plain_fields};
pub use field_spec::{from_arrow_field, to_arrow_field};
pub use ipc::{field_bytes, read_field, read_schema, schema_bytes};
pub(crate) use row_schema::row_schema;
pub use scalar::{Scalar, ScalarMap};
pub use table_schema_spec::{check_names, from_arrow_schema, to_arrow_schema};
