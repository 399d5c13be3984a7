//! A statement over what it reads, opened at its versions, before it is optimised.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use datafusion::DATAFUSION_VERSION;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use super::plan::{Plan, optimised, started};
use super::plan_cache::Ready;
use super::provided::{Provided, open_all};
use super::relations::{OpenView, Relations};
use super::volatility::volatile_function;
use crate::error::Result;
use crate::generated::{
    DeltaScanOptions, KeptView, ProvidedRelations, QueryIdentity, QueryParameters, QuerySource, ViewUse,
};
use crate::physical::Template;
use crate::repeated::planned;
use crate::session::Session;
use crate::sql::{MacroRevision, Statement};
use crate::table::{Freshness, Table, TableSnapshot};

pub struct Read {
    pub logical: LogicalPlan,
    /// A state of its own; none as long as nothing is planned.
    pub state: Option<SessionState>,
    pub tables: Vec<OpenTable>,
    pub relations: Relations,
    pub provided: Vec<Provided>,
    /// What it names of the request, which is hidden from nobody.
    pub own: BTreeSet<String>,
    pub statement: Arc<Statement>,
    pub parameters: Option<QueryParameters>,
}

/// A table at the version that a statement reads.
pub struct OpenTable {
    pub table: Arc<Table>,
    pub snapshot: Arc<TableSnapshot>,
    /// Whether the request names the version.
    pub pinned: bool,
}

impl Read {
    /// Whether the statement may name a relation.
    pub fn shows(&self, session: &Session, name: &str) -> bool {
        self.own.contains(name) || session.visible().shows(name)
    }

    /// Makes of it what runs, for `rows` rows at most.
    pub async fn plan(mut self, session: &Session, rows: Option<i64>) -> Result<Plan> {
        if let Some(plan) = self.planned_before(session, rows) {
            return Ok(plan);
        }
        let rows = self.limit(rows);
        let logical = self.optimised(session, rows)?;
        let state = self.own_state(session);
        let template = planned(state, &logical).await?;
        let config = state.config_options().clone();
        let physical = match self.is_reusable() && volatile_function(&self.logical)?.is_none() {
            true => {
                let (physical, template) = template.first_run(&config)?;
                self.keep_ready(session, rows, logical.clone(), template);
                physical
            }
            false => template.finished(&config)?,
        };
        let plan = Plan::new(session, logical, physical, self.versions())?;
        Ok(Plan {
            provided: self.provided,
            ..plan
        })
    }

    /// What was made of an equal one before, where that can run again.
    pub fn planned_before(&self, session: &Session, rows: Option<i64>) -> Option<Plan> {
        let Ready { logical, template, .. } = self.ready(session, self.limit(rows))?;
        let physical = template?.run(session.state().config_options()).ok()?;
        Plan::new(session, logical, physical, self.versions()).ok()
    }

    fn optimised(&mut self, session: &Session, rows: Option<i64>) -> Result<Arc<LogicalPlan>> {
        if let Some(ready) = self.ready(session, rows) {
            return Ok(ready.logical);
        }
        let logical = self.logical.clone();
        Ok(Arc::new(optimised(self.own_state(session), logical, rows)?))
    }

    fn keep_ready(&self, session: &Session, rows: Option<i64>, logical: Arc<LogicalPlan>, template: Option<Template>) {
        let id = session.state().session_id();
        session.engine.plans.keep_ready(id, self, rows, logical, template);
    }

    fn ready(&self, session: &Session, rows: Option<i64>) -> Option<Ready> {
        let id = session.state().session_id();
        self.is_reusable()
            .then(|| session.engine.plans.ready(id, self, rows))
            .flatten()
    }

    /// Only the rows of a query can be limited.
    fn limit(&self, rows: Option<i64>) -> Option<i64> {
        rows.filter(|_| self.statement.is_query)
    }

    fn versions(&self) -> Vec<(String, Arc<TableSnapshot>)> {
        let tables = self.tables.iter();
        tables
            .map(|open| (open.table.name.clone(), open.snapshot.clone()))
            .collect()
    }

    /// One over the information schema or over what a request provides is made anew each time.
    pub fn is_reusable(&self) -> bool {
        !self.statement.reads_schema && self.provided.is_empty()
    }

    pub fn state<'a>(&'a self, session: &'a Session) -> &'a SessionState {
        self.state.as_ref().unwrap_or(session.state())
    }

    pub fn own_state(&mut self, session: &Session) -> &mut SessionState {
        self.state.get_or_insert_with(|| started(session.state().clone()))
    }

    pub fn identity(&self, session: &Session, row_limit: Option<i64>) -> Result<QueryIdentity> {
        let keys = self.provided.iter();
        let keys = keys.filter_map(|provided| Some((provided.name.clone(), provided.key.clone()?)));
        Ok(QueryIdentity {
            volatile: self.volatile()?,
            row_limit,
            values: keys.collect(),
            kept_views: self.kept_views(session),
            ..self.identity_of(session, &self.statement)
        })
    }

    pub fn freshness(&self) -> Freshness {
        let tables = self.tables.iter();
        Freshness::new(
            tables.map(|open| (&open.table, &*open.snapshot, open.pinned)),
            self.relations.views.iter().map(|open| open.view.clone()).collect(),
            self.macros(),
        )
    }

    /// The revision of the macros that are written out in the statement or in a view below it.
    fn macros(&self) -> Option<MacroRevision> {
        let below = self.relations.views.iter().find_map(|open| open.statement.macros);
        self.statement.macros.or(below)
    }

    /// Puts rows in the place of views, whose tables stay at the versions that they were opened at.
    pub async fn provide(&mut self, session: &Session, provided: &ProvidedRelations) -> Result<()> {
        let opened = open_all(session, provided).await?;
        self.provided.extend(opened);
        self.resolve(session).await
    }

    /// What the rows of `statement`, the read one or that of a view below it, depend on.
    fn identity_of(&self, session: &Session, statement: &Statement) -> QueryIdentity {
        let profile = session.effective_profile();
        let below = self.relations.below(statement);
        let sources = self
            .tables
            .iter()
            .filter(|open| statement.reads_schema || below.get(&open.table.name) == Some(&false));
        QueryIdentity {
            volatile: None,
            statement: statement.text.clone(),
            engine: format!(
                "lakegate {}, datafusion {DATAFUSION_VERSION}",
                env!("CARGO_PKG_VERSION")
            ),
            time_zone: profile.execution.time_zone.clone().unwrap_or_default(),
            row_limit: None,
            settings: session.telling_settings().clone(),
            sources: sources.map(|open| open.source(session)).collect(),
            views: self.views_used(&below),
            values: BTreeMap::new(),
            kept_views: Vec::new(),
        }
    }

    fn views_used(&self, below: &BTreeMap<String, bool>) -> BTreeMap<String, ViewUse> {
        let views = self.relations.views.iter();
        let views = views.filter(|open| below.contains_key(&open.view.name));
        views
            .map(|open| (open.view.name.clone(), open.view.used(&open.statement)))
            .collect()
    }

    /// Rows of views that read what a request provides are other rows.
    fn kept_views(&self, session: &Session) -> Vec<KeptView> {
        if !self.provided.is_empty() || self.statement.reads_schema {
            return Vec::new();
        }
        let kept = self.relations.outermost_kept(&self.statement);
        kept.into_iter()
            .filter_map(|open| self.kept_view(session, open))
            .collect()
    }

    fn kept_view(&self, session: &Session, OpenView { view, statement, .. }: &OpenView) -> Option<KeptView> {
        Some(KeptView {
            name: view.name.clone(),
            cache_policy: view.cache_policy,
            sql: view.sql.clone(),
            parameters: view.defaults()?,
            identity: self.identity_of(session, statement),
        })
    }

    fn volatile(&self) -> Result<Option<String>> {
        if !self.statement.is_query || self.statement.reads_schema {
            return Ok(Some("what is served".to_owned()));
        }
        volatile_function(&self.logical)
    }
}

impl OpenTable {
    fn source(&self, session: &Session) -> QuerySource {
        let scan = session.scan();
        let commit = self.snapshot.commit.as_ref();
        QuerySource {
            name: self.table.name.clone(),
            uri: self.table.store.location.uri(),
            version: self.snapshot.version,
            pinned: self.pinned,
            commit: commit.map(|meta| format!("{}-{}", meta.last_modified.timestamp_micros(), meta.size)),
            protocol: self.snapshot.protocol(),
            scan: DeltaScanOptions {
                enable_parquet_pushdown: scan.parquet_pushdown.unwrap_or(false),
                wrap_partition_values: scan.wrap_partition_values.unwrap_or(false),
                ..DeltaScanOptions::default()
            },
        }
    }
}
