//! From SQL text to a physical plan over tables at their versions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider,
};
use datafusion::execution::context::SQLOptions;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::try_join_all;

use super::parameters::bind;
use super::read::{OpenTable, Read};
use crate::error::{Error, Result};
use crate::generated::{DeltaFeatureGate, ErrorCode, QueryHead, QueryParameters, TablePin};
use crate::normalize::normalized_schema;
use crate::schema::row_schema;
use crate::session::Session;
use crate::sql::{RelationName, Statement};
use crate::table::TableSnapshot;

/// What is planned: a statement, its values, and the versions it reads.
#[derive(Default)]
pub struct PlanRequest {
    pub sql: String,
    pub parameters: Option<QueryParameters>,
    pub pins: BTreeMap<String, TablePin>,
    /// What the protocols of the tables must be at least: of all, and of those with a name.
    pub gate: Option<DeltaFeatureGate>,
    pub gates: BTreeMap<String, DeltaFeatureGate>,
}

impl PlanRequest {
    fn gates<'a>(&'a self, session: &'a Session, table: &str) -> Vec<&'a DeltaFeatureGate> {
        let gates = [session.gate(), self.gate.as_ref(), self.gates.get(table)];
        gates.into_iter().flatten().collect()
    }
}

/// A plan with all it needs to run; the tables' stores live as long as it does.
pub struct Plan {
    pub logical: LogicalPlan,
    pub physical: Arc<dyn ExecutionPlan>,
    pub task: Arc<TaskContext>,
    pub tables: Vec<(String, Arc<TableSnapshot>)>,
}

impl Plan {
    pub fn schema(&self) -> SchemaRef {
        self.physical.schema()
    }

    pub fn head(&self) -> QueryHead {
        let tables = self.tables.iter().map(|(name, snapshot)| snapshot.table_version(name));
        QueryHead {
            schema: row_schema(&normalized_schema(&self.schema())),
            tables: tables.collect(),
        }
    }
}

/// A query as the source of another plan, with the tables that it reads.
pub async fn source_plan(session: &Session, sql: &str) -> Result<(LogicalPlan, Vec<Arc<TableSnapshot>>)> {
    let request = PlanRequest {
        sql: sql.to_owned(),
        ..PlanRequest::default()
    };
    let read = read(session, &request).await?;
    if !read.statement.is_query {
        let message = "The source of rows is a SELECT";
        return Err(Error::new(ErrorCode::StatementNotAllowed, message));
    }
    let tables = read.tables.into_iter().map(|open| open.snapshot);
    Ok((read.logical, tables.collect()))
}

/// Opens the tables that a statement names and resolves it over them.
pub async fn read(session: &Session, request: &PlanRequest) -> Result<Read> {
    let limits = session.limits();
    let statement = session.engine.plans.statement(&request.sql, limits)?;
    let tables = open_tables(session, &statement, request).await?;
    let mut state = session.state().clone();
    state.mark_start_execution();
    let logical = resolve(session, &mut state, &statement, &tables).await?;
    Ok(Read {
        logical: bind(logical, request.parameters.as_ref(), limits.parameters)?,
        state,
        tables,
        statement,
    })
}

/// The statement's plan over its tables; one over the information schema is made anew each time.
async fn resolve(
    session: &Session,
    state: &mut SessionState,
    statement: &Statement,
    tables: &[OpenTable],
) -> Result<LogicalPlan> {
    let plans = &session.engine.plans;
    let id = session.state().session_id();
    let known = match statement.reads_schema {
        true => None,
        false => plans.plan(id, statement, tables),
    };
    if let Some(plan) = known {
        return Ok(plan);
    }
    state.register_catalog_list(catalogs(tables)?);
    let plan = state.statement_to_plan(statement.parsed.clone()).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|error| Error::new(ErrorCode::StatementNotAllowed, error.strip_backtrace()))?;
    if !statement.reads_schema {
        plans.keep(id, statement, tables, &plan);
    }
    Ok(plan)
}

/// Makes of a logical plan what runs, for `rows` rows at most.
pub async fn finish(
    session: &Session,
    state: &SessionState,
    logical: LogicalPlan,
    rows: Option<i64>,
    tables: Vec<(String, Arc<TableSnapshot>)>,
) -> Result<Plan> {
    let logical = match rows {
        // One more row tells whether there were more.
        Some(rows) => LogicalPlanBuilder::from(logical)
            .limit(0, Some(rows as usize + 1))?
            .build()?,
        None => logical,
    };
    let logical = state.optimize(&logical)?;
    let physical = state.query_planner().create_physical_plan(&logical, state).await?;
    let task = task_context(session, state)?;
    Ok(Plan {
        logical,
        physical,
        task,
        tables,
    })
}

async fn open_tables(session: &Session, statement: &Statement, request: &PlanRequest) -> Result<Vec<OpenTable>> {
    refuse_unread(statement, request.pins.keys(), "pinned")?;
    refuse_unread(statement, request.gates.keys(), "gated")?;
    let opened = statement
        .relations
        .iter()
        .map(|relation| open(session, relation, request));
    let mut tables = try_join_all(opened).await?;
    if statement.reads_schema {
        tables.extend(readable_tables(session, request, &tables).await?);
    }
    Ok(tables)
}

/// What a request says of a table that the statement doesn't read was meant for another.
fn refuse_unread<'a>(statement: &Statement, mut names: impl Iterator<Item = &'a String>, said: &str) -> Result<()> {
    match names.find(|name| statement.relations.iter().all(|relation| relation.name != **name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("'{name}' is {said} but the statement doesn't read it");
            Err(Error::new(ErrorCode::InvalidQuery, message).with("table", name.as_str()))
        }
    }
}

async fn open(session: &Session, relation: &RelationName, request: &PlanRequest) -> Result<OpenTable> {
    let name = &relation.name;
    let table = session.engine.catalog.table(name).await.map_err(|mut error| {
        if error.code == ErrorCode::TableNotFound {
            error.code = ErrorCode::UnknownTable;
        }
        error.at(relation.location)
    })?;
    let pin = request.pins.get(name);
    let snapshot = table.snapshot(pin).await;
    let snapshot = snapshot.map_err(|error| error.at(relation.location))?;
    table
        .require_readable(&snapshot, &request.gates(session, name))
        .map_err(|error| error.at(relation.location))?;
    Ok(OpenTable {
        table,
        snapshot,
        pinned: pin.is_some(),
    })
}

/// The information schema shows the tables that can be read; the others are listed by their route with the reason.
async fn readable_tables(session: &Session, request: &PlanRequest, known: &[OpenTable]) -> Result<Vec<OpenTable>> {
    let mut tables = Vec::new();
    for entry in session.engine.catalog.entries().await? {
        if known.iter().any(|open| open.table.name == entry.name) {
            continue;
        }
        let Ok(table) = session.engine.catalog.table(&entry.name).await else {
            continue;
        };
        let gates = request.gates(session, &entry.name);
        if let Ok(snapshot) = table.snapshot(None).await
            && table.require_readable(&snapshot, &gates).is_ok()
        {
            tables.push(OpenTable {
                table,
                snapshot,
                pinned: false,
            });
        }
    }
    Ok(tables)
}

fn catalogs(tables: &[OpenTable]) -> Result<Arc<dyn CatalogProviderList>> {
    let schema = MemorySchemaProvider::new();
    for open in tables {
        schema.register_table(open.table.name.clone(), open.snapshot.provider()?)?;
    }
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("public", Arc::new(schema))?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog("lakegate".to_owned(), Arc::new(catalog));
    Ok(Arc::new(catalogs))
}

/// A context whose memory is the query's own share; plans run without looking functions up again.
fn task_context(session: &Session, state: &SessionState) -> Result<Arc<TaskContext>> {
    let runtime = session.own_runtime()?;
    let task = TaskContext::new(
        None,
        state.session_id().to_owned(),
        state.config().clone(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        HashMap::new(),
        runtime,
    );
    Ok(Arc::new(task))
}
