//! Matches rows with those of a source, then changes, deletes or inserts.

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::datasource::provider_as_source;
use datafusion::execution::{SessionState, SessionStateBuilder, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::prelude::DataFrame;
use deltalake_core::DeltaResult;
use deltalake_core::operations::merge::MergeBuilder;
use serde_json::{Value, json};

use super::lean_merge::LeanMerge;
use super::merged::Merged;
use super::report::Report;
use super::task::Task;
use super::unique_keys::hold_keys;
use super::violations::{explained, hold};
use super::write::scan;
use crate::commit::Isolation;
use crate::error::{Error, Result};
use crate::generated::{DeltaMergeRequest, DeltaTableRef, ErrorCode, TablePin};
use crate::query::source_plan;
use crate::rows::{Body, RowSource, RowsFormat, Shape, body, spooled};
use crate::session::Visible;
use crate::table::TableSnapshot;

const SOURCE: &str = "source";
const TARGET: &str = "target";

/// What is merged: a plan, and the tables that live as long as it does.
struct Source {
    plan: LogicalPlan,
    /// Whether its rows are in memory: then the table's rows are looked up among them, one batch after the other. The planner would
    /// compare what these take there with the bytes of files.
    is_small: bool,
    _tables: Vec<Arc<TableSnapshot>>,
}

pub async fn merge(task: &Task, request: &DeltaMergeRequest, rows: Option<(Body, RowsFormat)>) -> Result<Report> {
    check(task, request)?;
    let newest = task.table.snapshot(None).await?;
    task.require(&newest)?;
    task.require_columns(
        &newest,
        request.matched_updates.keys().chain(request.not_matched_inserts.keys()),
    )?;
    let source = source(task, request, rows, &newest).await?;
    let source_alias = request.source_alias.as_deref().unwrap_or(SOURCE);
    let target_alias = request.target_alias.as_deref().unwrap_or(TARGET);
    let written = |snapshot: &TableSnapshot, session: &SessionState| {
        let merged = Merged {
            request,
            target_alias,
            source_alias,
            snapshot,
            session,
        };
        merged.rows(&source.plan)
    };
    let contracts = task.contracts();
    let done = task.commit(Isolation::Serial, true, async |base| {
        let mut session = base.session()?;
        if source.is_small {
            session.config_mut().options_mut().optimizer.join_reordering = false;
            if !request.not_matched_by_source_delete {
                let state = SessionStateBuilder::new_from_existing(session);
                session = state.with_physical_optimizer_rule(Arc::new(LeanMerge)).build();
            }
        }
        if contracts.are_some() {
            let merged = Merged {
                request,
                target_alias,
                source_alias,
                snapshot: &base.snapshot,
                session: &session,
            };
            let rows = merged.rows(&source.plan)?;
            hold(&contracts, rows.clone()).await?;
            hold_keys(&contracts, rows, merged.rest(&source.plan)?).await?;
        }
        let source = DataFrame::new(session.clone(), source.plan.clone());
        let builder = base
            .table()
            .await?
            .merge(source, request.predicate.as_str())
            .with_source_alias(source_alias)
            .with_target_alias(target_alias)
            .with_session_state(Arc::new(session))
            .with_writer_properties(base.file_layout())
            .with_commit_properties(base.properties);
        clauses(builder, request)?.await.map(drop)
    });
    match done.await {
        Ok(done) => Ok(done.mutation_with(contracts.warnings())),
        Err(error) => Err(explained(task, error, written).await),
    }
}

fn check(task: &Task, request: &DeltaMergeRequest) -> Result<()> {
    let named = [
        ("predicate", Some(&request.predicate)),
        ("matched_predicate", request.matched_predicate.as_ref()),
        ("not_matched_predicate", request.not_matched_predicate.as_ref()),
        (
            "not_matched_by_source_predicate",
            request.not_matched_by_source_predicate.as_ref(),
        ),
    ];
    task.check_expressions(named.into_iter().filter_map(|(name, sql)| sql.map(|sql| (name, sql))))?;
    let values = request.matched_updates.iter().chain(&request.not_matched_inserts);
    task.check_expressions(values.map(|(column, sql)| (column.as_str(), sql)))?;
    let idle = [
        (
            request.matched_predicate.is_some() && request.matched_updates.is_empty() && !request.matched_delete,
            "matched_predicate",
            "matched_updates or matched_delete",
        ),
        (
            request.not_matched_predicate.is_some() && request.not_matched_inserts.is_empty(),
            "not_matched_predicate",
            "not_matched_inserts",
        ),
        (
            request.not_matched_by_source_predicate.is_some() && !request.not_matched_by_source_delete,
            "not_matched_by_source_predicate",
            "not_matched_by_source_delete",
        ),
    ];
    match idle.into_iter().find(|(is_idle, ..)| *is_idle) {
        None => Ok(()),
        Some((_, given, missing)) => {
            let message = format!("{given} goes with {missing}");
            Err(Error::new(ErrorCode::InvalidRequest, message))
        }
    }
}

fn clauses(mut builder: MergeBuilder, request: &DeltaMergeRequest) -> DeltaResult<MergeBuilder> {
    if request.matched_delete {
        builder = builder.when_matched_delete(|delete| match &request.matched_predicate {
            Some(predicate) => delete.predicate(predicate.as_str()),
            None => delete,
        })?;
    }
    if !request.matched_updates.is_empty() {
        builder = builder.when_matched_update(|mut update| {
            // Where both are asked for, the predicate says which rows are deleted.
            if let Some(predicate) = request.matched_predicate.as_ref().filter(|_| !request.matched_delete) {
                update = update.predicate(predicate.as_str());
            }
            let columns = request.matched_updates.iter();
            columns.fold(update, |update, (column, value)| {
                update.update(column.as_str(), value.as_str())
            })
        })?;
    }
    if !request.not_matched_inserts.is_empty() {
        builder = builder.when_not_matched_insert(|mut insert| {
            if let Some(predicate) = &request.not_matched_predicate {
                insert = insert.predicate(predicate.as_str());
            }
            let columns = request.not_matched_inserts.iter();
            columns.fold(insert, |insert, (column, value)| {
                insert.set(column.as_str(), value.as_str())
            })
        })?;
    }
    if request.not_matched_by_source_delete {
        builder =
            builder.when_not_matched_by_source_delete(|delete| match &request.not_matched_by_source_predicate {
                Some(predicate) => delete.predicate(predicate.as_str()),
                None => delete,
            })?;
    }
    Ok(builder)
}

async fn source(
    task: &Task,
    request: &DeltaMergeRequest,
    rows: Option<(Body, RowsFormat)>,
    target: &TableSnapshot,
) -> Result<Source> {
    let given = request.source.as_ref();
    if let Some((body, format)) = rows {
        return of_body(task, body, format, target).await;
    }
    if let Some(rows) = given.and_then(|source| source.rows.as_ref()) {
        return inline(task, rows, target).await;
    }
    if let Some(table) = given.and_then(|source| source.table.as_ref()) {
        return Source::of_table(task, table).await;
    }
    if let Some(sql) = given.and_then(|source| source.sql.as_ref()) {
        let session = task.engine.open_session(task.profile(), None, task.terms())?;
        let (plan, tables) = source_plan(&session, sql).await?;
        return Ok(Source {
            plan,
            is_small: false,
            _tables: tables,
        });
    }
    Err(Error::new(
        ErrorCode::InvalidRequest,
        "A merge needs a source: a table, sql, rows, or rows as the body",
    ))
}

impl Source {
    async fn of_table(task: &Task, table: &DeltaTableRef) -> Result<Self> {
        let Some(name) = &table.name else {
            let message = "The source of a merge is a table by its name: register the URI first";
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        };
        let pin = TablePin {
            version: table.version,
            timestamp: table.timestamp.clone(),
        };
        let pin = (pin != TablePin::default()).then_some(pin);
        let visible = Visible::new(task.terms().visible.as_deref())?;
        visible.require(name, None)?;
        let found = task.engine.catalog.table(name).await;
        let found = found.map_err(|error| visible.discreet(error, name))?;
        let snapshot = found.snapshot(pin.as_ref()).await?;
        found.require_readable(&snapshot, &[])?;
        let provider = provider_as_source(snapshot.provider()?);
        let plan = LogicalPlanBuilder::scan(name.as_str(), provider, None)?.build()?;
        Ok(Self {
            plan,
            is_small: false,
            _tables: vec![snapshot],
        })
    }
}

async fn inline(task: &Task, rows: &[BTreeMap<String, Value>], target: &TableSnapshot) -> Result<Source> {
    let lines: Vec<_> = rows.iter().map(|row| json!(row).to_string()).collect();
    let (sender, body) = body();
    tokio::spawn(async move {
        sender.write(lines.join("\n").into()).await;
        sender.end().await;
    });
    of_body(task, body, RowsFormat::Ndjson, target).await
}

/// A merge reads its source more than once.
async fn of_body(task: &Task, body: Body, format: RowsFormat, target: &TableSnapshot) -> Result<Source> {
    let shape = Shape {
        table: Some(target.arrow_schema()),
        takes_new_columns: true,
        ..Shape::default()
    };
    let folder = task.spill_folder();
    let rows = RowSource::open(body, format, shape, folder.to_owned()).await?;
    let session = task.session()?;
    let context = Arc::new(TaskContext::from(&session));
    let spooled = spooled(&rows, context, folder).await?;
    Ok(Source {
        plan: scan(spooled.rows)?,
        is_small: spooled.is_small,
        _tables: Vec::new(),
    })
}
