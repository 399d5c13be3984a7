//! A session: settings that queries run with.

mod catalog;
mod effective;
mod execution;
mod factory;
mod features;
mod joins;
mod overrides;
mod protocol;
mod runtime;
mod scan;
mod setting;
mod sql;
mod terms;
mod visible;

use std::collections::BTreeMap;
use std::sync::Arc;

use datafusion::execution::SessionState;
use datafusion::execution::runtime_env::RuntimeEnv;

pub use self::factory::SessionFactory;
pub use self::runtime::{QueryMemory, disk};
pub use self::scan::{scan_config, scans_by_default};
pub use self::setting::bounded;
pub use self::terms::least;
pub use self::visible::Visible;
use crate::engine::Engine;
use crate::error::Result;
use crate::generated::{
    DeltaFeatureGate, EngineLimits, FunctionPolicy, ScanSettings, SchemaValidation, SessionProfile, SessionTerms,
};
use crate::sql::{Macros, Statement};

pub struct Session {
    pub(crate) engine: Arc<Engine>,
    /// Every value filled in.
    profile: SessionProfile,
    /// What the protocol of every table that is read must be at least.
    gates: Vec<DeltaFeatureGate>,
    limits: EngineLimits,
    /// What queries are held to, whatever they ask for.
    terms: SessionTerms,
    visible: Visible,
    memory: QueryMemory,
    /// Settings of DataFusion that change results.
    telling: BTreeMap<String, String>,
    state: SessionState,
}

impl Session {
    pub fn engine(&self) -> Arc<Engine> {
        self.engine.clone()
    }

    pub fn effective_profile(&self) -> &SessionProfile {
        &self.profile
    }

    /// What becomes of schemas and rows that break a contract.
    pub fn schema_validation(&self) -> SchemaValidation {
        self.profile.schema_validation.unwrap_or(SchemaValidation::Enforce)
    }

    pub(crate) fn gates(&self) -> &[DeltaFeatureGate] {
        &self.gates
    }

    pub(crate) fn state(&self) -> &SessionState {
        &self.state
    }

    /// The macros that its SQL may call.
    pub(crate) fn macros(&self) -> Macros {
        self.engine
            .macros(self.profile.functions.policy.unwrap_or(FunctionPolicy::Open))
    }

    /// A statement that it lets in, with its macros written out.
    pub(crate) fn statement(&self, sql: &str) -> Result<Arc<Statement>> {
        self.engine.plans.statement(sql, &self.macros(), &self.limits)
    }

    /// The same, where it was parsed before.
    pub(crate) fn known_statement(&self, sql: &str) -> Option<Arc<Statement>> {
        self.engine.plans.known_statement(sql, &self.macros(), &self.limits)
    }

    pub(crate) fn scan(&self) -> &ScanSettings {
        &self.profile.delta.scan
    }

    /// Settings besides those of the profile's own groups that change results.
    pub(crate) fn telling_settings(&self) -> &BTreeMap<String, String> {
        &self.telling
    }

    /// The shared runtime with a share of its memory for one query or operation.
    pub(crate) fn own_runtime(&self) -> Result<Arc<RuntimeEnv>> {
        self.memory.runtime(&self.engine)
    }

    pub(crate) fn terms(&self) -> &SessionTerms {
        &self.terms
    }

    /// The relations that its statements may name.
    pub(crate) fn visible(&self) -> &Visible {
        &self.visible
    }

    pub(crate) fn limits(&self) -> &EngineLimits {
        &self.limits
    }
}
