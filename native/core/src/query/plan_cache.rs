//! Statements that were parsed, and their plans over tables at their versions, resolved and ready to run, used again for
//! equal ones.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheKey, CacheValue};
use datafusion::logical_expr::LogicalPlan;

use super::read::Read;
use crate::error::Result;
use crate::generated::EngineLimits;
use crate::physical::Template;
use crate::sql::{MacroRevision, Macros, Statement};

/// Bytes of all parsed statements, and of all plans with the versions that they hold on to.
const STATEMENTS: usize = 16 << 20;
const PLANS: usize = 64 << 20;
/// What a syntax tree or a plan takes for each byte of its statement, roughly, and besides.
const PER_BYTE: usize = 64;
const BESIDES: usize = 4 << 10;

pub struct PlanCache {
    statements: DefaultCache<StatementKey, Parsed>,
    plans: DefaultCache<PlanKey, Resolved>,
    ready: DefaultCache<ReadyKey, Ready>,
}

/// A plan that is optimised.
#[derive(Clone)]
pub struct Ready {
    pub logical: Arc<LogicalPlan>,
    /// Where it can run again and again.
    pub template: Option<Template>,
    _inputs: Arc<[Arc<dyn Any + Send + Sync>]>,
    size: usize,
}

impl PlanCache {
    pub fn new() -> Self {
        Self {
            statements: DefaultCache::new(STATEMENTS),
            plans: DefaultCache::new(PLANS),
            ready: DefaultCache::new(PLANS),
        }
    }

    pub fn statement(&self, sql: &str, macros: &Macros, limits: &EngineLimits) -> Result<Arc<Statement>> {
        let key = StatementKey::new(sql, macros, limits);
        if let Some(Parsed(statement)) = self.statements.get(&key) {
            return Ok(statement);
        }
        let statement = Arc::new(Statement::parse(sql, macros, limits)?);
        self.statements.put(&key, Parsed(statement.clone()));
        Ok(statement)
    }

    /// A statement that was parsed before.
    pub fn known_statement(&self, sql: &str, macros: &Macros, limits: &EngineLimits) -> Option<Arc<Statement>> {
        let Parsed(statement) = self.statements.get(&StatementKey::new(sql, macros, limits))?;
        Some(statement)
    }

    /// The plan of a statement before its parameters are bound, over these very versions of its tables and views.
    pub fn plan(&self, session: &str, read: &Read) -> Option<LogicalPlan> {
        let resolved = self.plans.get(&PlanKey::new(session, read))?;
        Some(resolved.plan.as_ref().clone())
    }

    pub fn keep(&self, session: &str, read: &Read, plan: &LogicalPlan) {
        let resolved = Resolved {
            plan: Arc::new(plan.clone()),
            _inputs: inputs(read).collect(),
            size: held_by(read),
        };
        self.plans.put(&PlanKey::new(session, read), resolved);
    }

    /// The plan of a statement with the values of its parameters, for as many rows.
    pub fn ready(&self, session: &str, read: &Read, rows: Option<i64>) -> Option<Ready> {
        self.ready.get(&ReadyKey::new(session, read, rows)?)
    }

    pub fn keep_ready(
        &self,
        session: &str,
        read: &Read,
        rows: Option<i64>,
        logical: Arc<LogicalPlan>,
        template: Option<Template>,
    ) {
        let Some(key) = ReadyKey::new(session, read, rows) else {
            return;
        };
        let ready = Ready {
            logical,
            template,
            size: held_by(read),
            _inputs: inputs(read).collect(),
        };
        self.ready.put(&key, ready);
    }
}

/// The bytes that a plan takes with what it holds on to.
fn held_by(read: &Read) -> usize {
    let held: usize = read.tables.iter().map(|open| open.snapshot.estimated_bytes()).sum();
    let views: usize = read.relations.views.iter().map(|open| tree_size(&open.statement)).sum();
    held + views + tree_size(&read.statement)
}

/// What a plan was made of besides its statement.
fn inputs(read: &Read) -> impl Iterator<Item = Arc<dyn Any + Send + Sync>> {
    let tables = read.tables.iter().map(|open| open.snapshot.clone() as Arc<_>);
    let views = read.relations.views.iter().flat_map(|open| {
        let (view, statement) = (open.view.clone(), open.statement.clone());
        [view as Arc<dyn Any + Send + Sync>, statement as Arc<_>]
    });
    tables.chain(views)
}

fn tree_size(statement: &Statement) -> usize {
    statement.text.len() * PER_BYTE + BESIDES
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StatementKey {
    sql: String,
    macros: MacroRevision,
    limits: [i64; 4],
}

impl StatementKey {
    fn new(sql: &str, macros: &Macros, limits: &EngineLimits) -> Self {
        Self {
            sql: sql.to_owned(),
            macros: macros.revision(),
            limits: [limits.sql_bytes, limits.sql_tokens, limits.sql_depth, limits.sql_chain],
        }
    }
}

#[derive(Clone)]
struct Parsed(Arc<Statement>);

/// The inputs are known by where they are in memory: as long as a plan is kept, so are they.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    session: String,
    text: String,
    inputs: Vec<usize>,
}

impl PlanKey {
    fn new(session: &str, read: &Read) -> Self {
        Self {
            session: session.to_owned(),
            text: read.statement.text.clone(),
            inputs: inputs(read)
                .map(|input| Arc::as_ptr(&input).cast::<()>() as usize)
                .collect(),
        }
    }
}

/// A plan with the values of its parameters, as text, and the number of rows that it is for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct ReadyKey {
    plan: PlanKey,
    parameters: String,
    rows: Option<i64>,
}

impl ReadyKey {
    fn new(session: &str, read: &Read, rows: Option<i64>) -> Option<Self> {
        let parameters = match &read.parameters {
            None => String::new(),
            Some(parameters) => serde_json::to_string(parameters).ok()?,
        };
        let plan = PlanKey::new(session, read);
        Some(Self { plan, parameters, rows })
    }
}

#[derive(Clone)]
struct Resolved {
    plan: Arc<LogicalPlan>,
    _inputs: Arc<[Arc<dyn Any + Send + Sync>]>,
    size: usize,
}

impl CacheKey for StatementKey {
    fn size(&self) -> usize {
        size_of::<Self>() + self.sql.len()
    }

    fn table_ref(&self) -> Option<&TableReference> {
        None
    }
}

impl CacheValue for Parsed {
    fn size(&self) -> usize {
        tree_size(&self.0)
    }
}

impl CacheKey for PlanKey {
    fn size(&self) -> usize {
        size_of::<Self>() + self.session.len() + self.text.len() + size_of_val(self.inputs.as_slice())
    }

    fn table_ref(&self) -> Option<&TableReference> {
        None
    }
}

impl CacheKey for ReadyKey {
    fn size(&self) -> usize {
        CacheKey::size(&self.plan) + size_of::<Self>() + self.parameters.len()
    }

    fn table_ref(&self) -> Option<&TableReference> {
        None
    }
}

impl CacheValue for Ready {
    fn size(&self) -> usize {
        self.size
    }
}

impl CacheValue for Resolved {
    fn size(&self) -> usize {
        self.size
    }
}
