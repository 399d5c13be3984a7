//! Checkpoints, and the clean-up of the log behind them.

use chrono::Utc;
use delta_kernel::Snapshot;
use deltalake_core::DeltaTableError;
use deltalake_core::checkpoints::cleanup_expired_logs_for;
use deltalake_core::logstore::LogStore;
use futures::TryFutureExt;
use serde_json::{Value, json};

use super::report::{Done, Report};
use super::task::{Task, figures};
use crate::error::Result;
use crate::generated::{DeltaCheckpointRequest, DeltaCleanupMetadataRequest};
use crate::storage::TableStore;
use crate::table::guarded;

/// Commits from one checkpoint to the next, where the table doesn't say.
const INTERVAL: i64 = 10;

pub async fn checkpoint(task: &Task, _: &DeltaCheckpointRequest) -> Result<Report> {
    let base = task.table.base().await?;
    task.require(&base)?;
    let _alone = task.table.store.committer.checkpoints.alone().await;
    guarded(write_checkpoint(&base.store, base.version)).await?;
    Ok(task.uncommitted(&base)?.maintenance())
}

/// Removes what is older than the table's log retention; a checkpoint first makes sure that no version is needed of it.
pub async fn cleanup_metadata(task: &Task, _: &DeltaCleanupMetadataRequest) -> Result<Report> {
    let base = task.table.base().await?;
    task.require(&base)?;
    let committer = &task.table.store.committer;
    let _alone = committer.checkpoints.alone().await;
    let _files = committer.files.write().await;
    let table = base.library_table().await?;
    guarded(write_checkpoint(&base.store, base.version)).await?;
    let retention = table
        .snapshot()?
        .table_config()
        .log_retention_duration
        .unwrap_or(RETENTION);
    let until = Utc::now().timestamp_millis() - retention.as_millis() as i64;
    let version = base.version as u64;
    let log = task.table.store.log.as_ref();
    let removed = guarded(async { Ok(cleanup_expired_logs_for(version, log, until, None).await?) }).await?;
    let mut done = task.uncommitted(&base)?;
    done.metrics = figures([("num_log_files_cleaned_up", json!(removed))]);
    Ok(done.maintenance())
}

/// How long a log is kept where the table doesn't say.
const RETENTION: std::time::Duration = std::time::Duration::from_secs(30 * 24 * 3600);

/// As the library does, which would have its own engine read the commits one by one.
async fn write_checkpoint(store: &TableStore, version: i64) -> Result<()> {
    let log = store.replayed_log();
    let (root, engine) = (log.transaction_url(None)?, log.engine(None));
    let writing = tokio::task::spawn_blocking(move || {
        let snapshot = Snapshot::builder_for(root).at_version(version as u64);
        snapshot.build(engine.as_ref())?.checkpoint(engine.as_ref(), None)
    });
    writing.await?.map_err(DeltaTableError::from)?;
    Ok(())
}

impl Task {
    /// Has the checkpoint written that is due after a commit, behind the answer to it. The commit stands whatever comes of
    /// that: why it failed is told in the report of the commit that the next one is due at.
    pub fn care(&self, done: &mut Done) {
        let interval = done.snapshot.table_properties.get("delta.checkpointInterval");
        let interval = interval.and_then(|text| text.parse().ok());
        if !self.wants_checkpoint() || (done.version + 1) % interval.unwrap_or(INTERVAL) != 0 {
            return;
        }
        let checkpoints = &self.table.store.committer.checkpoints;
        if !checkpoints.is_for(done.version) {
            return;
        }
        if let Some(failure) = checkpoints.take_failure() {
            let metrics = done.metrics.get_or_insert_default();
            metrics.insert("checkpoint".to_owned(), Value::from(failure));
        }
        let table = self.table.clone();
        tokio::spawn(async move {
            let written = guarded(async {
                let base = table.base().await?;
                write_checkpoint(&base.store, base.version).await
            });
            let checkpoints = &table.store.committer.checkpoints;
            checkpoints
                .write(interval.is_none(), written.map_err(|error| error.message))
                .await;
        });
    }
}
