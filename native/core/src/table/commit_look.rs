//! A look at a table's log: whether a commit still is there as it was, and none after it.

use std::path::Path;

use chrono::{DateTime, Utc};
use object_store::ObjectMeta;

use super::time_travel::commit_meta;
use crate::error::Result;
use crate::storage::{Location, TableStore};

pub struct CommitLook<'a> {
    pub store: &'a TableStore,
    pub version: i64,
    /// Its file as it was; none where it was cleaned up.
    pub commit: Option<&'a ObjectMeta>,
    /// The version that nobody may have committed yet; none where later ones change nothing.
    pub next: Option<i64>,
}

impl CommitLook<'_> {
    /// What is known without waiting: nothing where the table isn't in a folder of this machine.
    pub fn now(&self) -> Option<bool> {
        let Location::Folder(folder) = &self.store.location else {
            return None;
        };
        let same = match (self.commit, commit_file(folder, self.version)) {
            (Some(commit), Some(found)) => {
                found.len() == commit.size
                    && found
                        .modified()
                        .is_ok_and(|time| DateTime::<Utc>::from(time) == commit.last_modified)
            }
            (commit, found) => commit.is_none() == found.is_none(),
        };
        Some(same && self.next.is_none_or(|next| commit_file(folder, next).is_none()))
    }

    pub async fn check(&self) -> Result<bool> {
        if let Some(same) = self.now() {
            return Ok(same);
        }
        let next = async {
            match self.next {
                Some(next) => commit_meta(self.store, next).await,
                None => Ok(None),
            }
        };
        let (commit, next) = tokio::try_join!(commit_meta(self.store, self.version), next)?;
        Ok(commit.as_ref() == self.commit && next.is_none())
    }
}

fn commit_file(folder: &Path, version: i64) -> Option<std::fs::Metadata> {
    std::fs::metadata(folder.join("_delta_log").join(format!("{version:020}.json"))).ok()
}
