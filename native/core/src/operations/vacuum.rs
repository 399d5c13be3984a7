//! Removes files that no version within the retention needs.

use chrono::Duration;
use deltalake_core::operations::vacuum::VacuumMode;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::Error as StoreError;
use object_store::path::Path;
use serde_json::json;

use super::report::Report;
use super::task::{Task, figures, note};
use crate::error::{Error, Result};
use crate::generated::{DeltaVacuumRequest, ErrorCode};
use crate::table::guarded;

pub async fn vacuum(task: &Task, request: &DeltaVacuumRequest) -> Result<Report> {
    let committer = task.table.store.committer.clone();
    let _files = committer.files.write().await;
    let base = task.table.base().await?;
    task.require(&base)?;
    let table = base.library_table().await?;
    let mut builder = table
        .vacuum()
        .with_mode(VacuumMode::Full)
        .with_dry_run(true)
        .with_enforce_retention_duration(request.enforce_retention_duration);
    if let Some(hours) = request.retention_hours {
        builder = builder.with_retention_period(Duration::try_hours(hours).unwrap_or(Duration::MAX));
    }
    let found = guarded(async { Ok(builder.await?) }).await;
    let (_, found) = found.map_err(|error| task.table.explain(retention(error)))?;
    let files = found.files_deleted;
    if !request.dry_run {
        task.table.store.sweep().await?;
    }
    if request.dry_run || files.is_empty() {
        let reason = if request.dry_run {
            "A dry run removes nothing"
        } else {
            "There was nothing to remove"
        };
        let mut done = task.skipped(&base, reason)?;
        done.metrics = figures([("files", json!(files))]);
        return Ok(done.maintenance());
    }
    remove(task, &files).await?;
    let metrics = json!({"numDeletedFiles": files.len()});
    let record = note("VACUUM END", json!({"status": "COMPLETED"}), metrics);
    let mut done = task.commit_note(&base, record).await?;
    done.metrics
        .get_or_insert_default()
        .insert("files".to_owned(), json!(files));
    Ok(done.maintenance())
}

async fn remove(task: &Task, files: &[String]) -> Result<()> {
    let store = task.table.store.log.object_store(None);
    let paths: Vec<_> = files.iter().map(|file| Ok(Path::parse(file)?)).collect();
    let mut removed = store.delete_stream(stream::iter(paths).boxed());
    loop {
        match removed.try_next().await {
            Ok(Some(_)) | Err(StoreError::NotFound { .. }) => {}
            Ok(None) => return Ok(()),
            Err(error) => return Err(error.into()),
        }
    }
}

fn retention(error: Error) -> Error {
    if error.message.contains("retention period") {
        let hint = "send enforce_retention_duration: false where no reader needs the older versions";
        return Error::new(ErrorCode::RetentionTooShort, format!("{}: {hint}", error.message));
    }
    error
}
