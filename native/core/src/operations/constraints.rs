//! Adds and drops check constraints.

use std::sync::Arc;

use serde_json::json;

use super::data_check::rows_of;
use super::report::Report;
use super::task::Task;
use super::violations::violations;
use crate::commit::Isolation;
use crate::error::{Error, Result};
use crate::generated::{DeltaAddConstraintsRequest, DeltaDropConstraintsRequest, ErrorCode};
use crate::table::CONSTRAINT;

/// Every row is checked first.
pub async fn add_constraints(task: &Task, request: &DeltaAddConstraintsRequest) -> Result<Report> {
    let constraints = request.constraints.iter();
    task.check_expressions(constraints.map(|(name, sql)| (name.as_str(), sql)))?;
    let added = task.commit(Isolation::Serial, true, async |base| {
        let session = base.session()?;
        let builder = base
            .table()
            .await?
            .add_constraint()
            .with_session_state(Arc::new(session))
            .with_commit_properties(base.properties);
        let constraints = request.constraints.clone().into_iter();
        builder.with_constraints(constraints.collect()).await.map(drop)
    });
    match added.await {
        Ok(done) => Ok(done.maintenance()),
        Err(error) if error.code == ErrorCode::ConstraintViolated => Err(listed(task, request).await?),
        Err(error) => Err(error),
    }
}

/// The library says that rows break a constraint, but neither which nor how many.
async fn listed(task: &Task, request: &DeltaAddConstraintsRequest) -> Result<Error> {
    let newest = task.table.snapshot(None).await?;
    let rows = rows_of(&newest, &task.session()?)?;
    let violations = violations(&rows, &request.constraints).await?;
    let names: Vec<_> = violations.iter().map(|broken| broken.constraint.as_str()).collect();
    let message = format!("Rows of the table break {}, and nothing was added", names.join(", "));
    let error = Error::new(ErrorCode::ConstraintViolated, message).with("violations", json!(violations));
    Ok(task.table.explain(error))
}

/// All of them in one commit: the library drops one a commit, and is asked for the first; the others are taken out of
/// what it planned.
pub async fn drop_constraints(task: &Task, request: &DeltaDropConstraintsRequest) -> Result<Report> {
    let newest = task.table.snapshot(None).await?;
    task.require(&newest)?;
    let properties = newest.metadata().configuration().clone();
    let has = |name: &&String| properties.contains_key(&format!("{CONSTRAINT}{name}"));
    if let Some(missing) = request
        .names
        .iter()
        .find(|name| request.raise_if_not_exists && !has(name))
    {
        let message = format!("There is no constraint '{missing}'; GET /v1/tables/{{name}} lists the properties");
        return Err(task.table.explain(Error::new(ErrorCode::PropertyNotAllowed, message)));
    }
    let names: Vec<&String> = request.names.iter().filter(has).collect();
    let Some(first) = names.first() else {
        return Ok(task
            .skipped(&newest, "The table has none of these constraints")?
            .maintenance());
    };
    let done = task.commit_edited(
        Isolation::Append,
        true,
        async |base| {
            let builder = base.table().await?.drop_constraints().with_constraint(first.as_str());
            builder
                .with_raise_if_not_exists(false)
                .with_commit_properties(base.properties)
                .await
                .map(drop)
        },
        |record| {
            record.edit("metaData", |metadata| {
                if let Some(configuration) = metadata
                    .get_mut("configuration")
                    .and_then(|found| found.as_object_mut())
                {
                    configuration.retain(|key, _| !names.iter().any(|name| *key == format!("{CONSTRAINT}{name}")));
                }
            });
            record.set_parameter("names", json!(names));
        },
    );
    Ok(done.await?.maintenance())
}
