//! Appends rows, or puts them in the place of others.

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use arrow::datatypes::Schema;
use datafusion::catalog::TableProvider;
use datafusion::catalog::streaming::StreamingTable;
use datafusion::datasource::provider_as_source;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::streaming::PartitionStream;
use datafusion::prelude::DataFrame;
use deltalake_core::kernel::EagerSnapshot;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::operations::write::{SchemaMode, WriteBuilder};
use deltalake_core::protocol::SaveMode;

use super::append::{FEW, append, is_plain};
use super::data_check::rows_of;
use super::file_layout::file_layout;
use super::report::Report;
use super::task::{Base, Task};
use super::unique_keys::hold_keys;
use crate::commit::{Isolation, plan};
use crate::entries::{Contracts, with_new_columns};
use crate::error::{Error, Result};
use crate::generated::{DeltaSchemaMode, DeltaWriteDisposition as Mode, DeltaWriteRequest, ErrorCode};
use crate::rows::{BegunRows, Body, Checks, Own, RowFailure, RowSource, RowsFormat, Shape, spooled};
use crate::table::TableSnapshot;

/// Where the rows come from.
pub enum Input {
    Body(Body, RowsFormat),
    /// A query, and the session that it was planned in.
    Query(LogicalPlan, Box<SessionState>),
}

pub async fn write(
    task: &Task,
    request: &DeltaWriteRequest,
    input: Input,
    properties: BTreeMap<String, String>,
) -> Result<Report> {
    check(task, request)?;
    let rows = Rows {
        task,
        request,
        contracts: task.contracts(),
        input: Mutex::new(Some(input)),
        properties,
        failure: OnceLock::new(),
    };
    let written = match request.mode {
        Mode::Create => rows.create().await,
        _ => rows.write().await,
    };
    written.map_err(|error| rows.failure().unwrap_or(error))
}

fn check(task: &Task, request: &DeltaWriteRequest) -> Result<()> {
    let constraints = request.extra_constraints.iter().flatten();
    let constraints = constraints.map(|(name, sql)| (name.as_str(), sql));
    task.check_expressions(constraints.chain(request.replace_where.iter().map(|sql| ("replace_where", sql))))?;
    let refused = if request.replace_where.is_some() && request.mode != Mode::Overwrite {
        "replace_where goes with mode overwrite"
    } else if request.schema_mode == Some(DeltaSchemaMode::Overwrite) && request.mode != Mode::Overwrite {
        "schema_mode overwrite goes with mode overwrite"
    } else if request.schema_mode.is_some() && request.mode == Mode::Create {
        "A new table takes its schema from the rows: leave schema_mode out"
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorCode::InvalidRequest, refused))
}

struct Rows<'a> {
    task: &'a Task,
    request: &'a DeltaWriteRequest,
    contracts: Arc<Contracts>,
    /// Read once.
    input: Mutex<Option<Input>>,
    /// Of a table that is made.
    properties: BTreeMap<String, String>,
    failure: OnceLock<RowFailure>,
}

impl Rows<'_> {
    /// What is wrong with the rows themselves.
    fn failure(&self) -> Option<Error> {
        self.failure
            .get()?
            .get()
            .map(|error| self.task.table.explain(error.clone()))
    }

    async fn write(&self) -> Result<Report> {
        let isolation = match self.request.mode {
            // Where a key stands for one row, rows that others add meanwhile matter.
            Mode::Append if self.contracts.keys().is_empty() => Isolation::Append,
            _ => Isolation::Serial,
        };
        let done = self.task.commit(isolation, false, async |base| {
            let started = Instant::now();
            let (input, session) = match self.input()? {
                Input::Query(input, session) => (input, *session),
                Input::Body(body, format) => {
                    let rows = self.checked(body, format, Some(&base.snapshot)).await?;
                    if !self.contracts.keys().is_empty() {
                        return self.write_keyed(base, &rows).await.map_err(Into::into);
                    }
                    let is_plain = is_plain(self.request, &base.snapshot, &rows);
                    let rows = BegunRows::new(&rows, if is_plain { FEW } else { 0 }).await?;
                    if let Some(record) = append(&base, &rows, started).filter(|_| is_plain) {
                        plan(record);
                        return Ok(());
                    }
                    (scan_once(Arc::new(rows))?, base.session()?)
                }
            };
            let state = base.table().await?.snapshot()?.snapshot().clone();
            let builder = self.builder(Some(state), input, session, base.properties);
            builder.await.map(drop)
        });
        Ok(done.await?.mutation_with(self.contracts.warnings()))
    }

    /// Rows are read twice, so that no commit is made of those whose keys others have.
    async fn write_keyed(&self, base: Base, rows: &Checks) -> Result<()> {
        let session = base.session()?;
        let input = self.spooled(rows, &session).await?;
        let rest = match (self.request.mode, &self.request.replace_where) {
            (Mode::Append, _) => Some(rows_of(&base.snapshot, &session)?),
            (_, Some(predicate)) => {
                let rows = rows_of(&base.snapshot, &session)?;
                let goes = rows.parse_sql_expr(predicate)?;
                Some(rows.filter(goes.is_not_true())?)
            }
            _ => None,
        };
        self.hold_keys(&input, &session, rest).await?;
        let state = base.table().await?.snapshot()?.snapshot().clone();
        self.builder(Some(state), input, session, base.properties).await?;
        Ok(())
    }

    async fn hold_keys(&self, input: &LogicalPlan, session: &SessionState, rest: Option<DataFrame>) -> Result<()> {
        let written = DataFrame::new(session.clone(), input.clone());
        hold_keys(&self.contracts, vec![written], rest).await
    }

    async fn spooled(&self, rows: &Checks, session: &SessionState) -> Result<LogicalPlan> {
        let context = Arc::new(TaskContext::from(session));
        scan(spooled(rows, context, self.task.spill_folder()).await?.rows)
    }

    async fn create(&self) -> Result<Report> {
        if self.task.table.store.log.is_delta_table_location().await? {
            return Ok(self.task.made_before_or_refused().await?.mutation());
        }
        let (input, session) = match self.input()? {
            Input::Query(input, session) => (input, *session),
            Input::Body(body, format) => {
                let (rows, session) = (self.checked(body, format, None).await?, self.task.session()?);
                if self.contracts.keys().is_empty() {
                    (scan_once(Arc::new(rows))?, session)
                } else {
                    let input = self.spooled(&rows, &session).await?;
                    self.hold_keys(&input, &session, None).await?;
                    (input, session)
                }
            }
        };
        let builder = self.builder(None, input, session, self.task.properties());
        let record = self.task.plan_new(async { builder.await.map(drop) }).await;
        let record = record.map_err(|error| self.task.table.explain(error))?;
        Ok(self
            .task
            .commit_new(record)
            .await?
            .mutation_with(self.contracts.warnings()))
    }

    fn builder(
        &self,
        state: Option<EagerSnapshot>,
        input: LogicalPlan,
        session: SessionState,
        properties: CommitProperties,
    ) -> WriteBuilder {
        let configuration = self
            .properties
            .iter()
            .map(|(name, value)| (name.clone(), Some(value.clone())));
        let replaces_schema = self.request.schema_mode == Some(DeltaSchemaMode::Overwrite);
        let columns = state
            .as_ref()
            .filter(|_| !replaces_schema)
            .map(|state| state.arrow_schema());
        let schemas: Vec<_> = columns.iter().map(|columns| columns.fields()).collect();
        let layout = file_layout(&[schemas, vec![input.schema().fields()]].concat());
        let mut builder = WriteBuilder::new(self.task.table.store.log.clone(), state)
            .with_input_plan(input)
            .with_configuration(configuration)
            .with_session_state(Arc::new(session))
            .with_writer_properties(layout)
            .with_commit_properties(properties)
            .with_save_mode(match self.request.mode {
                Mode::Overwrite => SaveMode::Overwrite,
                Mode::Append => SaveMode::Append,
                Mode::Create => SaveMode::ErrorIfExists,
            });
        if let Some(columns) = &self.request.partition_columns {
            builder = builder.with_partition_columns(columns.clone());
        }
        if let Some(predicate) = &self.request.replace_where {
            builder = builder.with_replace_where(predicate.as_str());
        }
        if let Some(size) = self.request.target_file_size {
            builder = builder.with_target_file_size(NonZeroU64::new(size as u64));
        }
        match self.request.schema_mode {
            Some(DeltaSchemaMode::Merge) => builder.with_schema_mode(SchemaMode::Merge),
            Some(DeltaSchemaMode::Overwrite) => builder.with_schema_mode(SchemaMode::Overwrite),
            None => builder,
        }
    }

    fn input(&self) -> Result<Input> {
        let input = self.input.lock().expect("no holder panics").take();
        input.ok_or_else(|| Error::internal("The rows of a body are asked for twice"))
    }

    /// The rows of a body in the types of the table, held to its constraints and those of the request.
    async fn checked(&self, body: Body, format: RowsFormat, snapshot: Option<&TableSnapshot>) -> Result<Checks> {
        let replaces_schema = self.request.schema_mode == Some(DeltaSchemaMode::Overwrite);
        let shape = Shape {
            table: snapshot.filter(|_| !replaces_schema).map(|found| found.arrow_schema()),
            takes_new_columns: self.request.schema_mode.is_some() || snapshot.is_none(),
            nulls: self.task.takes_nulls().then(|| self.contracts.nulls()),
            ..Shape::default()
        };
        let spill = self.task.spill_folder().to_owned();
        let rows = RowSource::open(body, format, shape, spill).await?;
        self.judge(rows.schema(), snapshot.filter(|_| !replaces_schema))?;
        let extra = self.request.extra_constraints.clone().unwrap_or_default();
        let own = snapshot.map(|found| Own {
            required: found.required_columns(),
            named: found.named_constraints(),
        });
        let rows = Checks::new(
            rows,
            &extra,
            &own.unwrap_or_default(),
            self.contracts.clone(),
            self.task.engine.operation_settings()?,
        )?;
        // A body is read once, so there is one failure.
        let _ = self.failure.set(rows.failure());
        Ok(rows)
    }

    /// Holds the columns that the table will have to its contracts.
    fn judge(&self, rows: &Schema, snapshot: Option<&TableSnapshot>) -> Result<()> {
        match snapshot {
            Some(found) => {
                let columns = with_new_columns(&found.arrow_schema(), rows);
                let partitions = found.metadata().partition_columns();
                self.contracts.judge_rows_of(&columns, partitions)
            }
            None => {
                let partitions = self.request.partition_columns.as_deref().unwrap_or_default();
                self.contracts.judge_rows_of(rows, partitions)
            }
        }
    }
}

/// A plan that reads the rows.
pub fn scan(rows: Arc<dyn TableProvider>) -> Result<LogicalPlan> {
    Ok(LogicalPlanBuilder::scan("rows", provider_as_source(rows), None)?.build()?)
}

/// A plan that reads the rows while they come, and once.
pub fn scan_once(rows: Arc<dyn PartitionStream>) -> Result<LogicalPlan> {
    let schema = rows.schema().clone();
    scan(Arc::new(StreamingTable::try_new(schema, vec![rows])?))
}
