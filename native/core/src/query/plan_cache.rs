//! Statements that were parsed, and their plans over tables at their versions, used again for equal ones.

use std::any::Any;
use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheKey, CacheValue};
use datafusion::logical_expr::LogicalPlan;

use super::read::Read;
use crate::error::Result;
use crate::generated::EngineLimits;
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
}

impl PlanCache {
    pub fn new() -> Self {
        Self {
            statements: DefaultCache::new(STATEMENTS),
            plans: DefaultCache::new(PLANS),
        }
    }

    pub fn statement(&self, sql: &str, macros: &Macros, limits: &EngineLimits) -> Result<Arc<Statement>> {
        let key = StatementKey {
            sql: sql.to_owned(),
            macros: macros.revision(),
            limits: [limits.sql_bytes, limits.sql_tokens, limits.sql_depth, limits.sql_chain],
        };
        if let Some(Parsed(statement)) = self.statements.get(&key) {
            return Ok(statement);
        }
        let statement = Arc::new(Statement::parse(sql, macros, limits)?);
        self.statements.put(&key, Parsed(statement.clone()));
        Ok(statement)
    }

    /// The plan of a statement before its parameters are bound, over these very versions of its tables and views.
    pub fn plan(&self, session: &str, read: &Read) -> Option<LogicalPlan> {
        let resolved = self.plans.get(&PlanKey::new(session, read))?;
        Some(resolved.plan.as_ref().clone())
    }

    pub fn keep(&self, session: &str, read: &Read, plan: &LogicalPlan) {
        let held: usize = read.tables.iter().map(|open| open.snapshot.estimated_bytes()).sum();
        let views: usize = read.relations.views.iter().map(|open| tree_size(&open.statement)).sum();
        let resolved = Resolved {
            plan: Arc::new(plan.clone()),
            _inputs: inputs(read).collect(),
            size: held + views + tree_size(&read.statement),
        };
        self.plans.put(&PlanKey::new(session, read), resolved);
    }
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

impl CacheValue for Resolved {
    fn size(&self) -> usize {
        self.size
    }
}
