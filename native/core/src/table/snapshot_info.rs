//! What a table is at one version, as Delta says it.

use std::collections::BTreeMap;

use super::snapshot::TableSnapshot;
use crate::error::{Error, Result};
use crate::generated::{DeltaProtocolSnapshot, DeltaSnapshotInfo};

/// What the names of constraints begin with among the properties of a table.
pub const CONSTRAINT: &str = "delta.constraints.";

impl TableSnapshot {
    pub fn info(&self) -> Result<DeltaSnapshotInfo> {
        let metadata = self.metadata();
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

    /// Name to SQL expression: the table's constraints, and the columns that may not be null.
    pub fn constraints(&self) -> BTreeMap<String, String> {
        let required = self.required_columns();
        let required = required.iter().map(|column| required_constraint(column));
        required.chain(self.named_constraints()).collect()
    }

    /// The columns that may not be null.
    pub fn required_columns(&self) -> Vec<String> {
        let schema = self.arrow_schema();
        let required = schema.fields().iter().filter(|field| !field.is_nullable());
        required.map(|field| field.name().clone()).collect()
    }

    /// Name to SQL expression.
    pub fn named_constraints(&self) -> BTreeMap<String, String> {
        let properties = self.metadata().configuration().iter();
        let named =
            properties.filter_map(|(key, sql)| key.strip_prefix(CONSTRAINT).map(|name| (name.to_owned(), sql.clone())));
        named.collect()
    }

    pub(super) fn schema_json(&self) -> Result<String> {
        if let Some(made) = self.derived.schema_json.get() {
            return Ok(made.clone());
        }
        let made = serde_json::to_string(&*self.delta_schema()).map_err(|error| Error::internal(error.to_string()))?;
        Ok(self.derived.schema_json.get_or_init(|| made).clone())
    }
}

/// The name and the expression of the constraint that a column may not be null.
pub fn required_constraint(column: &str) -> (String, String) {
    let quoted = column.replace('"', "\"\"");
    (format!("{column} not null"), format!("\"{quoted}\" IS NOT NULL"))
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
