//! Updates rows.

use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::logical_expr::{cast, ident};
use datafusion::prelude::DataFrame;

use super::data_check::rows_of;
use super::report::Report;
use super::task::Task;
use super::unique_keys::hold_keys;
use super::violations::{explained, hold};
use crate::commit::Isolation;
use crate::error::Result;
use crate::generated::DeltaUpdateRequest;
use crate::table::TableSnapshot;

pub async fn update(task: &Task, request: &DeltaUpdateRequest) -> Result<Report> {
    let updates = request.updates.iter().map(|(column, value)| (column.as_str(), value));
    let predicate = request.predicate.iter().map(|predicate| ("predicate", predicate));
    task.check_expressions(updates.chain(predicate))?;
    let contracts = task.contracts();
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
        if contracts.are_some() {
            let written = updated(request, &base.snapshot, &session)?;
            hold(&contracts, written.clone()).await?;
            hold_keys(&contracts, written, unchanged(request, &base.snapshot, &session)?).await?;
        }
        let mut builder = base
            .table()
            .await?
            .update()
            .with_session_state(Arc::new(session))
            .with_writer_properties(base.file_layout())
            .with_commit_properties(base.properties);
        if let Some(predicate) = predicate {
            builder = builder.with_predicate(predicate);
        }
        for (column, value) in updates {
            builder = builder.with_update(column.as_str(), value);
        }
        builder.await.map(drop)
    });
    match done.await {
        Ok(done) => Ok(done.mutation_with(contracts.warnings())),
        Err(error) => Err(explained(task, error, |snapshot, session| updated(request, snapshot, session)).await),
    }
}

/// The rows that stay as they are.
fn unchanged(
    request: &DeltaUpdateRequest,
    snapshot: &TableSnapshot,
    session: &SessionState,
) -> Result<Option<DataFrame>> {
    let Some(predicate) = &request.predicate else {
        return Ok(None);
    };
    let rows = rows_of(snapshot, session)?;
    let changes = rows.parse_sql_expr(predicate)?;
    Ok(Some(rows.filter(changes.is_not_true())?))
}

/// The rows that are changed, as they are then.
fn updated(request: &DeltaUpdateRequest, snapshot: &TableSnapshot, session: &SessionState) -> Result<Vec<DataFrame>> {
    let mut rows = rows_of(snapshot, session)?;
    if let Some(predicate) = &request.predicate {
        let predicate = rows.parse_sql_expr(predicate)?;
        rows = rows.filter(predicate)?;
    }
    let schema = snapshot.arrow_schema();
    let columns = schema.fields().iter().map(|field| {
        let value = match request.updates.get(field.name()) {
            Some(sql) => cast(rows.parse_sql_expr(sql)?, field.data_type().clone()),
            None => ident(field.name()),
        };
        Ok(value.alias(field.name()))
    });
    let columns = columns.collect::<Result<Vec<_>>>()?;
    Ok(vec![rows.select(columns)?])
}
