//! Makes a folder of Parquet files a table, in its place.

use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use datafusion::prelude::DataFrame;
use deltalake_core::kernel::StructField;
use deltalake_core::operations::convert_to_delta::{ConvertToDeltaBuilder, PartitionStrategy};

use super::create::struct_field;
use super::properties;
use super::report::Report;
use super::task::Task;
use super::unique_keys::hold_keys;
use super::violations::hold;
use crate::commit::CommitRecord;
use crate::entries::Contracts;
use crate::error::{Error, Result};
use crate::generated::{DeltaConvertRequest, DeltaCreateMode, DeltaPartitionStrategy, ErrorCode};
use crate::table::{first_version, provider_of};

pub async fn convert(task: &Task, request: &DeltaConvertRequest) -> Result<Report> {
    properties::check(&request.properties)?;
    if task.table.store.log.is_delta_table_location().await? {
        return there_is_one(task, request).await;
    }
    let DeltaPartitionStrategy::Hive = request.partition_strategy;
    let partitions: Result<Vec<StructField>> = request.partition_schema.iter().map(struct_field).collect();
    let properties = request.properties.iter();
    let mut builder = ConvertToDeltaBuilder::new()
        .with_log_store(task.table.store.log.clone())
        .with_partition_schema(partitions?)
        .with_partition_strategy(PartitionStrategy::Hive)
        .with_configuration(properties.map(|(name, value)| (name.clone(), Some(value.clone()))))
        .with_commit_properties(task.properties());
    if let Some(description) = &request.description {
        builder = builder.with_comment(description);
    }
    let converting = builder.into_future();
    let record = task.plan_new(async { converting.await.map(drop) }).await;
    let record = record.map_err(|error| task.table.explain(error))?;
    let contracts = task.contracts();
    if contracts.are_some() {
        hold_new(task, &contracts, &record).await?;
    }
    Ok(task.commit_new(record).await?.mutation_with(contracts.warnings()))
}

/// Holds the table that a commit would make to its contracts.
async fn hold_new(task: &Task, contracts: &Contracts, record: &CommitRecord) -> Result<()> {
    let state = first_version(&task.table.store, record.to_bytes()).await?;
    let provider = provider_as_source(provider_of(&state, &task.table.store)?);
    let plan = LogicalPlanBuilder::scan("rows", provider, None)?.build()?;
    let rows = vec![DataFrame::new(task.session()?, plan)];
    hold(contracts, rows.clone()).await?;
    contracts.judge_rows_of(&state.arrow_schema(), state.metadata().partition_columns())?;
    hold_keys(contracts, rows, None).await
}

async fn there_is_one(task: &Task, request: &DeltaConvertRequest) -> Result<Report> {
    if let Some(done) = task.made_before().await? {
        return Ok(done.mutation());
    }
    match request.mode {
        DeltaCreateMode::Error => Err(task.exists()),
        DeltaCreateMode::Ignore => Ok(task.keep().await?.mutation()),
        DeltaCreateMode::Overwrite => {
            let message = "A folder that is a table isn't converted again: its files are those that its log names";
            Err(Error::new(ErrorCode::InvalidRequest, message))
        }
    }
}
