//! Which constraints rows break, and how many do: the library says that some do, and no more.

use std::collections::BTreeMap;

use datafusion::common::ScalarValue;
use datafusion::execution::SessionState;
use datafusion::logical_expr::lit;
use datafusion::prelude::DataFrame;
use serde_json::Value;

use super::task::Task;
use crate::entries::Contracts;
use crate::error::{Error, Result};
use crate::generated::{DeltaConstraintViolation, ErrorCode};
use crate::rows::{SAMPLES, constraint_violated, rows_as_json};
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

/// Holds the rows that an operation is about to write to the contracts of its table.
pub async fn hold(contracts: &Contracts, written: Vec<DataFrame>) -> Result<()> {
    contracts.forget();
    for rows in written {
        let rows = with_missing(rows, contracts)?;
        for (index, check) in contracts.checks() {
            let holds = rows.parse_sql_expr(&check.holds)?;
            let broken = rows.clone().filter(holds.is_not_true())?;
            let count = broken.clone().count().await? as i64;
            if count > 0 {
                let sample = sample(broken).await?;
                contracts.note(index, Vec::new(), vec![check.broken(count, sample)]);
            }
        }
    }
    contracts.refusal().map_or(Ok(()), Err)
}

/// The rows with nulls for the columns that contracts have and they don't.
pub fn with_missing(mut rows: DataFrame, contracts: &Contracts) -> Result<DataFrame> {
    let own = rows.schema().as_arrow().clone();
    for field in contracts.with_columns(&own)?.fields() {
        if own.field_with_name(field.name()).is_err() {
            rows = rows.with_column(field.name(), lit(ScalarValue::try_from(field.data_type())?))?;
        }
    }
    Ok(rows)
}

pub async fn sample(rows: DataFrame) -> Result<Vec<BTreeMap<String, Value>>> {
    let mut sample = Vec::new();
    for batch in rows.limit(0, Some(SAMPLES))?.collect().await? {
        sample.extend(rows_as_json(&batch)?);
    }
    Ok(sample)
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
    let session = task.session()?;
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
