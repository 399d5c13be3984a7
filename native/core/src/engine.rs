//! The engine: what all sessions share.

use std::sync::{Arc, OnceLock};

use datafusion::execution::memory_pool::GreedyMemoryPool;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};

use crate::error::{Error, Result};
use crate::functions::Functions;
use crate::generated::{
    DeltaFeatureGate, DeltaRuntimeEnvOptions, EngineConfig, ErrorCode, FunctionInfo, FunctionPolicy,
    MacroRegistrations, SessionProfile, SessionTerms, TableDescription, TableEntry, TablePin, TableSelection,
    TableSpec, TableWrite, ViewSpec, WriteReport,
};
use crate::operations::import;
use crate::physical::with_all_rules;
use crate::query::{PlanCache, count_tasks};
use crate::resident::{Resident, Running, watch};
use crate::session::{QueryMemory, Session, SessionFactory, disk};
use crate::sql::{Macros, calls_macro};
use crate::storage::{Locations, TableStores};
use crate::table::{Catalog, Freshness, SnapshotCache};
use crate::view::{ViewMemory, Views};

/// Bytes of Parquet footers that are kept for all queries.
const METADATA_CACHE: usize = 64 << 20;

/// One runtime environment (memory, spill, caches), one catalog.
pub struct Engine {
    pub(crate) config: EngineConfig,
    pub(crate) catalog: Catalog,
    pub(crate) runtime: Arc<RuntimeEnv>,
    pub(crate) plans: PlanCache,
    pub(crate) views: Views,
    pub(crate) view_memory: ViewMemory,
    pub(crate) functions: Functions,
    pub(crate) running: Arc<Running>,
    sessions: SessionFactory,
    operations: OnceLock<SessionState>,
}

impl Engine {
    pub fn open(config: EngineConfig) -> Result<Arc<Self>> {
        let locations = Locations::new(&config)?;
        let stores = Arc::new(TableStores::default());
        std::fs::create_dir_all(&config.spill_folder)?;
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(GreedyMemoryPool::new(config.memory_limit_bytes as usize)))
            .with_disk_manager_builder(disk(&config.spill_folder, config.spill_limit_bytes))
            .with_metadata_cache_limit(METADATA_CACHE)
            .with_object_store_registry(stores.clone())
            .build_arc()?;
        let resident = Arc::new(Resident::new(config.resident_limit_bytes as usize));
        let sessions = SessionFactory::new(runtime.clone(), &resident)?;
        let versions = SnapshotCache::new(config.snapshot_cache_bytes as usize);
        let view_memory = ViewMemory::new(config.view_memory_bytes as usize);
        let running = Arc::new(Running::default());
        count_tasks();
        watch(resident, &running)?;
        Ok(Arc::new(Self {
            running,
            config,
            catalog: Catalog::new(locations, stores, versions),
            runtime,
            plans: PlanCache::new(),
            views: Views::default(),
            view_memory,
            functions: Functions::new(sessions.template())?,
            sessions,
            operations: OnceLock::new(),
        }))
    }

    /// A session of `profile`, which is held to `terms`.
    pub fn open_session(
        self: &Arc<Self>,
        profile: SessionProfile,
        gate: Option<DeltaFeatureGate>,
        terms: SessionTerms,
    ) -> Result<Session> {
        self.sessions.open(self.clone(), profile, gate, terms)
    }

    pub async fn attach_table(&self, name: &str, spec: &TableSpec) -> Result<TableDescription> {
        if self.views.get(name).is_some() {
            let message = format!("The name '{name}' belongs to a view: choose another");
            return Err(Error::new(ErrorCode::NameTaken, message));
        }
        let table = self.catalog.attach(name, spec).await?;
        Ok(table.describe(&*table.snapshot(None).await?))
    }

    pub fn detach_table(&self, name: &str) -> bool {
        self.catalog.detach(name)
    }

    /// Deletes a table with its files, where it still is at `version`.
    pub async fn purge_table(&self, name: &str, version: Option<i64>) -> Result<()> {
        self.catalog.purge(name, version).await
    }

    /// Has statements read the view by its name, in place of one before.
    pub fn attach_view(&self, name: &str, spec: ViewSpec) {
        self.views.attach(name, spec);
    }

    pub fn detach_view(&self, name: &str) -> bool {
        self.views.detach(name)
    }

    pub async fn tables(&self) -> Result<Vec<TableEntry>> {
        self.catalog.entries().await
    }

    pub async fn describe_table(&self, name: &str, selection: TableSelection) -> Result<TableDescription> {
        let table = self.catalog.table(name).await?;
        Ok(table.describe(&*table.snapshot(pin(selection).as_ref()).await?))
    }

    /// Whether the tables still are as they were found, as far as that is known without waiting.
    pub fn is_fresh_now(&self, freshness: &Freshness) -> Option<bool> {
        match freshness.has_macros_of(&self.functions.macros()) {
            true => freshness.now(&self.catalog, &self.views),
            false => Some(false),
        }
    }

    pub async fn is_fresh(&self, freshness: &Freshness) -> Result<bool> {
        let has_macros = freshness.has_macros_of(&self.functions.macros());
        Ok(has_macros && freshness.check(&self.catalog, &self.views).await?)
    }

    /// The macros that SQL may call; where functions are strict each call is refused.
    pub(crate) fn macros(&self, policy: FunctionPolicy) -> Macros {
        let macros = self.functions.macros();
        match policy {
            FunctionPolicy::Open => macros,
            FunctionPolicy::Strict => macros.refused(),
        }
    }

    /// The functions that are built in, by name.
    pub fn built_in_functions(&self) -> &[FunctionInfo] {
        self.functions.built_in()
    }

    /// Adds macros, which may call one another, or none where one can't be; answers what they are.
    pub fn define_macros(&self, added: MacroRegistrations) -> Result<Vec<FunctionInfo>> {
        self.functions.define(added.macros, &self.config.limits)
    }

    /// Whether SQL, a statement or an expression, calls a macro.
    pub fn calls_macro(&self, sql: &str, name: &str) -> bool {
        calls_macro(sql, name, &self.config.limits)
    }

    /// Forgets a macro that no other calls.
    pub fn drop_macro(&self, name: &str) -> Result<()> {
        self.functions.drop_macro(name)
    }

    /// The settings and functions that all operations have.
    pub(crate) fn operation_settings(self: &Arc<Self>) -> Result<&SessionState> {
        if let Some(settings) = self.operations.get() {
            return Ok(settings);
        }
        let session = self.open_session(SessionProfile::default(), None, SessionTerms::default())?;
        Ok(self.operations.get_or_init(|| with_all_rules(session.state().clone())))
    }

    /// The state that an operation of the Delta library runs with, which has a share of the memory for itself.
    pub(crate) fn operation_session(self: &Arc<Self>, options: &DeltaRuntimeEnvOptions) -> Result<SessionState> {
        let settings = self.operation_settings()?.clone();
        let runtime = QueryMemory::of_operation(options).runtime(self)?;
        let state = SessionStateBuilder::new_from_existing(settings);
        Ok(state.with_runtime_env(runtime).build())
    }

    pub async fn write_table(self: &Arc<Self>, write: TableWrite) -> Result<WriteReport> {
        import(self, write).await
    }
}

/// The pin of a selection; none selects the newest version.
pub fn pin(TableSelection { version, timestamp }: TableSelection) -> Option<TablePin> {
    (version.is_some() || timestamp.is_some()).then_some(TablePin { version, timestamp })
}
