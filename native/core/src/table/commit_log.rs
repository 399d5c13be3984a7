//! The commits of a table's log, read one by one.

use chrono::{DateTime, SubsecRound, Utc};
use deltalake_core::kernel::{Add, DeletionVectorDescriptor, Remove};
use deltalake_core::logstore::commit_uri_from_version;
use futures::TryStreamExt;
use object_store::path::Path;
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use super::time_travel::MILLIS;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::scan::FileAction;
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

/// What a commit does to the files of its table.
pub struct FileActions {
    /// Of its own file.
    pub meta: ObjectMeta,
    pub actions: Vec<FileAction>,
    /// Whether it carries metadata or a protocol.
    pub changes_table: bool,
    pub in_commit_timestamp: Option<DateTime<Utc>>,
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

/// The same commit as the library's actions; none where there is no such version.
pub async fn read_file_actions(store: &TableStore, version: i64) -> Result<Option<FileActions>> {
    let path = commit_uri_from_version(Some(version as u64));
    let found = match store.log.object_store(None).get(&path).await {
        Ok(found) => found,
        Err(object_store::Error::NotFound { .. }) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let mut commit = FileActions {
        meta: found.meta.clone(),
        actions: Vec::new(),
        changes_table: false,
        in_commit_timestamp: None,
    };
    let bytes = found.bytes().await?;
    for line in Deserializer::from_slice(&bytes).into_iter::<FileLine>() {
        let line = line.map_err(|error| not_json(version, &error))?;
        commit.actions.extend(line.add.map(FileAction::Add));
        commit.actions.extend(line.remove.map(FileAction::Remove));
        commit.changes_table |= line.meta_data.is_some() || line.protocol.is_some();
        let millis = line.commit_info.and_then(|info| info.in_commit_timestamp);
        let time = millis.and_then(DateTime::from_timestamp_millis);
        commit.in_commit_timestamp = commit.in_commit_timestamp.or(time);
    }
    Ok(Some(commit))
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct FileLine {
    add: Option<Box<Add>>,
    remove: Option<Box<Remove>>,
    meta_data: Option<IgnoredAny>,
    protocol: Option<IgnoredAny>,
    commit_info: Option<CommitTime>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct CommitTime {
    in_commit_timestamp: Option<i64>,
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
