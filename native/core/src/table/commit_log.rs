//! The commits of a table's log, read one by one.

use chrono::{DateTime, SubsecRound, Utc};
use deltalake_core::kernel::{Add, DeletionVectorDescriptor, Remove};
use deltalake_core::logstore::commit_uri_from_version;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::{ObjectMeta, ObjectStoreExt};
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Deserializer, Map, Value};

use super::time_travel::MILLIS;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::scan::FileAction;
use crate::storage::TableStore;

/// Commits that are looked for at once: there is one new one most of the time, and none after it.
const AHEAD: usize = 2;

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
    let files = store.log_files().await?.into_iter();
    let commits = files.filter_map(|(name, time)| Some((commit_version(&name)?, time.trunc_subsecs(MILLIS))));
    let mut files: Vec<_> = commits.filter(|(version, _)| *version <= newest).collect();
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

/// The commits after `version` as the library's actions, oldest first and `most` of them at most.
pub async fn file_actions_after(store: &TableStore, version: i64, most: i64) -> Result<Vec<FileActions>> {
    let versions = version + 1..=version + most;
    if let Some(folder) = store.log_folder() {
        let read = move || {
            let commits = versions.map(|version| match folder.commit(version) {
                Ok(Some((meta, text))) => file_actions(version, meta, &text).map(Some),
                Ok(None) => Ok(None),
                Err(error) => Err(Error::internal(error.to_string())),
            });
            commits.map_while(Result::transpose).collect()
        };
        return tokio::task::spawn_blocking(read).await?;
    }
    stream::iter(versions)
        .map(async |version| {
            let path = commit_uri_from_version(Some(version as u64));
            let found = match store.log.object_store(None).get(&path).await {
                Ok(found) => found,
                Err(object_store::Error::NotFound { .. }) => return Ok(None),
                Err(error) => return Err(error.into()),
            };
            let meta = found.meta.clone();
            file_actions(version, meta, &found.bytes().await?).map(Some)
        })
        .buffered(AHEAD)
        .try_take_while(|commit| std::future::ready(Ok(commit.is_some())))
        .try_filter_map(async |commit| Ok(commit))
        .try_collect()
        .await
}

fn file_actions(version: i64, meta: ObjectMeta, text: &[u8]) -> Result<FileActions> {
    let mut commit = FileActions {
        meta,
        actions: Vec::new(),
        changes_table: false,
        in_commit_timestamp: None,
    };
    for line in Deserializer::from_slice(text).into_iter::<FileLine>() {
        let line = line.map_err(|error| not_json(version, &error))?;
        commit.actions.extend(line.add.map(FileAction::Add));
        commit.actions.extend(line.remove.map(FileAction::Remove));
        commit.changes_table |= line.meta_data.is_some() || line.protocol.is_some();
        let millis = line.commit_info.and_then(|info| info.in_commit_timestamp);
        let time = millis.and_then(DateTime::from_timestamp_millis);
        commit.in_commit_timestamp = commit.in_commit_timestamp.or(time);
    }
    Ok(commit)
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

fn commit_version(name: &str) -> Option<i64> {
    let digits = name.strip_suffix(".json")?;
    (digits.len() == 20).then(|| digits.parse().ok()).flatten()
}

fn not_json(version: i64, error: &serde_json::Error) -> Error {
    let message = format!("Commit {version} of the table's log isn't JSON: {error}");
    Error::new(ErrorCode::TableCorrupt, message)
}
