//! From the options of a change data feed to a plan that queries run.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{AsArray, TimestampMillisecondArray};
use arrow::datatypes::DataType::{Int64, UInt64};
use arrow::datatypes::{DataType, TimeUnit, UInt64Type};
use datafusion::common::Column;
use datafusion::datasource::provider_as_source;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{
    ColumnarValue, Expr, LogicalPlan, LogicalPlanBuilder, ScalarUDF, Volatility, cast, create_udf,
};
use deltalake_core::DeltaTable;
use deltalake_core::delta_datafusion::cdf::scan::DeltaCdfTableProvider;
use deltalake_core::delta_datafusion::cdf::{COMMIT_TIMESTAMP_COL, COMMIT_VERSION_COL};

use super::files::require_files;
use super::provider::ChangeProvider;
use super::range::{Commits, versions};
use super::recorded::recorded_commits;
use crate::error::{Error, Result};
use crate::generated::{DeltaCdfOptions, ErrorCode};
use crate::query::{Plan, finish};
use crate::session::Session;
use crate::sql::{closest, parse_predicate};
use crate::table::{Table, TableSnapshot, commit_times};

/// Which changes of which table.
pub struct ChangePlan {
    pub table: String,
    pub options: DeltaCdfOptions,
}

/// Plans the changes for `rows` rows at most; the plan names the table at the last version of the range.
pub async fn plan_changes(session: &Session, request: &ChangePlan, rows: Option<i64>) -> Result<Plan> {
    session.visible().require(&request.table, None)?;
    let table = session.engine.catalog.table(&request.table).await?;
    let newest = table.snapshot(None).await?;
    let commits = commit_times(&newest).await?;
    let source = source(session, &table, newest, &request.options, &commits);
    let (provider, snapshot) = source.await.map_err(|error| table.explain(error))?;
    let mut state = session.state().clone();
    state.mark_start_execution();
    let logical = logical(session, &state, provider, &request.options, &commits)?;
    finish(session, &state, logical, rows, vec![(table.name.clone(), snapshot)]).await
}

async fn source(
    session: &Session,
    table: &Table,
    newest: Arc<TableSnapshot>,
    options: &DeltaCdfOptions,
    commits: &Commits,
) -> Result<(ChangeProvider, Arc<TableSnapshot>)> {
    let versions = versions(options, commits)?;
    let snapshot = match &versions {
        Some(versions) => table.snapshot_at(*versions.end()).await?,
        None => newest,
    };
    let gates: Vec<_> = session.gates().iter().collect();
    session.require_readable(table, &snapshot, &gates)?;
    refuse_column_mapping(&snapshot)?;
    let mut scan = delta_table(&snapshot).await?.scan_cdf();
    if let Some(versions) = &versions {
        let commits = recorded_commits(table, &snapshot, versions).await?;
        require_files(&snapshot.store, &commits).await?;
        scan = scan
            .with_starting_version(*versions.start() as u64)
            .with_ending_version(*versions.end() as u64);
    }
    let provider = ChangeProvider {
        scan: DeltaCdfTableProvider::try_new(scan)?,
        partition_columns: snapshot.metadata().partition_columns().to_vec(),
        is_empty: versions.is_none(),
    };
    Ok((provider, snapshot))
}

async fn delta_table(snapshot: &TableSnapshot) -> Result<DeltaTable> {
    let mut table = DeltaTable::new(snapshot.store.change_log()?);
    table.state = snapshot.library_table().await?.state;
    Ok(table)
}

/// The library reads change data by the columns' logical names, under which their files don't have them.
fn refuse_column_mapping(snapshot: &TableSnapshot) -> Result<()> {
    let mode = snapshot.metadata().configuration().get("delta.columnMapping.mode");
    if mode.is_none_or(|mode| mode == "none") {
        return Ok(());
    }
    let message = "The changes of a table with column mapping can't be read; its rows can, at every version";
    Err(Error::new(ErrorCode::TableUnsupported, message).with("features", vec!["columnMapping"]))
}

/// The wanted columns of the changes for which the predicate is true.
fn logical(
    session: &Session,
    state: &SessionState,
    provider: ChangeProvider,
    options: &DeltaCdfOptions,
    commits: &Commits,
) -> Result<LogicalPlan> {
    let source = provider_as_source(Arc::new(provider));
    let columns = change_columns(source.schema().fields().iter().map(|field| field.name()), commits);
    let mut plan = LogicalPlanBuilder::scan("changes", source, None)?.project(columns)?;
    if let Some(predicate) = &options.predicate {
        let predicate = parse_predicate(predicate, plan.schema(), state, &session.macros(), session.limits())?;
        plan = plan.filter(predicate)?;
    }
    if let Some(wanted) = &options.columns {
        let columns = wanted.iter().map(|name| column(&plan, name));
        let columns = columns.collect::<Result<Vec<_>>>()?;
        plan = plan.project(columns)?;
    }
    Ok(plan.build()?)
}

fn column(plan: &LogicalPlanBuilder, name: &str) -> Result<Expr> {
    if plan.schema().has_column_with_unqualified_name(name) {
        return Ok(Expr::Column(Column::from_name(name)));
    }
    let names: Vec<_> = plan
        .schema()
        .fields()
        .iter()
        .map(|field| field.name().clone())
        .collect();
    let near = closest(name, names.iter().map(String::as_str));
    let message = match near {
        Some(near) => format!("There is no column '{name}'. Did you mean '{near}'? Names are case-sensitive"),
        None => format!("There is no column '{name}'. Columns here: {}", names.join(", ")),
    };
    Err(Error::new(ErrorCode::UnknownColumn, message).with("column", name))
}

/// The library takes times from what writers say; travel by time goes by the log, and so do these.
fn change_columns<'a>(names: impl Iterator<Item = &'a String>, commits: &Commits) -> Vec<Expr> {
    let version = || Expr::Column(Column::from_name(COMMIT_VERSION_COL));
    let columns = names.map(|name| match name.as_str() {
        COMMIT_VERSION_COL => cast(version(), Int64).alias(name),
        COMMIT_TIMESTAMP_COL => commit_time(commits).call(vec![version()]).alias(name),
        _ => Expr::Column(Column::from_name(name)),
    });
    columns.collect()
}

fn commit_time(commits: &Commits) -> ScalarUDF {
    let times: HashMap<u64, i64> = commits
        .iter()
        .map(|(version, time)| (*version as u64, time.timestamp_millis()))
        .collect();
    let time = move |arguments: &[ColumnarValue]| {
        let versions = ColumnarValue::values_to_arrays(arguments)?;
        let versions = versions[0].as_primitive::<UInt64Type>();
        let times: TimestampMillisecondArray = versions
            .iter()
            .map(|version| version.and_then(|version| times.get(&version).copied()))
            .collect();
        Ok(ColumnarValue::Array(Arc::new(times.with_timezone("UTC"))))
    };
    let timestamp = DataType::Timestamp(TimeUnit::Millisecond, Some("UTC".into()));
    create_udf(
        "commit_time",
        vec![UInt64],
        timestamp,
        Volatility::Immutable,
        Arc::new(time),
    )
}
