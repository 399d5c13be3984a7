//! Rewrites files into fewer or better ordered ones, with the same rows.

use std::num::NonZeroU64;
use std::sync::Arc;

use deltalake_core::operations::optimize::OptimizeType;

use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::Result;
use crate::generated::DeltaOptimizeRequest;

pub async fn optimize(task: &Task, request: &DeltaOptimizeRequest) -> Result<Report> {
    let done = task.commit(Isolation::Compaction, true, async |base| {
        task.require_columns(&base.snapshot, request.z_order_columns.iter().flatten())?;
        let kind = match &request.z_order_columns {
            Some(columns) => OptimizeType::ZOrder(columns.clone()),
            None => OptimizeType::Compact,
        };
        let session = base.session()?;
        let mut builder = base
            .table()
            .await?
            .optimize()
            .with_type(kind)
            .with_session_state(Arc::new(session))
            .with_writer_properties(base.file_layout())
            .with_commit_properties(base.properties);
        if let Some(size) = request.target_size.and_then(|size| NonZeroU64::new(size as u64)) {
            builder = builder.with_target_size(size);
        }
        builder.await.map(drop)
    });
    Ok(done.await?.maintenance())
}
