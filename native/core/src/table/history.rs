//! The commits of a table, numbered as their files are.

use std::collections::{BTreeMap, HashMap};

use chrono::{DateTime, Utc};
use futures::{StreamExt, TryStreamExt, stream};
use serde_json::{Map, Value};

use super::commit_log::{Commit, read_commit};
use super::snapshot::{TableSnapshot, rfc3339};
use super::time_travel::commit_times;
use crate::error::Result;
use crate::generated::{HistoryPage, TableCommit};

/// Commits read at once.
const AHEAD: usize = 8;

impl TableSnapshot {
    /// The newest `limit` commits up to this version, before version `before` where it is given; those whose files were
    /// cleaned up are gone.
    pub async fn history(&self, before: Option<i64>, limit: usize) -> Result<HistoryPage> {
        let times = commit_times(self).await?;
        let earlier = times
            .iter()
            .rev()
            .filter(|(version, _)| before.is_none_or(|before| *version < before));
        let mut wanted: Vec<_> = earlier.take(limit + 1).copied().collect();
        let more = wanted.len() > limit;
        wanted.truncate(limit);
        let read = wanted.into_iter().map(|(version, time)| self.commit(version, time));
        let items: Vec<_> = stream::iter(read).buffered(AHEAD).try_collect().await?;
        Ok(HistoryPage {
            more,
            items: items.into_iter().flatten().collect(),
        })
    }

    async fn commit(&self, version: i64, time: DateTime<Utc>) -> Result<Option<TableCommit>> {
        let commit = read_commit(&self.store, version).await?;
        Ok(commit.map(|commit| table_commit(version, time, commit)))
    }
}

fn table_commit(version: i64, time: DateTime<Utc>, commit: Commit) -> TableCommit {
    let mut info: HashMap<String, Value> = commit.info.unwrap_or_default().into_iter().collect();
    let mut take = |name: &str| info.remove(name).filter(|value| !value.is_null());
    let text = |value: Option<Value>| value.and_then(|value| value.as_str().map(str::to_owned));
    TableCommit {
        version,
        timestamp: rfc3339(time),
        operation: text(take("operation")),
        parameters: map(take("operationParameters")),
        metrics: map(take("operationMetrics")),
        read_version: take("readVersion").and_then(|value| value.as_i64()),
        isolation_level: text(take("isolationLevel")),
        is_blind_append: take("isBlindAppend").and_then(|value| value.as_bool()),
        engine_info: text(take("engineInfo")),
        metadata: info.into_iter().filter(|(_, value)| !value.is_null()).collect(),
    }
}

fn map(value: Option<Value>) -> BTreeMap<String, Value> {
    match value {
        Some(Value::Object(map)) => Map::into_iter(map).collect(),
        _ => BTreeMap::new(),
    }
}
