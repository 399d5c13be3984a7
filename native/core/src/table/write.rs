//! Commits made from a SELECT over files, through the library's write builder.

use std::sync::Arc;

use datafusion::execution::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};
use deltalake_core::DeltaTable;
use deltalake_core::delta_datafusion::DeltaSessionConfig;
use deltalake_core::delta_datafusion::planner::DeltaPlanner;
use deltalake_core::operations::write::WriteBuilder;
use deltalake_core::protocol::SaveMode;

use super::describe::sizes;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, SourceFormat, TableWrite, WriteMode, WriteReport};

/// Creates, appends to or overwrites the table at `write.uri` with the rows of `write.sql`.
pub async fn write_table(engine: &Arc<Engine>, write: TableWrite) -> Result<WriteReport> {
    let store = engine.catalog.writable(&write.uri, &write.storage_options)?;
    let context = context(&write).await?;
    let rows = plan(&context, &write.sql).await?;
    let mut table = DeltaTable::new(store.log.clone());
    let is_new = write.mode == WriteMode::Create;
    if !is_new {
        table.load().await?;
    } else if store.log.is_delta_table_location().await? {
        let message = format!("There is a table at {} already", write.uri);
        return Err(Error::new(ErrorCode::NameTaken, message));
    }
    let before = counts(&table)?;
    let snapshot = table.snapshot().ok().map(|state| state.snapshot().clone());
    let mut builder = WriteBuilder::new(store.log.clone(), snapshot)
        .with_input_plan(rows)
        .with_session_state(Arc::new(context.state()))
        .with_save_mode(match write.mode {
            WriteMode::Create => SaveMode::ErrorIfExists,
            WriteMode::Append => SaveMode::Append,
            WriteMode::Overwrite => SaveMode::Overwrite,
        });
    if is_new {
        let properties = write.properties.into_iter().map(|(name, value)| (name, Some(value)));
        builder = builder
            .with_partition_columns(write.partition_columns)
            .with_configuration(properties);
    }
    let written = builder.await?;
    let after = counts(&written)?;
    let kept = if write.mode == WriteMode::Append {
        before
    } else {
        (0, 0)
    };
    Ok(WriteReport {
        version: written.version().unwrap_or_default() as i64,
        rows: after.1 - kept.1,
        files: after.0 - kept.0,
    })
}

fn counts(table: &DeltaTable) -> Result<(i64, i64)> {
    match table.snapshot() {
        Ok(state) => {
            let (files, _, rows) = sizes(state.snapshot());
            Ok((files, rows.unwrap_or_default()))
        }
        Err(_) => Ok((0, 0)),
    }
}

/// A session of its own over the local file system: only the demo and the benchmarks write from files.
async fn context(write: &TableWrite) -> Result<SessionContext> {
    let state = SessionStateBuilder::new()
        .with_default_features()
        .with_config(DeltaSessionConfig::default().into())
        .with_query_planner(DeltaPlanner::new())
        .build();
    let context = SessionContext::new_with_state(state);
    for (name, source) in &write.sources {
        let path = source.path.as_str();
        match source.format {
            SourceFormat::Parquet => {
                context
                    .register_parquet(name, path, ParquetReadOptions::default())
                    .await?
            }
            SourceFormat::Csv => context.register_csv(name, path, CsvReadOptions::new()).await?,
            SourceFormat::Ndjson => {
                let options = JsonReadOptions::default().file_extension("");
                context.register_json(name, path, options).await?;
            }
        }
    }
    Ok(context)
}

async fn plan(context: &SessionContext, sql: &str) -> Result<LogicalPlan> {
    Ok(context.sql(sql).await?.into_unoptimized_plan())
}
