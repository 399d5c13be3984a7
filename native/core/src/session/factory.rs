//! Makes sessions of profiles, in one order, and nothing else does: Delta's defaults, the catalog, execution, the SQL
//! policy, overrides, features and joins, where later ones win; then memory, and what is the engine's own.

use std::sync::Arc;

use datafusion::execution::runtime_env::RuntimeEnv;
use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::prelude::SessionConfig;
use deltalake_core::delta_datafusion::DeltaSessionConfig;
use deltalake_core::delta_datafusion::planner::DeltaPlanner;

use super::runtime::QueryMemory;
use super::{Session, Visible, catalog, effective, execution, features, joins, overrides, sql, terms};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::functions::install;
use crate::generated::{DeltaFeatureGate, SessionProfile, SessionTerms};
use crate::physical::rules_of_all_runs;
use crate::resident::Resident;

/// A join's smaller side, up to this, is read once for all cores instead of both sides being dealt out among them
/// (`npm run bench -- f1`: 9 % of the CPU).
const SHARED_BUILD_BYTES: usize = 32 << 20;
const SHARED_BUILD_ROWS: usize = 1_000_000;

/// Keys of a join that take this part of the numbers between the first and the last are looked up by place, not by hash: a
/// filtered table of orders, too. A key takes up to 133 bytes then, which are the query's.
const DENSE_KEYS: &str = "0.03";

pub struct SessionFactory {
    /// Functions, rules and planners are the same in every session: making them takes longer than all the rest.
    template: SessionState,
}

impl SessionFactory {
    pub fn new(runtime: Arc<RuntimeEnv>, resident: &Arc<Resident>) -> Result<Self> {
        let mut template = SessionStateBuilder::new()
            .with_default_features()
            .with_config(defaults())
            .with_runtime_env(runtime)
            .with_query_planner(DeltaPlanner::new())
            .with_physical_optimizer_rules(rules_of_all_runs())
            .build();
        install(&mut template, resident)?;
        Ok(Self { template })
    }

    /// A state over the local file system: only the demo and the benchmarks write from files.
    pub fn over_local_files() -> SessionState {
        SessionStateBuilder::new()
            .with_default_features()
            .with_config(DeltaSessionConfig::default().into())
            .with_query_planner(DeltaPlanner::new())
            .build()
    }

    pub fn template(&self) -> &SessionState {
        &self.template
    }

    /// Fills in what `profile` leaves open from the engine's configuration.
    pub fn open(
        &self,
        engine: Arc<Engine>,
        mut profile: SessionProfile,
        gate: Option<DeltaFeatureGate>,
        held_to: SessionTerms,
    ) -> Result<Session> {
        if profile.base.is_some() {
            return Err(Error::internal("a profile still names its base"));
        }
        let mut config = defaults();
        catalog::apply(&mut config, &profile.catalog);
        execution::apply(&mut config, &profile.execution)?;
        let mut limits = sql::limits(&profile.sql, &engine.config.limits)?;
        terms::hold(&mut profile, &mut limits, &held_to);
        let telling = overrides::apply(&mut config, &profile.overrides)?;
        features::apply(&mut config, &profile.features)?;
        joins::apply(&mut config, &profile.joins);
        let profile = effective::filled(profile, config.options(), &limits, &engine.config)?;
        let memory = QueryMemory::of(&profile.memory);
        let state = SessionStateBuilder::new_from_existing(self.template.clone())
            .with_config(config)
            .build();
        Ok(Session {
            engine,
            gates: gate.into_iter().chain(profile.delta.gate.clone()).collect(),
            profile,
            limits,
            visible: Visible::new(held_to.visible.as_deref())?,
            terms: held_to,
            memory,
            telling,
            state,
        })
    }
}

fn defaults() -> SessionConfig {
    SessionConfig::from(DeltaSessionConfig::default())
        .with_default_catalog_and_schema("lakegate", "public")
        .with_create_default_catalog_and_schema(false)
        .set_bool("datafusion.sql_parser.collect_spans", true)
        .set_usize(
            "datafusion.optimizer.hash_join_single_partition_threshold",
            SHARED_BUILD_BYTES,
        )
        .set_usize(
            "datafusion.optimizer.hash_join_single_partition_threshold_rows",
            SHARED_BUILD_ROWS,
        )
        .set_str("datafusion.execution.perfect_hash_join_min_key_density", DENSE_KEYS)
        // A scan of few rows isn't dealt out among the cores.
        .set_bool(
            "datafusion.execution.use_row_number_estimates_to_optimize_partitioning",
            true,
        )
}
