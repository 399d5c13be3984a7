//! Which constraints rows break, and how many do: the library says that some do, and no more.

use std::collections::BTreeMap;

use datafusion::execution::SessionState;
use datafusion::prelude::DataFrame;

use super::task::Task;
use crate::error::{Error, Result};
use crate::generated::{DeltaConstraintViolation, ErrorCode};
use crate::rows::constraint_violated;
use crate::table::TableSnapshot;

/// The constraints, name to SQL expression, that `rows` break.
pub async fn violations(
    rows: &DataFrame,
    constraints: &BTreeMap<String, String>,
) -> Result<Vec<DeltaConstraintViolation>> {
    let mut violations = Vec::new();
    for (constraint, expression) in constraints {
        let holds = rows.parse_sql_expr(expression)?;
        let violating_rows = rows.clone().filter(holds.is_not_true())?.count().await? as i64;
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

/// An error of an operation that writes the rows of `plan`, with the constraints that they break where it is about these.
pub async fn explained<F>(task: &Task, error: Error, plan: F) -> Error
where
    F: Fn(&TableSnapshot, &SessionState) -> Result<Vec<DataFrame>>,
{
    if error.code != ErrorCode::ConstraintViolated {
        return error;
    }
    match listed(task, plan).await {
        Ok(violations) if !violations.is_empty() => task.table.explain(constraint_violated(violations)),
        // The first error stands where the table has changed, or where more than a constraint is wrong.
        Ok(_) | Err(_) => error,
    }
}

async fn listed<F>(task: &Task, plan: F) -> Result<Vec<DeltaConstraintViolation>>
where
    F: Fn(&TableSnapshot, &SessionState) -> Result<Vec<DataFrame>>,
{
    let newest = task.table.snapshot(None).await?;
    let session = task.engine.operation_session()?;
    let mut all: Vec<DeltaConstraintViolation> = Vec::new();
    for rows in plan(&newest, &session)? {
        for found in violations(&rows, &newest.constraints()).await? {
            match all.iter_mut().find(|known| known.constraint == found.constraint) {
                Some(known) => known.violating_rows += found.violating_rows,
                None => all.push(found),
            }
        }
    }
    Ok(all)
}
