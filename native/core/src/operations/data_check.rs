//! Checks the rows of a table against its constraints.

use std::collections::BTreeMap;

use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::DataFrame;

use super::report::Report;
use super::task::Task;
use super::violations::violations;
use crate::error::{Error, Result};
use crate::generated::{DeltaDataCheckReport, DeltaDataCheckRequest, ErrorCode};
use crate::table::{CONSTRAINT, TableSnapshot};

pub async fn data_check(task: &Task, request: &DeltaDataCheckRequest) -> Result<Report> {
    if request.commit_options.is_some() {
        let message = "A data check commits nothing: leave commit_options out";
        return Err(Error::new(ErrorCode::InvalidRequest, message));
    }
    let snapshot = task.table.snapshot(None).await?;
    task.require(&snapshot)?;
    let properties = snapshot.metadata().configuration().clone();
    let constraints: BTreeMap<String, String> = properties
        .into_iter()
        .filter_map(|(key, sql)| key.strip_prefix(CONSTRAINT).map(|name| (name.to_owned(), sql)))
        .collect();
    task.check_expressions(constraints.iter().map(|(name, sql)| (name.as_str(), sql)))?;
    let rows = rows_of(&snapshot, &task.session()?)?;
    let violations = violations(&rows, &constraints).await?;
    Ok(Report::DataCheck(DeltaDataCheckReport {
        version: snapshot.version,
        snapshot: snapshot.info()?,
        violations,
    }))
}

/// The rows of a table, for its own state to be looked at.
pub fn rows_of(snapshot: &TableSnapshot, session: &SessionState) -> Result<DataFrame> {
    let plan = LogicalPlanBuilder::scan("rows", provider_as_source(snapshot.provider()?), None)?.build()?;
    Ok(DataFrame::new(session.clone(), plan))
}
