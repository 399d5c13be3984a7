//! From a time to the version that was newest then.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use deltalake_core::kernel::Metadata;
use deltalake_core::logstore::commit_uri_from_version;
use futures::TryStreamExt;
use object_store::{ObjectMeta, ObjectStoreExt};

use super::commit_log::{commit_files, read_commit};
use super::snapshot::{TableSnapshot, rfc3339};
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::storage::TableStore;

/// Delta counts time in milliseconds, whatever the file system does.
pub const MILLIS: u16 = 3;

/// When `version` was committed: its in-commit timestamp where the table has them, else the time of its file.
pub async fn commit_timestamp(store: &TableStore, metadata: &Metadata, version: i64) -> Result<DateTime<Utc>> {
    if in_commit_from(metadata).is_some_and(|first| first <= version) {
        if let Some(time) = in_commit_timestamp(store, version).await? {
            return Ok(time);
        }
    }
    match ascending(commit_files(store, version).await?).last() {
        Some((last, time)) if *last == version => Ok(*time),
        _ => checkpoint_time(store, version).await,
    }
}

/// The same for the version after one whose time is known, without listing the log.
pub async fn next_commit_timestamp(
    store: &TableStore,
    metadata: &Metadata,
    (version, before): (i64, DateTime<Utc>),
) -> Result<DateTime<Utc>> {
    if in_commit_from(metadata).is_none()
        && let Some(meta) = commit_meta(store, version + 1).await?
    {
        let modified = meta.last_modified.trunc_subsecs(MILLIS);
        return Ok(modified.max(before + TimeDelta::milliseconds(1)));
    }
    commit_timestamp(store, metadata, version + 1).await
}

/// The times as they must ascend: those of files can stand still or go back, the log's order can't.
fn ascending(files: Vec<(i64, DateTime<Utc>)>) -> Vec<(i64, DateTime<Utc>)> {
    let mut commits: Vec<(i64, DateTime<Utc>)> = Vec::with_capacity(files.len());
    for (version, time) in files {
        let earliest = commits.last().map(|(_, time)| *time + TimeDelta::milliseconds(1));
        commits.push((version, earliest.map_or(time, |earliest| time.max(earliest))));
    }
    commits
}

/// The commit file of `version`, if it is still there.
pub async fn commit_meta(store: &TableStore, version: i64) -> Result<Option<ObjectMeta>> {
    let path = commit_uri_from_version(Some(version as u64));
    match store.log.object_store(None).head(&path).await {
        Ok(meta) => Ok(Some(meta)),
        Err(object_store::Error::NotFound { .. }) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// The last version committed at or before `time`; a time before the first or after the last commit is refused.
pub async fn version_at(newest: &TableSnapshot, time: DateTime<Utc>) -> Result<i64> {
    let commits = commit_times(newest).await?;
    let (Some(first), Some(last)) = (commits.first(), commits.last()) else {
        return Err(Error::new(
            ErrorCode::VersionNotFound,
            "The table's log has no commits left to travel to",
        ));
    };
    if time < first.1 || time > last.1 {
        let message = format!(
            "{} is outside the table's history: it goes from {} (version {}) to {} (version {})",
            rfc3339(time),
            rfc3339(first.1),
            first.0,
            rfc3339(last.1),
            last.0
        );
        return Err(Error::new(ErrorCode::VersionNotFound, message)
            .with("earliest", rfc3339(first.1))
            .with("latest", rfc3339(last.1)));
    }
    let after = commits.partition_point(|(_, committed)| *committed <= time);
    Ok(commits[after - 1].0)
}

/// Versions up to that of `snapshot` with their times, both ascending.
pub async fn commit_times(snapshot: &TableSnapshot) -> Result<Vec<(i64, DateTime<Utc>)>> {
    let store = &snapshot.store;
    let mut files = commit_files(store, snapshot.version).await?;
    if let Some(first) = in_commit_from(snapshot.metadata()) {
        for (version, time) in files.iter_mut().filter(|(version, _)| *version >= first) {
            *time = in_commit_timestamp(store, *version).await?.unwrap_or(*time);
        }
    }
    Ok(ascending(files))
}

/// The first version with an in-commit timestamp, if the table records them.
pub fn in_commit_from(metadata: &Metadata) -> Option<i64> {
    let properties = metadata.configuration();
    let enabled = properties.get("delta.enableInCommitTimestamps")?;
    enabled.eq_ignore_ascii_case("true").then(|| {
        properties
            .get("delta.inCommitTimestampEnablementVersion")
            .and_then(|version| version.parse().ok())
            .unwrap_or(0)
    })
}

async fn in_commit_timestamp(store: &TableStore, version: i64) -> Result<Option<DateTime<Utc>>> {
    let commit = read_commit(store, version).await?;
    Ok(commit.and_then(|commit| commit.in_commit_timestamp()))
}

/// The time of a version whose commit file was cleaned up, read off its checkpoint.
async fn checkpoint_time(store: &TableStore, version: i64) -> Result<DateTime<Utc>> {
    let name = format!("{version:020}.checkpoint");
    let checkpoint = store
        .log
        .object_store(None)
        .list(Some(store.log.log_path()))
        .try_filter(|meta| {
            let matches = meta.location.filename().is_some_and(|file| file.starts_with(&name));
            std::future::ready(matches)
        })
        .try_next()
        .await?;
    checkpoint
        .map(|meta| meta.last_modified.trunc_subsecs(MILLIS))
        .ok_or_else(|| {
            Error::new(
                ErrorCode::TableCorrupt,
                format!("Version {version} has neither a commit nor a checkpoint"),
            )
        })
}
