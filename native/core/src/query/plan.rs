//! From SQL text to a physical plan over tables at their versions.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use datafusion::execution::{SessionState, TaskContext};
use datafusion::logical_expr::{LogicalPlan, LogicalPlanBuilder};
use datafusion::physical_plan::ExecutionPlan;
use futures::future::{join_all, try_join_all};

use super::provided::{Provided, open_provided, own_views, shaped};
use super::read::{OpenTable, Read};
use super::relations::{Named, Relations, Trial, explain_path};
use crate::error::{Error, Result};
use crate::generated::{DeltaFeatureGate, ErrorCode, ProvidedRelations, QueryHead, QueryParameters, TablePin};
use crate::normalize::normalized_schema;
use crate::repeated::planned;
use crate::schema::row_schema;
use crate::session::Session;
use crate::sql::Statement;
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
    /// What stands for relations of the statement.
    pub provided: ProvidedRelations,
    /// Relations of which only the columns are known: what is planned over them isn't run.
    pub shapes: BTreeMap<String, SchemaRef>,
    /// Where it is planned for a view that is about to be registered.
    pub trial: Option<Trial>,
}

impl PlanRequest {
    /// Whether a name means what the request brings, and is no relation of the server.
    pub fn owns(&self, name: &str) -> bool {
        self.shapes.contains_key(name) || self.provided.own.iter().any(|own| own == name)
    }

    /// Whether a relation isn't looked for, because the request brings it.
    pub fn provides(&self, name: &str) -> bool {
        self.provided.kept.contains_key(name) || self.shapes.contains_key(name)
    }

    pub fn gates<'a>(&'a self, session: &'a Session, table: &str) -> Vec<&'a DeltaFeatureGate> {
        let gates = [self.gate.as_ref(), self.gates.get(table)];
        session.gates().iter().chain(gates.into_iter().flatten()).collect()
    }
}

/// A plan with all it needs to run; the tables' stores live as long as it does.
pub struct Plan {
    pub logical: Arc<LogicalPlan>,
    pub physical: Arc<dyn ExecutionPlan>,
    pub task: Arc<TaskContext>,
    pub tables: Vec<(String, Arc<TableSnapshot>)>,
    /// What it reads in the place of views.
    pub provided: Vec<Provided>,
}

impl Plan {
    pub fn new(
        session: &Session,
        logical: Arc<LogicalPlan>,
        physical: Arc<dyn ExecutionPlan>,
        tables: Vec<(String, Arc<TableSnapshot>)>,
    ) -> Result<Self> {
        Ok(Self {
            logical,
            physical,
            task: task_context(session)?,
            tables,
            provided: Vec::new(),
        })
    }

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

/// Opens what a statement reads and resolves it over that.
pub async fn read(session: &Session, request: &PlanRequest) -> Result<Read> {
    read_in(None, session, request).await
}

/// As [`read`], in a state of the session that is the caller's.
pub async fn read_in(state: Option<SessionState>, session: &Session, request: &PlanRequest) -> Result<Read> {
    let statement = session.statement(&request.sql)?;
    let mut read = opened(state, session, request, statement).await?;
    read.resolve(session).await?;
    Ok(read)
}

/// As [`read`], where the statement was planned over the very same before: then it takes next to no time.
pub async fn read_again(session: &Session, request: &PlanRequest) -> Option<Read> {
    let mut read = opened_again(session, request).await?;
    read.resolve_again(session).then_some(read)
}

/// The plan of a statement that was planned over the very same before, where it can run again.
pub async fn planned_before(session: &Session, request: &PlanRequest, rows: Option<i64>) -> Option<Plan> {
    opened_again(session, request).await?.planned_before(session, rows)
}

/// What goes wrong goes wrong again, with its reason, where the statement is planned anew.
async fn opened_again(session: &Session, request: &PlanRequest) -> Option<Read> {
    let statement = session.known_statement(&request.sql)?;
    if statement.reads_schema {
        return None;
    }
    opened(None, session, request, statement).await.ok()
}

async fn opened(
    state: Option<SessionState>,
    session: &Session,
    request: &PlanRequest,
    statement: Arc<Statement>,
) -> Result<Read> {
    for relation in &statement.relations {
        if !request.owns(&relation.name) {
            session.visible().require(&relation.name, relation.location)?;
        }
    }
    let is_provided = |name: &str| request.provides(name);
    let views = own_views(&request.provided.views);
    let relations = Relations::of(session, &statement, &is_provided, request.trial.as_ref(), &views)?;
    let tables = open_tables(session, &relations, statement.reads_schema, request).await?;
    let mut provided = open_provided(session, &relations, &request.provided).await?;
    provided.extend(shaped(&relations, &request.shapes));
    let own = request.shapes.keys().chain(&request.provided.own).cloned().collect();
    Ok(Read {
        logical: LogicalPlan::default(),
        state: state.map(started),
        parameters: request.parameters.clone(),
        tables,
        relations,
        provided,
        own,
        statement,
    })
}

/// A state whose functions of time answer that of now.
pub fn started(mut state: SessionState) -> SessionState {
    state.mark_start_execution();
    state
}

/// Makes of a logical plan what runs, for `rows` rows at most.
pub async fn finish(
    session: &Session,
    state: &SessionState,
    logical: LogicalPlan,
    rows: Option<i64>,
    tables: Vec<(String, Arc<TableSnapshot>)>,
) -> Result<Plan> {
    let logical = Arc::new(optimised(state, logical, rows)?);
    let physical = planned(state, &logical).await?.finished(state.config_options())?;
    Plan::new(session, logical, physical, tables)
}

pub fn optimised(state: &SessionState, logical: LogicalPlan, rows: Option<i64>) -> Result<LogicalPlan> {
    let logical = match rows {
        // One more row tells whether there were more.
        Some(rows) => LogicalPlanBuilder::from(logical)
            .limit(0, Some(rows as usize + 1))?
            .build()?,
        None => logical,
    };
    Ok(state.optimize(&logical)?)
}

async fn open_tables(
    session: &Session,
    relations: &Relations,
    reads_schema: bool,
    request: &PlanRequest,
) -> Result<Vec<OpenTable>> {
    refuse_unread(relations, request.pins.keys(), "pinned")?;
    refuse_unread(relations, request.gates.keys(), "gated")?;
    let opened = relations.tables.iter().map(|table| open(session, table, request));
    let mut tables = match reads_schema {
        false => try_join_all(opened).await?,
        // What only a view of the information schema reads may be missing.
        true => {
            let mut tables = Vec::new();
            for (named, opened) in relations.tables.iter().zip(join_all(opened).await) {
                match opened {
                    Ok(table) => tables.push(table),
                    Err(error) if named.path.is_empty() => return Err(error),
                    Err(_) => {}
                }
            }
            tables
        }
    };
    if reads_schema {
        tables.extend(readable_tables(session, request, &tables).await?);
    }
    Ok(tables)
}

/// What a request says of a table that the statement doesn't read was meant for another.
fn refuse_unread<'a>(relations: &Relations, mut names: impl Iterator<Item = &'a String>, said: &str) -> Result<()> {
    match names.find(|name| !relations.reads(name)) {
        None => Ok(()),
        Some(name) => {
            let message = format!("'{name}' is {said} but the statement doesn't read it as a table");
            Err(Error::new(ErrorCode::InvalidQuery, message).with("table", name.as_str()))
        }
    }
}

async fn open(session: &Session, named: &Named, request: &PlanRequest) -> Result<OpenTable> {
    let place = |error: Error| explain_path(error.at(named.location), &named.path);
    let table = session.engine.catalog.table(&named.name).await.map_err(|mut error| {
        if error.code == ErrorCode::TableNotFound {
            error.code = ErrorCode::UnknownTable;
        }
        session.visible().discreet(place(error), &named.name)
    })?;
    let pin = request.pins.get(&named.name);
    let snapshot = table.snapshot(pin).await.map_err(place)?;
    session
        .require_readable(&table, &snapshot, &request.gates(session, &named.name))
        .map_err(place)?;
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
        let is_known = known.iter().any(|open| open.table.name == entry.name);
        if is_known || !session.visible().shows(&entry.name) {
            continue;
        }
        let Ok(table) = session.engine.catalog.table(&entry.name).await else {
            continue;
        };
        let gates = request.gates(session, &entry.name);
        if let Ok(snapshot) = table.snapshot(None).await
            && session.require_readable(&table, &snapshot, &gates).is_ok()
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

/// A context whose memory is the query's own share; plans run without looking functions up again.
fn task_context(session: &Session) -> Result<Arc<TaskContext>> {
    let (runtime, state) = (session.own_runtime()?, session.state());
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
