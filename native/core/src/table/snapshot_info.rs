//! What a table is at one version, as Delta says it.

use std::collections::BTreeMap;

use serde_json::Value;

use super::snapshot::{TableSnapshot, rfc3339};
use crate::error::{Error, Result};
use crate::generated::{DeltaProtocolSnapshot, DeltaSnapshotInfo, FieldSpec, TableSchema};
use crate::normalize::normalized_schema;
use crate::type_name::type_name;

impl TableSnapshot {
    pub fn protocol(&self) -> DeltaProtocolSnapshot {
        protocol(&self.state)
    }

    pub fn info(&self) -> Result<DeltaSnapshotInfo> {
        let metadata = self.state.metadata();
        let protocol = self.protocol();
        Ok(DeltaSnapshotInfo {
            table_uri: self.store.location.uri(),
            version: self.version,
            snapshot_timestamp: Some(self.timestamp.timestamp_millis()),
            min_reader_version: protocol.min_reader_version.unwrap_or_default(),
            min_writer_version: protocol.min_writer_version.unwrap_or_default(),
            reader_features: protocol.reader_features,
            writer_features: protocol.writer_features,
            table_properties: BTreeMap::from_iter(metadata.configuration().clone()),
            schema_json: self.schema_json()?,
            partition_columns: metadata.partition_columns().to_vec(),
        })
    }

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

    fn schema_json(&self) -> Result<String> {
        serde_json::to_string(&*self.state.schema()).map_err(|error| Error::internal(error.to_string()))
    }
}

/// The protocol with its features sorted.
pub fn protocol(state: &deltalake_core::kernel::EagerSnapshot) -> DeltaProtocolSnapshot {
    let protocol = state.protocol();
    let names = |features: Option<&[_]>| -> Vec<String> {
        let mut names: Vec<_> = features.unwrap_or_default().iter().map(ToString::to_string).collect();
        names.sort();
        names
    };
    DeltaProtocolSnapshot {
        min_reader_version: Some(protocol.min_reader_version()),
        min_writer_version: Some(protocol.min_writer_version()),
        reader_features: names(protocol.reader_features()),
        writer_features: names(protocol.writer_features()),
    }
}
