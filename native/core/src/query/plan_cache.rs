//! Statements that were parsed, and their plans over tables at their versions, used again for equal ones.

use std::sync::Arc;

use datafusion::common::TableReference;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheKey, CacheValue};
use datafusion::logical_expr::LogicalPlan;

use super::read::OpenTable;
use crate::error::Result;
use crate::generated::EngineLimits;
use crate::sql::Statement;
use crate::table::TableSnapshot;

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

    pub fn statement(&self, sql: &str, limits: &EngineLimits) -> Result<Arc<Statement>> {
        let key = StatementKey(sql.to_owned());
        if let Some(Parsed(statement)) = self.statements.get(&key) {
            return Ok(statement);
        }
        let statement = Arc::new(Statement::parse(sql, limits)?);
        self.statements.put(&key, Parsed(statement.clone()));
        Ok(statement)
    }

    /// The plan of a statement before its parameters are bound, over these very versions of its tables.
    pub fn plan(&self, session: &str, statement: &Statement, tables: &[OpenTable]) -> Option<LogicalPlan> {
        let resolved = self.plans.get(&PlanKey::new(session, statement, tables))?;
        Some(resolved.plan.as_ref().clone())
    }

    pub fn keep(&self, session: &str, statement: &Statement, tables: &[OpenTable], plan: &LogicalPlan) {
        let versions: Vec<_> = tables.iter().map(|open| open.snapshot.clone()).collect();
        let held: usize = versions.iter().map(|version| version.estimated_bytes()).sum();
        let resolved = Resolved {
            plan: Arc::new(plan.clone()),
            _versions: versions.into(),
            size: held + tree_size(statement),
        };
        self.plans.put(&PlanKey::new(session, statement, tables), resolved);
    }
}

fn tree_size(statement: &Statement) -> usize {
    statement.text.len() * PER_BYTE + BESIDES
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct StatementKey(String);

#[derive(Clone)]
struct Parsed(Arc<Statement>);

/// The versions are known by where they are in memory: as long as a plan is kept, so are they.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
struct PlanKey {
    session: String,
    text: String,
    versions: Vec<usize>,
}

impl PlanKey {
    fn new(session: &str, statement: &Statement, tables: &[OpenTable]) -> Self {
        let versions = tables.iter().map(|open| Arc::as_ptr(&open.snapshot) as usize);
        Self {
            session: session.to_owned(),
            text: statement.text.clone(),
            versions: versions.collect(),
        }
    }
}

#[derive(Clone)]
struct Resolved {
    plan: Arc<LogicalPlan>,
    _versions: Arc<[Arc<TableSnapshot>]>,
    size: usize,
}

impl CacheKey for StatementKey {
    fn size(&self) -> usize {
        size_of::<Self>() + self.0.len()
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
        size_of::<Self>() + self.session.len() + self.text.len() + size_of_val(self.versions.as_slice())
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
