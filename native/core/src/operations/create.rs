//! Makes an empty table.

use std::collections::HashMap;

use delta_kernel::engine::arrow_conversion::TryIntoKernel;
use deltalake_core::kernel::StructField;
use deltalake_core::operations::create::CreateBuilder;
use deltalake_core::protocol::SaveMode;
use serde_json::Value;

use super::properties;
use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::{Error, Result};
use crate::generated::{DeltaCreateMode, DeltaCreateRequest, ErrorCode, FieldSpec};
use crate::schema::{check_names, to_arrow_field};
use crate::table::CONSTRAINT;

pub async fn create(task: &Task, request: &DeltaCreateRequest) -> Result<Report> {
    properties::check(&request.properties)?;
    let constraints = request.constraints.iter();
    task.check_expressions(constraints.map(|(name, sql)| (name.as_str(), sql)))?;
    let builder = builder(task, request)?;
    let contracts = task.contracts();
    let judge = || contracts.judge(&request.columns, &request.partition_columns);
    if !task.table.store.log.is_delta_table_location().await? {
        judge()?;
        let record = task.plan_new(async { builder.await.map(drop) }).await?;
        return Ok(task.commit_new(record).await?.mutation_with(contracts.warnings()));
    }
    match request.mode {
        DeltaCreateMode::Error => Ok(task.made_before_or_refused().await?.mutation()),
        DeltaCreateMode::Ignore => Ok(task.keep().await?.mutation()),
        DeltaCreateMode::Overwrite => {
            judge()?;
            let plan = async |_| builder.clone().with_save_mode(SaveMode::Overwrite).await.map(drop);
            let done = task.commit(Isolation::Serial, true, plan).await?;
            Ok(done.mutation_with(contracts.warnings()))
        }
    }
}

fn builder(task: &Task, request: &DeltaCreateRequest) -> Result<CreateBuilder> {
    check_names(&request.columns)?;
    let columns: Result<Vec<StructField>> = request.columns.iter().map(struct_field).collect();
    let given = request
        .properties
        .iter()
        .map(|(name, value)| (name.clone(), value.clone()));
    let constraints = request
        .constraints
        .iter()
        .map(|(name, sql)| (format!("{CONSTRAINT}{name}"), sql.clone()));
    let configuration: HashMap<String, Option<String>> = given
        .chain(constraints)
        .map(|(name, value)| (name, Some(value)))
        .collect();
    let builder = CreateBuilder::new()
        .with_log_store(task.table.store.log.clone())
        .with_columns(columns?)
        .with_partition_columns(request.partition_columns.clone())
        .with_configuration(configuration)
        .with_raise_if_key_not_exists(false)
        .with_commit_properties(task.properties());
    Ok(match &request.description {
        Some(description) => builder.with_comment(description),
        None => builder,
    })
}

/// A column in Delta's types.
pub fn struct_field(spec: &FieldSpec) -> Result<StructField> {
    let refused = |code: ErrorCode, reason: &str| {
        let message = format!("Column '{}': {reason}", spec.name);
        Error::new(code, message).with("column", spec.name.as_str())
    };
    if spec.default_value != Value::Null {
        let reason = "default values aren't written by this engine";
        return Err(refused(ErrorCode::PropertyNotAllowed, reason));
    }
    if spec.encoding.is_some() {
        let reason = "Delta has no dictionary columns: files are encoded as suits them";
        return Err(refused(ErrorCode::PropertyNotAllowed, reason));
    }
    let field: std::result::Result<StructField, _> = (&to_arrow_field(spec)?).try_into_kernel();
    field.map_err(|error| {
        let reason = format!("Delta has no type for {}: {error}", spec.dtype);
        refused(ErrorCode::UnsupportedType, &reason)
    })
}
