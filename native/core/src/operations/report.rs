//! What an operation answers.

use std::collections::BTreeMap;

use serde::Serialize;
use serde_json::{Map, Value};

use crate::generated::{
    ContractBreach, DeltaDataCheckReport, DeltaMaintenanceReport, DeltaMutationReport, DeltaSnapshotInfo, IncomingRows,
    ParameterArtifact,
};

#[derive(Debug, Serialize)]
#[serde(untagged)]
pub enum Report {
    Mutation(DeltaMutationReport),
    Maintenance(DeltaMaintenanceReport),
    DataCheck(DeltaDataCheckReport),
    Parameters(ParameterArtifact),
    Incoming(IncomingRows),
}

/// What an operation did.
#[derive(Debug)]
pub struct Done {
    pub operation: String,
    pub version: i64,
    pub snapshot: DeltaSnapshotInfo,
    pub metrics: Option<Map<String, Value>>,
    /// Why nothing was written; absent where something was.
    pub skip_reason: Option<String>,
}

impl Done {
    pub fn mutation(self) -> Report {
        self.mutation_with(Vec::new())
    }

    /// The report of what was written, though it breaks contracts.
    pub fn mutation_with(self, warnings: Vec<ContractBreach>) -> Report {
        Report::Mutation(DeltaMutationReport {
            operation: self.operation,
            version: self.version,
            snapshot: self.snapshot,
            metrics: self.metrics.map(BTreeMap::from_iter),
            skipped: self.skip_reason.is_some(),
            skip_reason: self.skip_reason,
            warnings,
        })
    }

    pub fn maintenance(self) -> Report {
        self.maintenance_with(Vec::new())
    }

    /// The report of what was changed, though it breaks contracts.
    pub fn maintenance_with(self, warnings: Vec<ContractBreach>) -> Report {
        Report::Maintenance(DeltaMaintenanceReport {
            operation: self.operation,
            version: self.version,
            snapshot: self.snapshot,
            metrics: self.metrics.map(BTreeMap::from_iter),
            skipped: self.skip_reason.is_some(),
            skip_reason: self.skip_reason,
            warnings,
        })
    }
}
