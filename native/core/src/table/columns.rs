//! The columns of a table at one version.

use std::collections::BTreeMap;

use serde_json::Value;

use super::snapshot::{TableSnapshot, rfc3339};
use crate::error::Result;
use crate::generated::{FieldSpec, TableSchema};
use crate::normalize::normalized_schema;
use crate::type_name::type_name;

impl TableSnapshot {
    pub fn schema(&self, name: &str) -> Result<TableSchema> {
        Ok(TableSchema {
            name: name.to_owned(),
            version: self.version,
            timestamp: rfc3339(self.timestamp),
            columns: self.columns(),
            partition_columns: self.state.metadata().partition_columns().to_vec(),
            schema_json: self.schema_json()?,
        })
    }

    /// With what Delta records about each column, such as its comment, as its metadata.
    fn columns(&self) -> Vec<FieldSpec> {
        let schema = self.state.arrow_schema();
        let plain = normalized_schema(&schema);
        let columns = schema.fields().iter().zip(plain.fields()).map(|(field, plain)| {
            let metadata = field.metadata();
            FieldSpec {
                name: field.name().clone(),
                dtype: type_name(plain.data_type()),
                nullable: field.is_nullable(),
                metadata: (!metadata.is_empty()).then(|| BTreeMap::from_iter(metadata.clone())),
                default_value: Value::Null,
                encoding: None,
            }
        });
        columns.collect()
    }
}
