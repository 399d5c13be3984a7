//! A statement over the tables that it names, opened at their versions, before it is optimised.

use std::sync::Arc;

use datafusion::DATAFUSION_VERSION;
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use super::plan::{Plan, finish};
use super::volatility::volatile_function;
use crate::error::Result;
use crate::generated::{DeltaScanOptions, QueryIdentity, QuerySource};
use crate::session::Session;
use crate::sql::Statement;
use crate::table::{Freshness, Table, TableSnapshot};

pub struct Read {
    pub logical: LogicalPlan,
    pub state: SessionState,
    pub tables: Vec<OpenTable>,
    pub statement: Arc<Statement>,
}

/// A table at the version that a statement reads.
pub struct OpenTable {
    pub table: Arc<Table>,
    pub snapshot: Arc<TableSnapshot>,
    /// Whether the request names the version.
    pub pinned: bool,
}

impl Read {
    /// Makes of it what runs, for `rows` rows at most.
    pub async fn plan(self, session: &Session, rows: Option<i64>) -> Result<Plan> {
        let rows = rows.filter(|_| self.statement.is_query);
        let tables = self.tables.into_iter();
        let tables = tables.map(|open| (open.table.name.clone(), open.snapshot)).collect();
        finish(session, &self.state, self.logical, rows, tables).await
    }

    pub fn identity(&self, session: &Session, row_limit: Option<i64>) -> Result<QueryIdentity> {
        let profile = session.effective_profile();
        Ok(QueryIdentity {
            volatile: self.volatile()?,
            statement: self.statement.text.clone(),
            engine: format!(
                "lakegate {}, datafusion {DATAFUSION_VERSION}",
                env!("CARGO_PKG_VERSION")
            ),
            time_zone: profile.execution.time_zone.clone().unwrap_or_default(),
            row_limit,
            sources: self.tables.iter().map(OpenTable::source).collect(),
        })
    }

    pub fn freshness(&self) -> Freshness {
        Freshness::new(
            self.tables
                .iter()
                .map(|open| (&open.table, &*open.snapshot, open.pinned)),
        )
    }

    fn volatile(&self) -> Result<Option<String>> {
        if !self.statement.is_query || self.statement.reads_schema {
            return Ok(Some("what is served".to_owned()));
        }
        volatile_function(&self.logical)
    }
}

impl OpenTable {
    fn source(&self) -> QuerySource {
        let commit = self.snapshot.commit.as_ref();
        QuerySource {
            name: self.table.name.clone(),
            uri: self.table.store.location.uri(),
            version: self.snapshot.version,
            pinned: self.pinned,
            commit: commit.map(|meta| format!("{}-{}", meta.last_modified.timestamp_micros(), meta.size)),
            protocol: self.snapshot.protocol(),
            scan: DeltaScanOptions {
                enable_parquet_pushdown: false,
                ..DeltaScanOptions::default()
            },
        }
    }
}
