//! The commits of a table's log, read one by one.

use chrono::{DateTime, SubsecRound, Utc};
use deltalake_core::kernel::DeletionVectorDescriptor;
use futures::TryStreamExt;
use object_store::path::Path;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::time_travel::MILLIS;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::storage::TableStore;

/// What a commit says of itself, of its table and of its files.
#[derive(Debug, Default)]
pub struct Commit {
    pub info: Option<Map<String, Value>>,
    pub metadata: Option<CommitMetadata>,
    /// Files with rows that were added or removed, not only moved.
    pub changed: Vec<CommitFile>,
    /// Files that hold the changes themselves.
    pub recorded: Vec<CommitFile>,
}

/// A file that a commit names, by its encoded path.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitFile {
    pub path: String,
    #[serde(default)]
    data_change: bool,
    pub deletion_vector: Option<DeletionVectorDescriptor>,
}

/// The table's metadata from a commit on.
#[derive(Debug, Clone, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CommitMetadata {
    pub schema_string: String,
    #[serde(default)]
    pub partition_columns: Vec<String>,
    #[serde(default)]
    pub configuration: Map<String, Value>,
}

impl Commit {
    pub fn in_commit_timestamp(&self) -> Option<DateTime<Utc>> {
        let millis = self.info.as_ref()?.get("inCommitTimestamp")?.as_i64()?;
        DateTime::from_timestamp_millis(millis)
    }
}

/// The commits up to version `newest` whose files are still there, with the times of these, ascending by version.
pub async fn commit_files(store: &TableStore, newest: i64) -> Result<Vec<(i64, DateTime<Utc>)>> {
    let mut files: Vec<_> = store
        .log
        .object_store(None)
        .list(Some(store.log.log_path()))
        .try_filter_map(async |meta| {
            Ok(commit_version(&meta.location).map(|version| (version, meta.last_modified.trunc_subsecs(MILLIS))))
        })
        .try_collect()
        .await?;
    files.retain(|(version, _)| *version <= newest);
    files.sort_unstable();
    Ok(files)
}

/// The commit of a version; none where its file was cleaned up.
pub async fn read_commit(store: &TableStore, version: i64) -> Result<Option<Commit>> {
    let Some(bytes) = store.log.read_commit_entry(version as u64).await? else {
        return Ok(None);
    };
    let mut commit = Commit::default();
    for line in bytes
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
    {
        let line: Line = serde_json::from_slice(line).map_err(|error| not_json(version, &error))?;
        commit.info = commit.info.or(line.commit_info);
        commit.metadata = line.meta_data.or(commit.metadata);
        let files = [line.add, line.remove].into_iter().flatten();
        commit.changed.extend(files.filter(|file| file.data_change));
        commit.recorded.extend(line.cdc);
    }
    Ok(Some(commit))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    commit_info: Option<Map<String, Value>>,
    meta_data: Option<CommitMetadata>,
    add: Option<CommitFile>,
    remove: Option<CommitFile>,
    cdc: Option<CommitFile>,
}

fn commit_version(path: &Path) -> Option<i64> {
    let digits = path.filename()?.strip_suffix(".json")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn not_json(version: i64, error: &serde_json::Error) -> Error {
    let message = format!("Commit {version} of the table's log isn't JSON: {error}");
    Error::new(ErrorCode::TableCorrupt, message)
}
