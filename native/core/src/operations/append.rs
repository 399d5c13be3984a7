//! Appends of few rows that need nothing but to be written: those that wait together share a data file.

use std::time::Instant;

use arrow::datatypes::{DataType, Field};
use serde_json::json;

use super::task::{Base, note};
use crate::commit::{CommitRecord, PendingRows};
use crate::generated::{DeltaWriteDisposition, DeltaWriteRequest};
use crate::rows::{BegunRows, Checks};
use crate::table::TableSnapshot;

/// Bytes of rows up to which they wait in memory.
pub const FEW: usize = 1 << 20;

/// Features of tables whose rows are written as they are, unless a column says more.
const PLAIN: [&str; 9] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "invariants",
    "timestampNtz",
    "v2Checkpoint",
];

/// Whether rows may be written as they are, if their types are the table's.
pub fn is_plain(request: &DeltaWriteRequest, snapshot: &TableSnapshot, checks: &Checks) -> bool {
    let DeltaWriteRequest {
        mode,
        schema_mode,
        partition_columns,
        target_file_size,
        commit_options,
        ..
    } = request;
    let has_metadata = commit_options
        .as_ref()
        .is_some_and(|options| !options.metadata.is_empty());
    *mode == DeltaWriteDisposition::Append
        && schema_mode.is_none()
        && partition_columns.is_none()
        && target_file_size.is_none()
        && !has_metadata
        && snapshot.takes_plain_rows()
        && checks.are_complete()
}

impl TableSnapshot {
    /// Whether neither partitions nor columns ask for more than that rows are written.
    fn takes_plain_rows(&self) -> bool {
        let protocol = self.protocol();
        let is_plain = |feature: &String| PLAIN.contains(&feature.as_str());
        let columns = self.arrow_schema();
        self.metadata().partition_columns().is_empty()
            && protocol.writer_features.iter().all(is_plain)
            && columns.fields().iter().all(|field| has_no_rules(field))
    }
}

/// Whether neither the field nor one below it carries a rule of Delta, such as an invariant or how it is generated.
fn has_no_rules(field: &Field) -> bool {
    let below = match field.data_type() {
        DataType::Struct(fields) => fields.iter().collect(),
        DataType::List(inner) | DataType::LargeList(inner) | DataType::Map(inner, _) => vec![inner],
        _ => Vec::new(),
    };
    !field.metadata().keys().any(|key| key.starts_with("delta.")) && below.into_iter().all(|field| has_no_rules(field))
}

/// The commit that `rows` wait for, or nothing where they aren't all there or not the table's as they are.
pub fn append(base: &Base, rows: &BegunRows, started: Instant) -> Option<CommitRecord> {
    let snapshot = &base.snapshot;
    let rows = PendingRows::new(snapshot.without_files(), snapshot.appendable_columns()?, rows.all()?);
    let rows = rows.filter(|rows| rows.count() > 0)?;
    let metrics = json!({
        "execution_time_ms": started.elapsed().as_millis() as u64,
        "num_added_files": 1,
        "num_added_rows": rows.count(),
        "num_partitions": 0,
        "num_removed_files": 0,
        "num_retries": 0,
    });
    let mut record = note("WRITE", json!({"mode": "Append"}), metrics);
    record.effects.adds_files = true;
    record.rows = Some(rows);
    Some(record)
}
