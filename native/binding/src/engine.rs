//! The engine as JavaScript sees it.

use std::sync::Arc;

use lakegate_core as core;
use lakegate_core::generated::{TableSelection, TableSpec, TableWrite};
use napi::Env;
use napi::bindgen_prelude::{Buffer, BufferSlice, Either, Null, PromiseRaw, within_runtime_if_available};
use napi_derive::napi;

use crate::fault::{Fault, Outcome, guarded, outcome};
use crate::ingest::Ingest;
use crate::operation::decode_operation;
use crate::payload::{decode, encode};
use crate::session::Session;

#[napi]
pub struct Engine {
    pub(crate) inner: Arc<core::Engine>,
}

#[napi]
impl Engine {
    /// Opens an engine. `config` is an EngineConfig.
    #[napi]
    pub fn open(config: Buffer) -> Outcome<Engine> {
        guarded(|| {
            let inner = core::Engine::open(decode(&config)?)?;
            Ok(Self { inner })
        })
    }

    /// Opens a session. `profile` is a SessionProfile; what it leaves open the engine fills in. `gate` is a
    /// DeltaFeatureGate for every table that is read in it; `terms` are the SessionTerms that it is held to.
    #[napi]
    pub fn open_session(&self, profile: Buffer, gate: Option<Buffer>, terms: Option<Buffer>) -> Outcome<Session> {
        guarded(|| {
            let gate = gate.map(|gate| decode(&gate)).transpose()?;
            let terms = terms.map(|terms| decode(&terms)).transpose()?.unwrap_or_default();
            Ok(Session::new(self.inner.open_session(decode(&profile)?, gate, terms)?))
        })
    }

    /// Serves the table of a TableSpec as `name`; answers its TableDescription.
    #[napi]
    pub async fn attach_table(&self, name: String, spec: Buffer) -> Outcome<Buffer> {
        outcome(attach(&self.inner, &name, &spec).await)
    }

    /// Stops serving a registered table; whether there was one.
    #[napi]
    pub fn detach_table(&self, name: String) -> bool {
        self.inner.detach_table(&name)
    }

    /// Deletes a table with its files, where it still is at `version`.
    #[napi]
    pub async fn purge_table(&self, name: String, version: Option<i64>) -> Either<Null, Fault> {
        match self.inner.purge_table(&name, version).await {
            Ok(()) => Either::A(Null),
            Err(error) => Either::B(error.into()),
        }
    }

    /// Has statements read the view of a ViewSpec by `name`, in place of one before.
    #[napi]
    pub fn attach_view(&self, name: String, spec: Buffer) -> Outcome<bool> {
        guarded(|| {
            self.inner.attach_view(&name, decode(&spec)?);
            Ok(true)
        })
    }

    /// Whether there was one.
    #[napi]
    pub fn detach_view(&self, name: String) -> bool {
        self.inner.detach_view(&name)
    }

    /// Every served table, as TableEntry[] sorted by name.
    #[napi]
    pub async fn tables(&self) -> Outcome<Buffer> {
        outcome(self.inner.tables().await.and_then(|tables| encode(&tables)))
    }

    /// The TableDescription of a table at a TableSelection.
    #[napi]
    pub async fn describe_table(&self, name: String, selection: Buffer) -> Outcome<Buffer> {
        outcome(describe(&self.inner, &name, &selection).await)
    }

    /// Runs a table operation by its name and request, in an OperationContext; answers its report.
    #[napi]
    pub async fn operate(&self, operation: String, request: Buffer, context: Buffer) -> Outcome<Buffer> {
        outcome(operate(&self.inner, &operation, &request, &context).await)
    }

    /// Runs a table operation whose rows are there in `format`, in pieces; answers its report.
    ///
    /// Bytes are copied: to hold JavaScript's until the end costs it more.
    #[napi]
    pub fn operate_rows<'env>(
        &self,
        env: &'env Env,
        operation: String,
        request: BufferSlice,
        context: BufferSlice,
        format: String,
        rows: Vec<BufferSlice>,
    ) -> napi::Result<PromiseRaw<'env, Outcome<Buffer>>> {
        let body = core::whole_body(rows.iter().map(|piece| &**piece).collect::<Vec<_>>().concat().into());
        let (request, context, engine) = (request.to_vec(), context.to_vec(), self.inner.clone());
        let work = async move {
            let operation = decode_operation(&operation, &request)?;
            let rows = (body, format.parse()?);
            encode(&core::operate(&engine, operation, decode(&context)?, Some(rows)).await?)
        };
        env.spawn_future(async move { Ok(outcome(work.await)) })
    }

    /// Starts a table operation whose rows follow in `format`.
    #[napi]
    pub fn ingest(&self, operation: String, request: Buffer, context: Buffer, format: String) -> Outcome<Ingest> {
        guarded(|| {
            let operation = decode_operation(&operation, &request)?;
            let (engine, context, format) = (self.inner.clone(), decode(&context)?, format.parse()?);
            let start = || core::Ingest::start(engine, operation, context, format);
            Ok(Ingest::new(within_runtime_if_available(start)))
        })
    }

    /// Commits a TableWrite; answers its WriteReport.
    #[napi]
    pub async fn write_table(&self, request: Buffer) -> Outcome<Buffer> {
        outcome(write(&self.inner, &request).await)
    }
}

async fn attach(engine: &core::Engine, name: &str, spec: &[u8]) -> core::Result<Buffer> {
    let spec: TableSpec = decode(spec)?;
    encode(&engine.attach_table(name, &spec).await?)
}

async fn describe(engine: &core::Engine, name: &str, selection: &[u8]) -> core::Result<Buffer> {
    let selection: TableSelection = decode(selection)?;
    encode(&engine.describe_table(name, selection).await?)
}

async fn operate(engine: &Arc<core::Engine>, operation: &str, request: &[u8], context: &[u8]) -> core::Result<Buffer> {
    let operation = decode_operation(operation, request)?;
    encode(&core::operate(engine, operation, decode(context)?, None).await?)
}

async fn write(engine: &Arc<core::Engine>, request: &[u8]) -> core::Result<Buffer> {
    let request: TableWrite = decode(request)?;
    encode(&engine.write_table(request).await?)
}
