//! What a query does: where its rows come from, and how they are wanted.

use super::lightness::is_light;
use super::plan::{Plan, PlanRequest, planned_before, read};
use super::read::Read;
use crate::changes::{ChangePlan, plan_changes};
use crate::encode::{EncodeOptions, Format};
use crate::error::{Error, Result};
use crate::generated::{ChangeRequest, QueryRequest, StoredQuery};
use crate::session::Session;

pub struct Work {
    pub format: Format,
    pub source: Source,
    pub wanted: Wanted,
}

/// Where rows come from.
pub enum Source {
    Sql(PlanRequest),
    Read(Box<Read>),
    Planned(Box<Plan>),
    Changes(ChangePlan),
    Stored(StoredRows),
}

/// A kept result.
pub struct StoredRows {
    pub path: String,
    pub key: String,
    pub offset: i64,
}

/// How rows are wanted; what is left open the session fills in.
pub struct Wanted {
    pub timeout_ms: Option<i64>,
    pub row_limit: Option<i64>,
    pub byte_limit: Option<i64>,
    pub spool: bool,
    /// Whether rows beyond the limits are an error, and not cut off.
    pub whole: bool,
    pub encoding: EncodeOptions,
}

impl Source {
    pub async fn plan(self, session: &Session, rows: Option<i64>) -> Result<Plan> {
        match self {
            Self::Sql(request) => read(session, &request).await?.plan(session, rows).await,
            Self::Read(read) => read.plan(session, rows).await,
            Self::Planned(plan) => Ok(*plan),
            Self::Changes(request) => plan_changes(session, &request, rows).await,
            Self::Stored(_) => Err(Error::internal("a kept result has no plan")),
        }
    }

    /// The plan that was made before over the very same, where it can run again.
    pub async fn planned_before(&self, session: &Session, rows: Option<i64>) -> Option<Plan> {
        match self {
            Self::Sql(request) => planned_before(session, request, rows).await,
            Self::Read(read) => read.planned_before(session, rows),
            Self::Planned(_) | Self::Changes(_) | Self::Stored(_) => None,
        }
    }
}

impl Work {
    /// Whether it is over soon, as far as its plan tells.
    pub fn is_light(&self) -> bool {
        match &self.source {
            Source::Planned(plan) => is_light(&plan.physical),
            Source::Stored(_) => true,
            Source::Sql(_) | Source::Read(_) | Source::Changes(_) => false,
        }
    }

    pub fn query(format: Format, request: QueryRequest) -> Self {
        Self {
            format,
            source: Source::Sql(PlanRequest {
                sql: request.sql,
                parameters: request.parameters,
                pins: request.tables,
                gate: request.gate,
                gates: request.gates,
                ..PlanRequest::default()
            }),
            wanted: Wanted {
                timeout_ms: request.timeout_ms,
                row_limit: request.row_limit,
                byte_limit: request.byte_limit,
                spool: request.spool,
                whole: false,
                encoding: EncodeOptions {
                    numbers: request.numbers,
                    row_format: request.row_format,
                },
            },
        }
    }

    pub fn stored(format: Format, request: StoredQuery) -> Self {
        Self {
            format,
            source: Source::Stored(StoredRows {
                path: request.path,
                key: request.key,
                offset: request.offset,
            }),
            wanted: Wanted {
                timeout_ms: request.timeout_ms,
                row_limit: request.limit,
                byte_limit: None,
                spool: false,
                whole: false,
                encoding: EncodeOptions {
                    numbers: request.numbers,
                    row_format: request.row_format,
                },
            },
        }
    }

    pub fn changes(format: Format, request: ChangeRequest) -> Self {
        Self {
            format,
            source: Source::Changes(ChangePlan {
                table: request.table,
                options: request.options,
            }),
            wanted: Wanted {
                timeout_ms: request.timeout_ms,
                row_limit: request.row_limit,
                byte_limit: request.byte_limit,
                spool: request.spool,
                whole: false,
                encoding: EncodeOptions {
                    numbers: request.numbers,
                    row_format: request.row_format,
                },
            },
        }
    }
}
