//! A table at one version, ready to be planned over.

use std::sync::Arc;

use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::catalog::TableProvider;
use deltalake_core::DeltaTable;
use deltalake_core::delta_datafusion::DeltaScanNext;
use deltalake_core::kernel::EagerSnapshot;
use object_store::ObjectMeta;

use super::snapshot_info::protocol;
use super::time_travel::{commit_meta, commit_timestamp, next_commit_timestamp};
use crate::error::Result;
use crate::gate::require_readable;
use crate::generated::{ScanSettings, TableVersion};
use crate::scan::TableScan;
use crate::session::{scan_config, scans_by_default};
use crate::storage::TableStore;

/// A version, and when it was committed.
pub type Commit = (i64, DateTime<Utc>);

/// Files whose size in memory is taken for that of the others.
const SAMPLE: usize = 256;
/// What a file takes besides the texts of its path and statistics.
const FILE: usize = 256;
/// How often the columns are held, by the library's and by Arrow's schemas of the table and of its files.
const SCHEMAS: usize = 8;

/// Holds the file list of its version, so that queries share it and never replay the log for it.
pub struct TableSnapshot {
    pub version: i64,
    pub timestamp: DateTime<Utc>,
    /// As the library's operations take it.
    pub table: DeltaTable,
    pub state: EagerSnapshot,
    /// The file of its commit; none where it was cleaned up.
    pub commit: Option<ObjectMeta>,
    provider: Result<Provider>,
    /// Plans find the store through it: it lives as long as any of them.
    pub store: Arc<TableStore>,
}

impl TableSnapshot {
    /// `known`: a commit of the table, whose time tells that of the next one.
    pub async fn new(table: DeltaTable, store: Arc<TableStore>, known: Option<Commit>) -> Result<Self> {
        let state = table.snapshot()?.snapshot().clone();
        let version = state.version() as i64;
        let timestamp = match known {
            Some((known, timestamp)) if known == version => timestamp,
            Some((known, timestamp)) if known + 1 == version => {
                next_commit_timestamp(&store, &state, (known, timestamp)).await?
            }
            _ => commit_timestamp(&store, &state, version).await?,
        };
        let provider = provider(&state, &ScanSettings::default(), &store);
        let commit = commit_meta(&store, version).await?;
        Ok(Self {
            version,
            timestamp,
            table,
            state,
            commit,
            provider,
            store,
        })
    }

    /// What scans the table; some features leave only its metadata to be read.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        self.provider.clone().map(Provider::into_inner)
    }

    /// What scans the table as a session wants it.
    pub fn provider_for(&self, settings: &ScanSettings) -> Result<Arc<dyn TableProvider>> {
        match scans_by_default(settings) {
            true => self.provider(),
            false => provider(&self.state, settings, &self.store).map(Provider::into_inner),
        }
    }

    /// The memory that it takes: mostly that of its file list, whose statistics are held as text and as columns.
    pub fn estimated_bytes(&self) -> usize {
        let log = self.state.log_data();
        let files = log.num_files();
        let sampled = log.iter().step_by(files.div_ceil(SAMPLE).max(1));
        let (count, bytes) = sampled.fold((0, 0), |(count, bytes), file| {
            let texts = file.path().len() + 2 * file.stats().map_or(0, |stats| stats.len());
            (count + 1, bytes + FILE + texts)
        });
        let schema = self.state.arrow_schema();
        let columns: usize = schema.fields().iter().map(|field| field.size()).sum();
        let scan = match &self.provider {
            Ok(Provider::Own(scan)) => scan.memory_size(),
            _ => 0,
        };
        size_of::<Self>() + SCHEMAS * columns + bytes * files / count.max(1) + scan
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

/// What reads the rows: the library where the table has files that our own scan can't tell how to read.
#[derive(Clone)]
enum Provider {
    Own(Arc<TableScan>),
    Library(Arc<DeltaScanNext>),
}

impl Provider {
    fn into_inner(self) -> Arc<dyn TableProvider> {
        match self {
            Self::Own(scan) => scan,
            Self::Library(scan) => scan,
        }
    }
}

fn provider(state: &EagerSnapshot, settings: &ScanSettings, store: &Arc<TableStore>) -> Result<Provider> {
    require_readable(&protocol(state))?;
    let library = DeltaScanNext::new(Arc::new(state.clone()), scan_config(settings))?;
    let filters_rows = settings.parquet_pushdown.unwrap_or(false);
    let own = TableScan::new(state, library.schema(), store.clone(), filters_rows)?;
    Ok(match own {
        Some(scan) => Provider::Own(Arc::new(scan)),
        None => Provider::Library(Arc::new(library)),
    })
}

pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
