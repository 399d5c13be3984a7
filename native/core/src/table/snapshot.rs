//! A table at one version, ready to be planned over.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::catalog::TableProvider;
use deltalake_core::DeltaTable;
use deltalake_core::delta_datafusion::{DeltaScanConfig, DeltaScanNext};
use deltalake_core::kernel::EagerSnapshot;
use object_store::ObjectMeta;

use super::snapshot_info::protocol;
use super::time_travel::{commit_meta, commit_timestamp, next_commit_timestamp};
use crate::error::Result;
use crate::gate::require_readable;
use crate::generated::TableVersion;
use crate::storage::TableStore;

/// Holds the file list of its version, so that queries share it and never replay the log for it.
pub struct TableSnapshot {
    pub version: i64,
    pub timestamp: DateTime<Utc>,
    pub state: EagerSnapshot,
    /// The file of its commit; none where it was cleaned up.
    pub commit: Option<ObjectMeta>,
    provider: Result<Arc<dyn TableProvider>>,
    /// Plans find the store through it: it lives as long as any of them.
    pub store: Arc<TableStore>,
}

impl TableSnapshot {
    /// `known`: another version of the table, whose time tells that of the next one.
    pub async fn new(table: &DeltaTable, store: Arc<TableStore>, known: Option<&Self>) -> Result<Self> {
        let state = table.snapshot()?.snapshot().clone();
        let version = state.version() as i64;
        let timestamp = match known {
            Some(known) if known.version + 1 == version => {
                next_commit_timestamp(&store, &state, (known.version, known.timestamp)).await?
            }
            _ => commit_timestamp(&store, &state, version).await?,
        };
        let provider = provider(&state);
        let commit = commit_meta(&store, version).await?;
        Ok(Self {
            version,
            timestamp,
            state,
            commit,
            provider,
            store,
        })
    }

    /// What scans the table; some features leave only its metadata to be read.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        self.provider.clone()
    }

    pub fn table_version(&self, name: &str) -> TableVersion {
        TableVersion {
            name: name.to_owned(),
            version: self.version,
            timestamp: rfc3339(self.timestamp),
            uri: self.store.location.uri(),
        }
    }
}

fn provider(state: &EagerSnapshot) -> Result<Arc<dyn TableProvider>> {
    require_readable(&protocol(state))?;
    Ok(Arc::new(DeltaScanNext::new(Arc::new(state.clone()), scan_config())?))
}

pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}

/// Filters prune files, row groups and pages but run above the scan: pushed into it they cost 1.35 times the CPU on
/// TPC-H (`npm run bench -- f1`).
fn scan_config() -> DeltaScanConfig {
    DeltaScanConfig::new()
        .with_wrap_partition_values(false)
        .with_parquet_pushdown(false)
}
