//! Brings an earlier version back.

use super::data_check::rows_of;
use super::report::Report;
use super::task::Task;
use super::unique_keys::hold_keys;
use super::violations::hold;
use crate::commit::Isolation;
use crate::entries::Contracts;
use crate::error::{Error, Result};
use crate::generated::{DeltaRestoreRequest, ErrorCode};
use crate::table::{TableSnapshot, parse_time, version_at};

pub async fn restore(task: &Task, request: &DeltaRestoreRequest) -> Result<Report> {
    let newest = task.table.snapshot(None).await?;
    let version = match (request.version, &request.timestamp) {
        (Some(version), _) => version,
        (None, Some(text)) => version_at(&newest, parse_time(text)?).await?,
        (None, None) => {
            return Err(Error::new(
                ErrorCode::InvalidRequest,
                "A restore needs a version or a timestamp",
            ));
        }
    };
    // Refuses a version that isn't there in the words of every other pin.
    let wanted = task.table.snapshot_at(version).await?;
    if version == newest.version {
        task.require(&newest)?;
        let reason = format!("The table is at version {version}");
        return Ok(task.skipped(&newest, &reason)?.maintenance());
    }
    let contracts = task.contracts();
    if contracts.are_some() {
        hold_version(task, &contracts, &wanted).await?;
    }
    let done = task.commit(Isolation::Serial, true, async |base| {
        let builder = base.table().await?.restore().with_version_to_restore(version as u64);
        builder.with_commit_properties(base.properties).await.map(drop)
    });
    Ok(done.await?.maintenance_with(contracts.warnings()))
}

/// Holds all of a version to the contracts of its table.
async fn hold_version(task: &Task, contracts: &Contracts, wanted: &TableSnapshot) -> Result<()> {
    let rows = vec![rows_of(wanted, &task.session()?)?];
    hold(contracts, rows.clone()).await?;
    contracts.judge_rows_of(&wanted.arrow_schema(), wanted.metadata().partition_columns())?;
    hold_keys(contracts, rows, None).await
}
