//! Makes a folder of Parquet files a table, in its place.

use deltalake_core::kernel::StructField;
use deltalake_core::operations::convert_to_delta::{ConvertToDeltaBuilder, PartitionStrategy};

use super::create::struct_field;
use super::properties;
use super::report::Report;
use super::task::Task;
use crate::error::{Error, Result};
use crate::generated::{DeltaConvertRequest, DeltaCreateMode, DeltaPartitionStrategy, ErrorCode};

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
    Ok(task.commit_new(record).await?.mutation())
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
