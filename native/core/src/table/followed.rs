//! The newest version of a table, by the commits since one that is known.

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};

use super::commit_log::file_actions_after;
use super::snapshot::TableSnapshot;
use super::time_travel::{MILLIS, in_commit_from};
use crate::error::Result;
use crate::scan::FileChanges;

/// Of more commits the library reads the log, which it lists for them.
const MOST: i64 = 256;

impl TableSnapshot {
    /// None where the library has to read the log: commits changed more than files, or files that only it can read.
    pub async fn newest_followed(&self) -> Result<Option<Self>> {
        let Some(scan) = self.own_scan()? else {
            return Ok(None);
        };
        let commits = file_actions_after(&self.store, self.version, MOST).await?;
        let Some(last) = commits.last().map(|commit| commit.meta.clone()) else {
            return Ok(None);
        };
        if commits.len() as i64 == MOST || commits.iter().any(|commit| commit.changes_table) {
            return Ok(None);
        }
        let first = in_commit_from(self.metadata());
        let (mut version, mut time) = (self.version, self.timestamp);
        for commit in &commits {
            version += 1;
            time = match first.is_some_and(|first| first <= version) {
                true => match commit.in_commit_timestamp {
                    Some(time) => time,
                    None => return Ok(None),
                },
                false => after(time, commit.meta.last_modified),
            };
        }
        let bytes = commits.iter().map(|commit| commit.meta.size as usize).sum();
        let actions = commits.into_iter().map(|commit| commit.actions).collect();
        let Some(changes) = FileChanges::of(actions, &self.store)? else {
            return Ok(None);
        };
        let Some(scan) = scan.advanced(&changes)? else {
            return Ok(None);
        };
        self.followed((version, time), last, scan, bytes).map(Some)
    }
}

/// The time of a commit's file, which the log's order has to follow.
fn after(before: DateTime<Utc>, modified: DateTime<Utc>) -> DateTime<Utc> {
    modified.trunc_subsecs(MILLIS).max(before + TimeDelta::milliseconds(1))
}
