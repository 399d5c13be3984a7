//! Whether a session's support covers the tables that it reads.

use serde_json::json;

use super::Session;
use crate::error::{Error, Result};
use crate::gate::protocol_compatibility;
use crate::generated::{DeltaFeatureGate, ErrorCode, ProtocolMode};
use crate::table::{Table, TableSnapshot};

impl Session {
    /// Refuses a table that doesn't pass its gates, can't be read, or isn't covered where that is an error.
    pub(crate) fn require_readable(
        &self,
        table: &Table,
        snapshot: &TableSnapshot,
        gates: &[&DeltaFeatureGate],
    ) -> Result<()> {
        table.require_readable(snapshot, gates)?;
        match self.profile.delta.protocol_mode.unwrap_or(ProtocolMode::Error) {
            ProtocolMode::Error => self.require_covered(snapshot).map_err(|error| table.explain(error)),
            ProtocolMode::Warn | ProtocolMode::Ignore => Ok(()),
        }
    }

    /// What is to be said of a table that is read though it isn't covered.
    pub(crate) fn protocol_warning(&self, name: &str, snapshot: &TableSnapshot) -> Option<String> {
        let warns = self.profile.delta.protocol_mode == Some(ProtocolMode::Warn);
        let error = self.require_covered(snapshot).err().filter(|_| warns)?;
        Some(format!("Table '{name}': {}", error.message))
    }

    fn require_covered(&self, snapshot: &TableSnapshot) -> Result<()> {
        let Some(support) = &self.profile.delta.support else {
            return Ok(());
        };
        let compatibility = protocol_compatibility(&snapshot.protocol(), support);
        if compatibility.compatible != Some(false) {
            return Ok(());
        }
        let reason = compatibility.reason.clone().unwrap_or_default();
        let message = format!("The support of the session doesn't cover its protocol ({reason})");
        Err(Error::new(ErrorCode::TableUnsupported, message).with("compatibility", json!(compatibility)))
    }
}
