//! Arrow schemas and their specs as JavaScript sees them.

use lakegate_core::generated::{FieldSpec, TableSchemaSpec};
use lakegate_core::schema;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::fault::{Outcome, guarded};
use crate::payload::{decode, encode};

/// The field of a FieldSpec: an Arrow IPC stream whose schema has it alone.
#[napi]
pub fn to_arrow_field(spec: Buffer) -> Outcome<Buffer> {
    guarded(|| Ok(schema::field_bytes(&decode::<FieldSpec>(&spec)?)?.into()))
}

/// The FieldSpec of the one field in an Arrow IPC stream's schema.
#[napi]
pub fn from_arrow_field(field: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&schema::read_field(&field)?))
}

/// The schema of a TableSchemaSpec, as an Arrow IPC stream.
#[napi]
pub fn to_arrow_schema(spec: Buffer) -> Outcome<Buffer> {
    guarded(|| Ok(schema::schema_bytes(&decode::<TableSchemaSpec>(&spec)?)?.into()))
}

/// The TableSchemaSpec of a table by the name with the schema of an Arrow IPC stream.
#[napi]
pub fn from_arrow_schema(name: String, bytes: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&schema::read_schema(&name, &bytes)?))
}
