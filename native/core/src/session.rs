//! A session: settings that queries run with.

use std::num::NonZeroUsize;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::timezone::Tz;
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use deltalake_core::delta_datafusion::DeltaSessionConfig;
use deltalake_core::delta_datafusion::planner::DeltaPlanner;

use crate::cooperative::CooperativeJoins;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::functions::install;
use crate::generated::{DeltaFeatureGate, EngineLimits, ErrorCode, SessionProfile};
use crate::memory::QueryPool;

pub struct Session {
    pub(crate) engine: Arc<Engine>,
    profile: SessionProfile,
    /// What the protocol of every table that is read must be at least.
    gate: Option<DeltaFeatureGate>,
    state: SessionState,
}

impl Session {
    /// Fills in what `profile` leaves open from the engine's configuration.
    pub(crate) fn open(engine: Arc<Engine>, profile: SessionProfile, gate: Option<DeltaFeatureGate>) -> Result<Self> {
        let profile = effective(profile, &engine)?;
        let mut state = SessionStateBuilder::new()
            .with_default_features()
            .with_config(config(&profile))
            .with_runtime_env(engine.runtime.clone())
            .with_query_planner(DeltaPlanner::new())
            .with_physical_optimizer_rule(Arc::new(CooperativeJoins))
            .build();
        install(&mut state)?;
        Ok(Self {
            engine,
            profile,
            gate,
            state,
        })
    }

    pub fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub fn effective_profile(&self) -> &SessionProfile {
        &self.profile
    }

    pub(crate) fn gate(&self) -> Option<&DeltaFeatureGate> {
        self.gate.as_ref()
    }

    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// The shared runtime with a share of its memory for one query or operation.
    pub(crate) fn own_runtime(&self) -> Result<Arc<RuntimeEnv>> {
        own_runtime(&self.engine.runtime, self.memory_limit())
    }

    pub(crate) fn limits(&self) -> &EngineLimits {
        &self.engine.config.limits
    }

    pub(crate) fn memory_limit(&self) -> usize {
        let shared = self.engine.config.memory_limit_bytes;
        self.profile.memory.limit_bytes.unwrap_or(shared) as usize
    }
}

pub(crate) fn own_runtime(shared: &RuntimeEnv, memory: usize) -> Result<Arc<RuntimeEnv>> {
    let pool = QueryPool::new(shared.memory_pool.clone(), memory);
    Ok(RuntimeEnvBuilder::from_runtime_env(shared)
        .with_memory_pool(Arc::new(pool))
        .build_arc()?)
}

fn effective(mut profile: SessionProfile, engine: &Engine) -> Result<SessionProfile> {
    let shared = &engine.config;
    let cores = std::thread::available_parallelism().map_or(2, NonZeroUsize::get) as i32;
    let execution = &mut profile.execution;
    execution.target_partitions.get_or_insert(cores);
    execution.batch_size.get_or_insert(8192);
    let zone = execution.time_zone.get_or_insert_with(|| "+00:00".to_owned());
    if Tz::from_str(zone).is_err() {
        let message = format!(
            "There is no time zone '{zone}': use an IANA name such as Europe/Paris, or an offset such as +02:00"
        );
        return Err(Error::new(ErrorCode::InvalidRequest, message).with("setting", "execution.time_zone"));
    }
    let memory = profile.memory.limit_bytes.get_or_insert(shared.memory_limit_bytes);
    bounded("memory.limit_bytes", *memory, shared.memory_limit_bytes)?;
    let timeout = profile.defaults.timeout_ms.get_or_insert(shared.limits.timeout_ms);
    bounded("defaults.timeout_ms", *timeout, shared.limits.timeout_ms)?;
    Ok(profile)
}

/// Refuses a value above the server's own limit.
pub(crate) fn bounded(setting: &str, value: i64, maximum: i64) -> Result<()> {
    if value <= maximum {
        return Ok(());
    }
    let message = format!("{setting} may be {maximum} at most on this server");
    Err(Error::new(ErrorCode::InvalidRequest, message)
        .with("setting", setting)
        .with("maximum", maximum))
}

fn config(profile: &SessionProfile) -> SessionConfig {
    let execution = &profile.execution;
    let mut config = SessionConfig::from(DeltaSessionConfig::default())
        .with_default_catalog_and_schema("lakegate", "public")
        .with_create_default_catalog_and_schema(false)
        .with_information_schema(true)
        .set_bool("datafusion.sql_parser.collect_spans", true)
        .set_str(
            "datafusion.execution.time_zone",
            execution.time_zone.as_deref().unwrap_or("+00:00"),
        );
    if let Some(partitions) = execution.target_partitions {
        config = config.with_target_partitions(partitions as usize);
    }
    if let Some(rows) = execution.batch_size {
        config = config.with_batch_size(rows as usize);
    }
    config
}
