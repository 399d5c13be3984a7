//! The columns of a table at one version.

use super::snapshot::{TableSnapshot, rfc3339};
use crate::error::Result;
use crate::generated::{FieldSpec, TableSchema};
use crate::normalize::normalized_schema;
use crate::schema::from_arrow_field;

impl TableSnapshot {
    pub fn schema(&self, name: &str) -> Result<TableSchema> {
        Ok(TableSchema {
            name: name.to_owned(),
            version: self.version,
            timestamp: rfc3339(self.timestamp),
            columns: self.columns(),
            partition_columns: self.metadata().partition_columns().to_vec(),
            schema_json: self.schema_json()?,
        })
    }

    /// With what Delta records about each column, such as its comment, as its metadata.
    fn columns(&self) -> Vec<FieldSpec> {
        let schema = self.arrow_schema();
        let plain = normalized_schema(&schema);
        let columns = schema.fields().iter().zip(plain.fields()).map(|(field, plain)| {
            let recorded = field.metadata().clone();
            from_arrow_field(&plain.as_ref().clone().with_metadata(recorded))
        });
        columns.collect()
    }
}
