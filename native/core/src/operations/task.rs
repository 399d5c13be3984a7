//! One operation on its way from a request to a commit.

use std::sync::Arc;
use std::time::Duration;

use chrono::Utc;
use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TransformedResult, TreeNode};
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;
use datafusion::optimizer::analyzer::type_coercion::TypeCoercionRewriter;
use deltalake_core::kernel::transaction::CommitProperties;
use deltalake_core::{DeltaResult, DeltaTable};
use parquet::file::properties::WriterProperties;
use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::file_layout::file_layout;
use super::protocol::complete_protocol;
use super::report::Done;
use super::request::TableRequest;
use crate::commit::{
    CommitRecord, Committed, Committer, FilesInUse, Isolation, Outcome, Proposal, Transaction, planned,
};
use crate::engine::Engine;
use crate::entries::Contracts;
use crate::error::{Error, Result};
use crate::gate;
use crate::generated::{
    DeltaCommitOptions, DeltaFeatureGate, DeltaRuntimeEnvOptions, DeltaTableRef, EngineLimits, ErrorCode,
    FunctionSettings, OperationContext, SessionProfile, SessionTerms,
};
use crate::sql::{check_expression, closest};
use crate::table::{Table, TableSnapshot, commit_timestamp, guarded};

const NOTHING_TO_CHANGE: &str = "There was nothing to change";

/// How often an operation that lost a race is planned again, unless the request says.
const RETRIES: i64 = 10;
/// The wait before the first of these; each next one may wait twice as long.
const FIRST_WAIT_MS: u64 = 20;
const LONGEST_WAIT_MS: u64 = 1000;
/// Keys of a commitInfo that aren't a client's to set.
const RESERVED: [&str; 12] = [
    "timestamp",
    "userId",
    "userName",
    "operation",
    "operationParameters",
    "operationMetrics",
    "readVersion",
    "isolationLevel",
    "isBlindAppend",
    "engineInfo",
    "userMetadata",
    "lakegate",
];

/// What an operation is planned on.
pub struct Base {
    pub snapshot: Arc<TableSnapshot>,
    pub properties: CommitProperties,
    engine: Arc<Engine>,
    runtime: DeltaRuntimeEnvOptions,
}

impl Base {
    /// The table as the library's operations take it.
    pub async fn table(&self) -> Result<DeltaTable> {
        self.snapshot.library_table().await
    }

    /// The state that the library's plan runs with.
    pub fn session(&self) -> Result<SessionState> {
        self.engine.operation_session(&self.runtime)
    }

    /// The layout of files with the table's columns.
    pub fn file_layout(&self) -> WriterProperties {
        file_layout(&[self.snapshot.arrow_schema().fields()])
    }
}

pub struct Task {
    pub engine: Arc<Engine>,
    pub table: Arc<Table>,
    context: OperationContext,
    gates: Vec<DeltaFeatureGate>,
    options: DeltaCommitOptions,
    operation: &'static str,
}

enum Attempt {
    Done(Box<Done>),
    Lost { version: i64, operation: Option<String> },
}

impl Task {
    /// Finds the table of a request, which is written at its newest version.
    pub async fn open(engine: &Arc<Engine>, request: &impl TableRequest, context: OperationContext) -> Result<Self> {
        refuse_pin(request.table())?;
        let table = match (&request.table().name, &request.table().table_uri) {
            (Some(name), _) => engine.catalog.table(name).await?,
            (None, Some(uri)) => place(engine, uri, request.table())?,
            (None, None) => return Err(Error::new(ErrorCode::InvalidRequest, "The request names no table")),
        };
        Self::new(engine, table, request, context)
    }

    /// For a table that isn't there yet: without a URI its place is the warehouse's folder of its name.
    pub fn at_place(engine: &Arc<Engine>, request: &impl TableRequest, context: OperationContext) -> Result<Self> {
        refuse_pin(request.table())?;
        let wanted = request.table();
        let uri = wanted.table_uri.as_ref().or(wanted.name.as_ref());
        let uri = uri.ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "The request names no table"))?;
        Self::new(engine, place(engine, uri, wanted)?, request, context)
    }

    fn new<R: TableRequest>(
        engine: &Arc<Engine>,
        table: Arc<Table>,
        request: &R,
        context: OperationContext,
    ) -> Result<Self> {
        let options = request.commit_options().cloned().unwrap_or_default();
        if let Some(key) = options.metadata.keys().find(|key| RESERVED.contains(&key.as_str())) {
            let message = format!("commit_options.metadata can't have {key}: Delta has a use of its own for it");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
        let gates = context.gates.iter().chain(request.gate()).cloned().collect();
        Ok(Self {
            engine: engine.clone(),
            table,
            context,
            gates,
            options,
            operation: R::OPERATION,
        })
    }

    /// What the sessions that read its sources are held to.
    pub fn terms(&self) -> SessionTerms {
        SessionTerms {
            visible: self.context.visible.clone(),
            ..SessionTerms::default()
        }
    }

    pub fn limits(&self) -> &EngineLimits {
        &self.engine.config.limits
    }

    /// What the request's rows and columns are held to.
    pub fn contracts(&self) -> Arc<Contracts> {
        Contracts::new(&self.context.contracts)
    }

    /// Whether columns that rows bring may have nulls, whatever these say.
    pub fn takes_nulls(&self) -> bool {
        self.context.takes_nulls
    }

    pub fn spill_folder(&self) -> &str {
        &self.engine.config.spill_folder
    }

    /// Refuses expressions that aren't ones, or could overwhelm the planner.
    pub fn check_expressions<'a>(&self, expressions: impl IntoIterator<Item = (&'a str, &'a String)>) -> Result<()> {
        let mut expressions = expressions.into_iter();
        expressions.try_for_each(|(name, sql)| check_expression(name, sql, self.limits()))
    }

    /// The state that plans of the operation run with.
    pub fn session(&self) -> Result<SessionState> {
        self.engine.operation_session(&self.runtime())
    }

    /// The settings of a query that gives the operation its rows.
    pub fn profile(&self) -> SessionProfile {
        SessionProfile {
            functions: FunctionSettings {
                policy: self.context.functions,
            },
            ..SessionProfile::default()
        }
    }

    fn runtime(&self) -> DeltaRuntimeEnvOptions {
        self.context.runtime.clone().unwrap_or_default()
    }

    /// An expression over the table's columns, with its types made to fit: the library does not do that.
    pub fn expression(&self, sql: &str, base: &Base) -> Result<Expr> {
        let schema = DFSchema::try_from(base.snapshot.arrow_schema().as_ref().clone())?;
        let expression = self.engine.operation_settings()?.create_logical_expr(sql, &schema)?;
        Ok(expression.rewrite(&mut TypeCoercionRewriter::new(&schema)).data()?)
    }

    /// Plans and commits an operation, again and again while it loses races and `repeatable`.
    pub async fn commit<F, Fut>(&self, isolation: Isolation, repeatable: bool, plan: F) -> Result<Done>
    where
        F: Fn(Base) -> Fut,
        Fut: Future<Output = DeltaResult<()>>,
    {
        self.commit_edited(isolation, repeatable, plan, |_| {}).await
    }

    /// As [`Self::commit`], with a last change to what was planned.
    pub async fn commit_edited<F, Fut>(
        &self,
        isolation: Isolation,
        repeatable: bool,
        plan: F,
        edit: impl Fn(&mut CommitRecord),
    ) -> Result<Done>
    where
        F: Fn(Base) -> Fut,
        Fut: Future<Output = DeltaResult<()>>,
    {
        self.table.store.sweep_first().await;
        let committer = self.table.store.committer.clone();
        let files = Arc::new(committer.files.clone().read_owned().await);
        let _rewrite = match isolation {
            Isolation::Append => None,
            _ => Some(committer.rewrite.lock().await),
        };
        let retries = if repeatable && self.context.expected_version.is_none() {
            self.options.max_retries.unwrap_or(RETRIES)
        } else {
            0
        };
        for attempt in 0.. {
            // An operation that lost a race once isn't to lose it again to the appends of this process.
            let _turn = match isolation {
                Isolation::Append => None,
                _ if attempt > 0 => Some(committer.appends.write().await),
                _ => None,
            };
            match self.attempt(&committer, &files, isolation, &plan, &edit).await? {
                Attempt::Done(done) => return Ok(*done),
                Attempt::Lost { version, operation } if attempt >= retries => {
                    return Err(self.conflict(version, operation));
                }
                Attempt::Lost { .. } => tokio::time::sleep(wait(attempt)).await,
            }
        }
        unreachable!("the attempts end in a return")
    }

    async fn attempt<F, Fut>(
        &self,
        committer: &Arc<Committer>,
        files: &FilesInUse,
        isolation: Isolation,
        plan: &F,
        edit: &impl Fn(&mut CommitRecord),
    ) -> Result<Attempt>
    where
        F: Fn(Base) -> Fut,
        Fut: Future<Output = DeltaResult<()>>,
    {
        let snapshot = match isolation {
            Isolation::Append if self.context.expected_version.is_none() => self.table.recent().await?,
            _ => self.table.base().await?,
        };
        self.require_gates(&snapshot)?;
        if let Some(done) = self.known_repeat(&snapshot).await? {
            return Ok(Attempt::Done(Box::new(done)));
        }
        self.require_version(&snapshot)?;
        // It is large, and would be copied on its way.
        let planning = Box::pin(plan(Base {
            snapshot: snapshot.clone(),
            properties: self.properties(),
            engine: self.engine.clone(),
            runtime: self.runtime(),
        }));
        let planned = guarded(planned(planning)).await;
        let planned = planned.map_err(|error| self.table.explain(with_constraints(error, &snapshot)))?;
        let changes = planned.is_some();
        let mut record = match planned {
            Some(record) => record,
            None if self.transactions().is_empty() => {
                let done = self.skipped(&snapshot, NOTHING_TO_CHANGE)?;
                return Ok(Attempt::Done(Box::new(done)));
            }
            // What is to be done once is recorded as done, so that a repeat finds as little to change as the first.
            None => note(self.operation, json!({}), json!({})),
        };
        edit(&mut record);
        self.complete(&mut record);
        let _turn = match isolation {
            Isolation::Append => Some(committer.appends.read().await),
            _ => None,
        };
        let mut proposal = self.proposal(Some(&snapshot), record, isolation);
        proposal.files = Some(files.clone());
        let outcome = committer.commit(proposal).await?;
        let mut attempt = self.conclude(outcome, Some(&snapshot)).await?;
        if let Attempt::Done(done) = &mut attempt
            && !changes
        {
            done.skip_reason.get_or_insert_with(|| NOTHING_TO_CHANGE.to_owned());
        }
        Ok(attempt)
    }

    /// What an operation would commit to a table that isn't there yet.
    pub async fn plan_new(&self, operation: impl Future<Output = DeltaResult<()>>) -> Result<CommitRecord> {
        let record = guarded(planned(operation)).await?;
        record.ok_or_else(|| Error::internal("A new table makes no commit"))
    }

    /// Commits what an operation planned for a table that isn't there yet.
    pub async fn commit_new(&self, mut record: CommitRecord) -> Result<Done> {
        self.complete(&mut record);
        let proposal = self.proposal(None, record, Isolation::Serial);
        let outcome = self.table.store.committer.commit(proposal).await?;
        match self.conclude(outcome, None).await? {
            Attempt::Done(done) => Ok(*done),
            Attempt::Lost { .. } => Err(self.exists()),
        }
    }

    /// Tells in the log what was done to the table's files.
    pub async fn commit_note(&self, snapshot: &TableSnapshot, record: CommitRecord) -> Result<Done> {
        let proposal = self.proposal(Some(snapshot), record, Isolation::Note);
        let outcome = self.table.store.committer.commit(proposal).await?;
        match self.conclude(outcome, Some(snapshot)).await? {
            Attempt::Done(done) => Ok(*done),
            Attempt::Lost { version, operation } => Err(self.conflict(version, operation)),
        }
    }

    pub fn exists(&self) -> Error {
        let message = format!("There is a table at {} already", self.table.store.location.uri());
        Error::new(ErrorCode::TableExists, message)
    }

    /// Leaves the table that is there as it is.
    pub async fn keep(&self) -> Result<Done> {
        let newest = self.table.snapshot(None).await?;
        self.require(&newest)?;
        self.skipped(&newest, "There is a table already")
    }

    /// What a repeat of the request that made this table answers; any other request is refused.
    pub async fn made_before_or_refused(&self) -> Result<Done> {
        self.made_before().await?.ok_or_else(|| self.exists())
    }

    /// What a repeat of the request that made this table answers.
    pub async fn made_before(&self) -> Result<Option<Done>> {
        self.known_repeat(&*self.table.base().await?).await
    }

    /// Mends what the library leaves out of a commit, or tells of our own addresses.
    fn complete(&self, record: &mut CommitRecord) {
        complete_protocol(record);
        if record.parameter("location").is_some() {
            record.set_parameter("location", json!(self.table.store.location.uri()));
        }
    }

    /// Refuses names that aren't columns of the table.
    pub fn require_columns<'a>(
        &self,
        snapshot: &TableSnapshot,
        names: impl IntoIterator<Item = &'a String>,
    ) -> Result<()> {
        let schema = snapshot.arrow_schema();
        let unknown = names.into_iter().find(|name| schema.field_with_name(name).is_err());
        let Some(name) = unknown else { return Ok(()) };
        let columns = schema.fields().iter().map(|field| field.name().as_str());
        let message = match closest(name, columns) {
            Some(near) => format!("There is no column '{name}'. Did you mean '{near}'?"),
            None => format!("There is no column '{name}'"),
        };
        let error = Error::new(ErrorCode::UnknownColumn, message).with("column", name.as_str());
        Err(self.table.explain(error))
    }

    pub fn properties(&self) -> CommitProperties {
        let metadata = self.options.metadata.iter();
        CommitProperties::default()
            .with_metadata(metadata.map(|(key, value)| (key.clone(), Value::from(value.as_str()))))
            .with_create_checkpoint(false)
            .with_cleanup_expired_logs(Some(false))
    }

    /// The gates and the version that the request asks for.
    pub fn require(&self, snapshot: &TableSnapshot) -> Result<()> {
        self.require_gates(snapshot)?;
        self.require_version(snapshot)
    }

    fn require_gates(&self, snapshot: &TableSnapshot) -> Result<()> {
        let gates: Vec<_> = self.table.gate.iter().chain(&self.gates).collect();
        let protocol = snapshot.protocol();
        gate::require(&protocol, &gates)
            .and_then(|()| gate::require_writable(&protocol))
            .map_err(|error| self.table.explain(error))
    }

    fn require_version(&self, snapshot: &TableSnapshot) -> Result<()> {
        match self.context.expected_version {
            Some(expected) if expected != snapshot.version => Err(self.stale(snapshot.version)),
            _ => Ok(()),
        }
    }

    pub fn wants_checkpoint(&self) -> bool {
        self.options.create_checkpoint.unwrap_or(true)
    }

    fn transactions(&self) -> Vec<Transaction> {
        let numbered = self.options.app_transaction.iter().map(|given| Transaction::Numbered {
            app_id: given.app_id.clone(),
            version: given.version,
        });
        let keyed = self.context.idempotency.iter().map(|given| Transaction::Keyed {
            app_id: format!("lakegate-{}", given.key),
            fingerprint: given.fingerprint.clone(),
        });
        numbered.chain(keyed).collect()
    }

    fn proposal(&self, base: Option<&TableSnapshot>, record: CommitRecord, isolation: Isolation) -> Proposal {
        let exact = self.context.expected_version.is_some();
        let is_plain = self.options.metadata.is_empty() && !record.effects.changes_table;
        Proposal {
            log: self.table.store.log.clone(),
            base: base.map_or(-1, |base| base.version),
            base_time: base.map(|base| base.timestamp),
            files: None,
            isolation,
            exact,
            transactions: self.transactions(),
            shares: isolation == Isolation::Append && !exact && is_plain,
            record,
        }
    }

    /// What an earlier commit of the same transaction did, if the table has it.
    async fn known_repeat(&self, snapshot: &TableSnapshot) -> Result<Option<Done>> {
        for transaction in self.transactions() {
            let recorded = snapshot.transaction_version(transaction.app_id()).await?;
            if let Some(recorded) = recorded.filter(|recorded| transaction.is_repeat(*recorded)) {
                return Ok(Some(self.repeat(&transaction, recorded, snapshot).await?));
            }
        }
        Ok(None)
    }

    async fn repeat(&self, transaction: &Transaction, recorded: i64, snapshot: &TableSnapshot) -> Result<Done> {
        let Transaction::Keyed { app_id, fingerprint } = transaction else {
            let app_id = transaction.app_id();
            let reason = format!("The table has transaction {recorded} of {app_id} already");
            return self.skipped(snapshot, &reason);
        };
        let mut done = self.skipped(
            snapshot,
            &format!("Version {recorded} was made by this Idempotency-Key"),
        )?;
        done.version = recorded;
        let first = self.table.store.log.read_commit_entry(recorded as u64).await?;
        let first = first.map(|bytes| CommitRecord::parse(&bytes)).transpose()?;
        if let Some(request) = first.as_ref().and_then(|record| record.request(app_id)) {
            if request.get("fingerprint").and_then(Value::as_str) != Some(fingerprint) {
                let message =
                    format!("The Idempotency-Key was used for another request, which made version {recorded}");
                return Err(Error::new(ErrorCode::IdempotencyKeyReused, message));
            }
            let operation = request.get("operation").and_then(Value::as_str);
            done.operation = operation.unwrap_or_default().to_owned();
            done.metrics = request.get("metrics").and_then(Value::as_object).cloned();
        }
        if recorded != snapshot.version {
            done.snapshot.version = recorded;
            let time = commit_timestamp(&self.table.store, snapshot.metadata(), recorded).await;
            done.snapshot.snapshot_timestamp = time.ok().map(|time| time.timestamp_millis());
        }
        Ok(done)
    }

    pub fn skipped(&self, snapshot: &TableSnapshot, reason: &str) -> Result<Done> {
        let mut done = self.uncommitted(snapshot)?;
        done.skip_reason = Some(reason.to_owned());
        Ok(done)
    }

    /// The report of an operation that makes no commit.
    pub fn uncommitted(&self, snapshot: &TableSnapshot) -> Result<Done> {
        Ok(Done {
            operation: self.operation.to_owned(),
            version: snapshot.version,
            snapshot: snapshot.info()?,
            metrics: None,
            skip_reason: None,
        })
    }

    async fn conclude(&self, outcome: Outcome, base: Option<&TableSnapshot>) -> Result<Attempt> {
        match outcome {
            Outcome::Committed(committed) => {
                let mut done = self.done(&committed, base).await?;
                self.care(&mut done);
                Ok(Attempt::Done(Box::new(done)))
            }
            Outcome::Repeated { transaction, recorded } => {
                let newest = self.table.snapshot(None).await?;
                let done = self.repeat(&transaction, recorded, &newest).await?;
                Ok(Attempt::Done(Box::new(done)))
            }
            Outcome::Lost { version, .. } if self.context.expected_version.is_some() => Err(self.stale(version)),
            Outcome::Lost { version, operation } => Ok(Attempt::Lost { version, operation }),
        }
    }

    /// Where a commit changes no metadata its table is what its base was: any other commit that does would have won.
    async fn done(&self, committed: &Committed, base: Option<&TableSnapshot>) -> Result<Done> {
        let Committed { version, time, record } = committed;
        let snapshot = match base.filter(|_| !record.effects.changes_table) {
            Some(base) => {
                let time = match time {
                    Some(time) => *time,
                    None => commit_timestamp(&self.table.store, base.metadata(), *version).await?,
                };
                let mut info = base.info()?;
                info.version = *version;
                info.snapshot_timestamp = Some(time.timestamp_millis());
                info
            }
            None => self.table.snapshot_at(*version).await?.info()?,
        };
        Ok(Done {
            operation: record.effects.operation.clone().unwrap_or_default(),
            version: *version,
            snapshot,
            metrics: record.metrics().cloned(),
            skip_reason: None,
        })
    }

    fn conflict(&self, version: i64, operation: Option<String>) -> Error {
        let winner = operation.as_deref().unwrap_or("another commit");
        let message =
            format!("Version {version} ({winner}) came first: read the table again and send the request again");
        let error = Error::new(ErrorCode::TableConflict, message).with("version", version);
        self.table.explain(match operation {
            Some(operation) => error.with("operation", operation),
            None => error,
        })
    }

    fn stale(&self, version: i64) -> Error {
        let expected = self.context.expected_version.unwrap_or_default();
        let message = format!("The table is at version {version}, not {expected} any more");
        self.table
            .explain(Error::new(ErrorCode::PreconditionFailed, message).with("version", version))
    }
}

/// The library doesn't say which constraint rows break: all of the table's are told.
fn with_constraints(error: Error, snapshot: &TableSnapshot) -> Error {
    if error.code != ErrorCode::ConstraintViolated || error.details.contains_key("violations") {
        return error;
    }
    let constraints = snapshot.constraints();
    let listed: Vec<_> = constraints.iter().map(|(name, sql)| format!("{name}: {sql}")).collect();
    let message = format!(
        "Rows would break a constraint, and nothing was written. The table has {}",
        listed.join("; ")
    );
    Error::new(ErrorCode::ConstraintViolated, message).with("constraints", json!(constraints))
}

fn place(engine: &Arc<Engine>, uri: &str, table: &DeltaTableRef) -> Result<Arc<Table>> {
    let options = table.storage_options.clone().unwrap_or_default();
    engine.catalog.place(uri, &options)
}

fn refuse_pin(table: &DeltaTableRef) -> Result<()> {
    if table.version.is_none() && table.timestamp.is_none() {
        return Ok(());
    }
    let message =
        "A table is written at its newest version: leave the pin out, and use If-Match to write to a known one";
    Err(Error::new(ErrorCode::InvalidRequest, message))
}

/// Longer with each attempt, and never the same for two who lost together.
fn wait(attempt: i64) -> Duration {
    let longest = (FIRST_WAIT_MS << attempt.min(10)).min(LONGEST_WAIT_MS);
    Duration::from_millis(Uuid::new_v4().as_u128() as u64 % longest)
}

/// The figures of an operation that commits nothing by itself.
pub fn figures<const N: usize>(figures: [(&str, Value); N]) -> Option<Map<String, Value>> {
    Some(
        figures
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect(),
    )
}

/// A commit that changes nothing but tells what was done.
pub fn note(operation: &str, parameters: Value, metrics: Value) -> CommitRecord {
    let mut record = CommitRecord::default();
    record.effects.operation = Some(operation.to_owned());
    record.info = Map::from_iter([
        ("timestamp".to_owned(), Value::from(Utc::now().timestamp_millis())),
        ("operation".to_owned(), Value::from(operation)),
        ("operationParameters".to_owned(), parameters),
        ("operationMetrics".to_owned(), metrics),
        (
            "engineInfo".to_owned(),
            Value::from(concat!("lakegate:", env!("CARGO_PKG_VERSION"))),
        ),
    ]);
    record
}
