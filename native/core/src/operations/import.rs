//! Commits rows of local files: the demo and the benchmarks write without a server.

use std::sync::Arc;

use datafusion::logical_expr::LogicalPlan;
use datafusion::prelude::{CsvReadOptions, JsonReadOptions, ParquetReadOptions, SessionContext};
use serde_json::Value;

use super::report::Report;
use super::task::Task;
use super::write::{Input, write};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::{
    DeltaTableRef, DeltaWriteDisposition, DeltaWriteRequest, OperationContext, SourceFormat, TableWrite, WriteMode,
    WriteReport,
};
use crate::session::SessionFactory;

/// Creates, appends to or overwrites the table at `import.uri` with the rows of `import.sql`.
pub async fn import(engine: &Arc<Engine>, import: TableWrite) -> Result<WriteReport> {
    let context = context(&import).await?;
    let rows = plan(&context, &import.sql).await?;
    let request = request(&import);
    let task = Task::at_place(engine, &request, OperationContext::default())?;
    let input = Input::Query(rows, Box::new(context.state()));
    let Report::Mutation(report) = write(&task, &request, input, import.properties).await? else {
        return Err(Error::internal("A write reports no mutation"));
    };
    let figure = |name: &str| report.metrics.as_ref()?.get(name).and_then(Value::as_i64);
    Ok(WriteReport {
        version: report.version,
        rows: figure("num_added_rows").unwrap_or_default(),
        files: figure("num_added_files").unwrap_or_default(),
    })
}

fn request(import: &TableWrite) -> DeltaWriteRequest {
    let creates = import.mode == WriteMode::Create;
    DeltaWriteRequest {
        table: DeltaTableRef {
            table_uri: Some(import.uri.clone()),
            name: None,
            storage_options: Some(import.storage_options.clone()),
            version: None,
            timestamp: None,
        },
        mode: match import.mode {
            WriteMode::Create => DeltaWriteDisposition::Create,
            WriteMode::Append => DeltaWriteDisposition::Append,
            WriteMode::Overwrite => DeltaWriteDisposition::Overwrite,
        },
        schema_mode: None,
        replace_where: None,
        partition_columns: creates.then(|| import.partition_columns.clone()),
        target_file_size: None,
        extra_constraints: None,
        gate: None,
        commit_options: None,
    }
}

async fn context(import: &TableWrite) -> Result<SessionContext> {
    let context = SessionContext::new_with_state(SessionFactory::over_local_files());
    for (name, source) in &import.sources {
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
