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
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, QueryHead, QueryParameters, TablePin};
use crate::normalize::normalized_schema;
use crate::schema::row_schema;
use crate::session::Session;
use crate::sql::{RelationName, Statement};
use crate::table::TableSnapshot;

/// What is planned: a statement, its values, and the versions it reads.
pub struct PlanRequest {
    pub sql: String,
    pub parameters: Option<QueryParameters>,
    pub pins: BTreeMap<String, TablePin>,
    /// Rows that are wanted at most.
    pub rows: Option<i64>,
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

pub async fn plan(session: &Session, request: &PlanRequest) -> Result<Plan> {
    let limits = session.limits();
    let statement = Statement::parse(&request.sql, limits)?;
    let tables = open_tables(session, &statement, &request.pins).await?;
    let mut state = session.state().clone();
    state.mark_start_execution();
    state.register_catalog_list(catalogs(&tables)?);
    let logical = state.statement_to_plan(statement.parsed).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&logical)
        .map_err(|error| Error::new(ErrorCode::StatementNotAllowed, error.strip_backtrace()))?;
    let logical = bind(logical, request.parameters.as_ref(), limits.parameters)?;
    let logical = match request.rows {
        // One more row tells whether there were more.
        Some(rows) if statement.is_query => LogicalPlanBuilder::from(logical)
            .limit(0, Some(rows as usize + 1))?
            .build()?,
        _ => logical,
    };
    let logical = state.optimize(&logical)?;
    let physical = state.query_planner().create_physical_plan(&logical, &state).await?;
    let task = task_context(session, &state)?;
    Ok(Plan {
        logical,
        physical,
        task,
        tables,
    })
}

/// A query as the source of another plan, with the tables that it reads.
pub async fn source_plan(session: &Session, sql: &str) -> Result<(LogicalPlan, Vec<Arc<TableSnapshot>>)> {
    let statement = Statement::parse(sql, session.limits())?;
    if !statement.is_query {
        let message = "The source of rows is a SELECT";
        return Err(Error::new(ErrorCode::StatementNotAllowed, message));
    }
    let tables = open_tables(session, &statement, &BTreeMap::new()).await?;
    let mut state = session.state().clone();
    state.mark_start_execution();
    state.register_catalog_list(catalogs(&tables)?);
    let plan = state.statement_to_plan(statement.parsed).await?;
    Ok((plan, tables.into_iter().map(|(_, snapshot)| snapshot).collect()))
}

async fn open_tables(
    session: &Session,
    statement: &Statement,
    pins: &BTreeMap<String, TablePin>,
) -> Result<Vec<(String, Arc<TableSnapshot>)>> {
    if let Some(pin) = pins
        .keys()
        .find(|name| statement.relations.iter().all(|relation| relation.name != **name))
    {
        let message = format!("'{pin}' is pinned but the statement doesn't read it");
        return Err(Error::new(ErrorCode::InvalidQuery, message).with("table", pin.as_str()));
    }
    let opened = statement
        .relations
        .iter()
        .map(|relation| open(session, relation, pins.get(&relation.name)));
    let mut tables = try_join_all(opened).await?;
    if statement.reads_schema {
        tables.extend(readable_tables(session, &tables).await?);
    }
    Ok(tables)
}

async fn open(
    session: &Session,
    relation: &RelationName,
    pin: Option<&TablePin>,
) -> Result<(String, Arc<TableSnapshot>)> {
    let table = session
        .engine
        .catalog
        .table(&relation.name)
        .await
        .map_err(|mut error| {
            if error.code == ErrorCode::TableNotFound {
                error.code = ErrorCode::UnknownTable;
            }
            error.at(relation.location)
        })?;
    let snapshot = table.snapshot(pin).await.map_err(|error| error.at(relation.location))?;
    Ok((relation.name.clone(), snapshot))
}

/// The information schema shows the tables that can be read; the others are listed by their route with the reason.
async fn readable_tables(
    session: &Session,
    known: &[(String, Arc<TableSnapshot>)],
) -> Result<Vec<(String, Arc<TableSnapshot>)>> {
    let mut tables = Vec::new();
    for entry in session.engine.catalog.entries().await? {
        if known.iter().any(|(name, _)| *name == entry.name) {
            continue;
        }
        let Ok(table) = session.engine.catalog.table(&entry.name).await else {
            continue;
        };
        if let Ok(snapshot) = table.snapshot(None).await {
            tables.push((entry.name, snapshot));
        }
    }
    Ok(tables)
}

fn catalogs(tables: &[(String, Arc<TableSnapshot>)]) -> Result<Arc<dyn CatalogProviderList>> {
    let schema = MemorySchemaProvider::new();
    for (name, snapshot) in tables {
        schema.register_table(name.clone(), snapshot.provider.clone())?;
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
