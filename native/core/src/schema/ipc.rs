//! Specs as the bytes that Arrow's libraries exchange: the schema of an IPC stream without batches.

use arrow::datatypes::{Schema, SchemaRef};
use arrow::ipc::reader::StreamReader;
use arrow::ipc::writer::StreamWriter;

use super::field_spec::{from_arrow_field, to_arrow_field};
use super::table_schema_spec::{from_arrow_schema, to_arrow_schema};
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, FieldSpec, TableSchemaSpec};

/// A schema of the one field.
pub fn field_bytes(spec: &FieldSpec) -> Result<Vec<u8>> {
    written(&Schema::new(vec![to_arrow_field(spec)?]))
}

pub fn read_field(bytes: &[u8]) -> Result<FieldSpec> {
    let schema = read(bytes)?;
    match schema.fields().as_ref() {
        [field] => Ok(from_arrow_field(field)),
        fields => {
            let message = format!("The schema has {} fields, not one", fields.len());
            Err(Error::new(ErrorCode::InvalidRequest, message))
        }
    }
}

pub fn schema_bytes(spec: &TableSchemaSpec) -> Result<Vec<u8>> {
    written(&to_arrow_schema(spec)?)
}

pub fn read_schema(name: &str, bytes: &[u8]) -> Result<TableSchemaSpec> {
    from_arrow_schema(name, read(bytes)?.as_ref())
}

fn written(schema: &Schema) -> Result<Vec<u8>> {
    let mut writer = StreamWriter::try_new(Vec::new(), schema)?;
    writer.finish()?;
    Ok(writer.into_inner()?)
}

fn read(bytes: &[u8]) -> Result<SchemaRef> {
    Ok(StreamReader::try_new(bytes, None)?.schema())
}
