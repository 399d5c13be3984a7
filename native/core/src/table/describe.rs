//! What a table's description tells.

use std::collections::BTreeMap;

use chrono::DateTime;

use super::snapshot::{TableSnapshot, rfc3339};
use super::table::Table;
use crate::gate::access;
use crate::generated::{DeltaProtocolSnapshot, TableDescription, TableProtocol};
use crate::schema::row_schema;

impl Table {
    pub fn describe(&self, snapshot: &TableSnapshot) -> TableDescription {
        let metadata = snapshot.metadata();
        let (files, size_bytes, rows) = sizes(snapshot);
        let protocol = snapshot.protocol();
        TableDescription {
            name: self.name.clone(),
            uri: self.store.location.uri(),
            source: self.source,
            version: snapshot.version,
            timestamp: rfc3339(snapshot.timestamp),
            schema: row_schema(&snapshot.arrow_schema()),
            partition_columns: metadata.partition_columns().to_vec(),
            access: access(&protocol),
            protocol: table_protocol(protocol),
            gate: self.gate.clone(),
            properties: BTreeMap::from_iter(metadata.configuration().clone()),
            files,
            size_bytes,
            rows,
            created_at: metadata
                .created_time()
                .and_then(DateTime::from_timestamp_millis)
                .map(rfc3339),
            description: metadata.description().map(str::to_owned),
            warnings: None,
        }
    }
}

/// Files, bytes and rows, which are unknown when a file has no count; deleted rows don't count.
pub fn sizes(snapshot: &TableSnapshot) -> (i64, i64, Option<i64>) {
    let (mut files, mut bytes, mut rows) = (0, 0, Some(0));
    for file in snapshot.logged_files() {
        files += 1;
        bytes += file.size();
        let left = file.rows().map(|rows| rows - file.deleted_rows());
        rows = rows.zip(left).map(|(sum, left)| sum + left);
    }
    (files, bytes, rows)
}

pub fn table_protocol(protocol: DeltaProtocolSnapshot) -> TableProtocol {
    TableProtocol {
        min_reader_version: protocol.min_reader_version.unwrap_or_default(),
        min_writer_version: protocol.min_writer_version.unwrap_or_default(),
        reader_features: protocol.reader_features,
        writer_features: protocol.writer_features,
    }
}
