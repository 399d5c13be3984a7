//! Checks the rows of a table against its constraints.

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::DataFrame;

use super::report::Report;
use super::task::Task;
use crate::error::{Error, Result};
use crate::generated::{DeltaConstraintViolation, DeltaDataCheckReport, DeltaDataCheckRequest, ErrorCode};
use crate::table::{CONSTRAINT, TableSnapshot};

pub async fn data_check(task: &Task, request: &DeltaDataCheckRequest) -> Result<Report> {
    if request.commit_options.is_some() {
        let message = "A data check commits nothing: leave commit_options out";
        return Err(Error::new(ErrorCode::InvalidRequest, message));
    }
    let snapshot = task.table.snapshot(None).await?;
    task.require(&snapshot)?;
    let properties = snapshot.state.metadata().configuration().clone();
    let mut constraints: Vec<(String, String)> = properties
        .into_iter()
        .filter_map(|(key, sql)| key.strip_prefix(CONSTRAINT).map(|name| (name.to_owned(), sql)))
        .collect();
    constraints.sort();
    task.check_expressions(constraints.iter().map(|(name, sql)| (name.as_str(), sql)))?;
    let violations = violations(task, &snapshot, &constraints).await?;
    Ok(Report::DataCheck(DeltaDataCheckReport {
        version: snapshot.version,
        snapshot: snapshot.info()?,
        violations,
    }))
}

/// The constraints that rows of the table break, with how many.
pub async fn violations(
    task: &Task,
    snapshot: &TableSnapshot,
    constraints: &[(String, String)],
) -> Result<Vec<DeltaConstraintViolation>> {
    let session = task.engine.operation_session()?;
    let rows = LogicalPlanBuilder::scan("rows", provider_as_source(snapshot.provider()?), None)?.build()?;
    let mut violations = Vec::new();
    for (constraint, expression) in constraints {
        let holds = session.create_logical_expr(expression, rows.schema())?;
        let broken = DataFrame::new(session.clone(), rows.clone()).filter(holds.is_not_true())?;
        let violating_rows = broken.count().await? as i64;
        if violating_rows > 0 {
            violations.push(DeltaConstraintViolation {
                constraint: constraint.clone(),
                expression: expression.clone(),
                violating_rows,
            });
        }
    }
    Ok(violations)
}
