//! Updates rows.

use std::sync::Arc;

use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::Result;
use crate::generated::DeltaUpdateRequest;

pub async fn update(task: &Task, request: &DeltaUpdateRequest) -> Result<Report> {
    let updates = request.updates.iter().map(|(column, value)| (column.as_str(), value));
    let predicate = request.predicate.iter().map(|predicate| ("predicate", predicate));
    task.check_expressions(updates.chain(predicate))?;
    let done = task.commit(Isolation::Serial, true, async |base| {
        task.require_columns(&base.snapshot, request.updates.keys())?;
        let predicate = request.predicate.as_ref().map(|sql| task.expression(sql, &base));
        let updates = request
            .updates
            .iter()
            .map(|(column, sql)| Ok((column, task.expression(sql, &base)?)));
        let updates = updates.collect::<Result<Vec<_>>>()?;
        let predicate = predicate.transpose()?;
        let session = base.session()?;
        let mut builder = base
            .table
            .update()
            .with_session_state(Arc::new(session))
            .with_commit_properties(base.properties);
        if let Some(predicate) = predicate {
            builder = builder.with_predicate(predicate);
        }
        for (column, value) in updates {
            builder = builder.with_update(column.as_str(), value);
        }
        builder.await.map(drop)
    });
    Ok(done.await?.mutation())
}
