//! The columns of a table as they are wanted, and the Arrow schema of them.

use std::collections::{HashMap, HashSet};

use arrow::datatypes::{Field, Schema};

use super::field_spec::{from_arrow_field, to_arrow_field};
use super::metadata::{decode_metadata_list, encode_metadata_list};
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, FieldSpec, TableSchemaSpec};

/// Where a schema keeps its lists of columns: as the hex of the codec's payload, since Arrow's metadata is text.
const REQUIRED_NON_NULL: &str = "lakegate.required_non_null";
const KEY_FIELDS: &str = "lakegate.key_fields";

/// The schema that a spec stands for; refuses a spec that contradicts itself.
pub fn to_arrow_schema(spec: &TableSchemaSpec) -> Result<Schema> {
    check(spec)?;
    let fields: Result<Vec<Field>> = spec.fields.iter().map(to_arrow_field).collect();
    let mut metadata = HashMap::new();
    for (key, names) in [
        (REQUIRED_NON_NULL, &spec.required_non_null),
        (KEY_FIELDS, &spec.key_fields),
    ] {
        if !names.is_empty() {
            metadata.insert(key.to_owned(), hex::encode(encode_metadata_list(names)?));
        }
    }
    Ok(Schema::new_with_metadata(fields?, metadata))
}

/// The spec of a table by the name with a schema.
pub fn from_arrow_schema(name: &str, schema: &Schema) -> Result<TableSchemaSpec> {
    let spec = TableSchemaSpec {
        name: name.to_owned(),
        fields: schema.fields().iter().map(|field| from_arrow_field(field)).collect(),
        required_non_null: names(schema, REQUIRED_NON_NULL)?,
        key_fields: names(schema, KEY_FIELDS)?,
    };
    check(&spec)?;
    Ok(spec)
}

/// Refuses columns without a name, and two of one name.
pub fn check_names(fields: &[FieldSpec]) -> Result<()> {
    let mut seen = HashSet::new();
    for FieldSpec { name, .. } in fields {
        if name.is_empty() {
            return Err(invalid("A column has no name".into(), name));
        }
        if !seen.insert(name) {
            return Err(invalid(format!("Two columns are named '{name}'"), name));
        }
    }
    Ok(())
}

fn check(spec: &TableSchemaSpec) -> Result<()> {
    check_names(&spec.fields)?;
    check_references(spec, "required_non_null", &spec.required_non_null)?;
    check_references(spec, "key_fields", &spec.key_fields)
}

fn check_references(spec: &TableSchemaSpec, list: &str, names: &[String]) -> Result<()> {
    let is_unknown = |name: &&String| !spec.fields.iter().any(|field| field.name == **name);
    match names.iter().find(is_unknown) {
        Some(name) => Err(invalid(
            format!("{list} names '{name}', which is no column of '{}'", spec.name),
            name,
        )),
        None => Ok(()),
    }
}

fn names(schema: &Schema, key: &str) -> Result<Vec<String>> {
    let payload = schema.metadata().get(key).map(hex::decode).transpose();
    let payload = payload.map_err(|error| invalid(format!("The schema's metadata {key} is not hex: {error}"), key))?;
    decode_metadata_list(payload.as_deref())
}

fn invalid(message: String, column: &str) -> Error {
    Error::new(ErrorCode::InvalidRequest, message).with("column", column)
}
