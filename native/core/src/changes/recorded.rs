//! Whether every version of a range recorded its changes, under a schema that the last one still reads.

use std::collections::HashMap;
use std::ops::RangeInclusive;

use futures::{StreamExt, TryStreamExt, stream};
use serde_json::Value;

use super::range::expired;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::table::{Commit, CommitMetadata, Table, TableSnapshot, read_commit};

const ENABLED: &str = "delta.enableChangeDataFeed";
/// Commits read at once.
const AHEAD: usize = 8;

/// The commits of `versions`, all of which must be there and must have recorded their changes; `last` is the table at
/// the end of the range.
pub async fn recorded_commits(
    table: &Table,
    last: &TableSnapshot,
    versions: &RangeInclusive<i64>,
) -> Result<Vec<(i64, Commit)>> {
    let read = versions.clone().map(|version| async move {
        let commit = read_commit(&last.store, version).await?;
        Ok::<_, Error>((version, commit.ok_or_else(|| expired(version, None))?))
    });
    let commits: Vec<(i64, Commit)> = stream::iter(read).buffered(AHEAD).try_collect().await?;
    let end = metadata(last);
    let mut current = match changes_metadata(&commits) {
        true => metadata(&*table.snapshot_at(*versions.start()).await?),
        false => end.clone(),
    };
    for (version, commit) in &commits {
        current = commit.metadata.clone().unwrap_or(current);
        check(*version, &current, &end)?;
    }
    Ok(commits)
}

/// Whether the metadata of the first version isn't that of the last one, as far as the commits tell.
fn changes_metadata(commits: &[(i64, Commit)]) -> bool {
    let first = commits.first().is_some_and(|(_, commit)| commit.metadata.is_some());
    !first && commits.iter().any(|(_, commit)| commit.metadata.is_some())
}

fn metadata(snapshot: &TableSnapshot) -> CommitMetadata {
    let metadata = snapshot.metadata();
    let configuration = metadata.configuration().iter();
    CommitMetadata {
        schema_string: serde_json::to_string(&*snapshot.delta_schema()).unwrap_or_default(),
        partition_columns: metadata.partition_columns().to_vec(),
        configuration: configuration
            .map(|(name, value)| (name.clone(), value.as_str().into()))
            .collect(),
    }
}

fn check(version: i64, current: &CommitMetadata, end: &CommitMetadata) -> Result<()> {
    let enabled = current.configuration.get(ENABLED).and_then(Value::as_str);
    if !enabled.is_some_and(|enabled| enabled.eq_ignore_ascii_case("true")) {
        let message = format!("Version {version} did not record its changes: {ENABLED} was not true");
        return Err(Error::new(ErrorCode::ChangeDataDisabled, message).with("version", version));
    }
    if current.partition_columns == end.partition_columns && reads(end, current) {
        return Ok(());
    }
    let message = format!(
        "The columns changed after version {version} in a way that its changes can't be read with those that follow: end the range there"
    );
    Err(Error::new(ErrorCode::TableUnsupported, message).with("version", version))
}

/// Whether every column of the earlier schema is in the later one with the same type.
fn reads(later: &CommitMetadata, earlier: &CommitMetadata) -> bool {
    if later.schema_string == earlier.schema_string {
        return true;
    }
    let later = columns(&later.schema_string);
    columns(&earlier.schema_string)
        .iter()
        .all(|(name, data_type)| later.get(name) == Some(data_type))
}

fn columns(schema: &str) -> HashMap<String, Value> {
    let schema: Value = serde_json::from_str(schema).unwrap_or_default();
    let fields = schema["fields"].as_array().cloned().unwrap_or_default();
    let columns = fields
        .iter()
        .filter_map(|field| Some((field["name"].as_str()?.to_owned(), field["type"].clone())));
    columns.collect()
}
