//! A table at one version, ready to be planned over.

use std::sync::{Arc, Mutex, OnceLock};

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
const FILE: usize = 512;
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
    /// What reads the rows where our own scan can't tell how to; some features leave only metadata to be read.
    library: Result<Arc<DeltaScanNext>>,
    scan: OnceLock<Result<Option<TableScan>>>,
    /// The scan of a version before, of which the one of this is made.
    before: Mutex<Option<TableScan>>,
    /// Plans find the store through it: it lives as long as any of them.
    pub store: Arc<TableStore>,
}

impl TableSnapshot {
    /// `known`: a commit of the table, whose time tells that of the next one; `before`: the scan of another version.
    pub async fn new(
        table: DeltaTable,
        store: Arc<TableStore>,
        known: Option<Commit>,
        before: Option<TableScan>,
    ) -> Result<Self> {
        let state = table.snapshot()?.snapshot().clone();
        let version = state.version() as i64;
        let timestamp = match known {
            Some((known, timestamp)) if known == version => timestamp,
            Some((known, timestamp)) if known + 1 == version => {
                next_commit_timestamp(&store, &state, (known, timestamp)).await?
            }
            _ => commit_timestamp(&store, &state, version).await?,
        };
        let library = library(&state, &ScanSettings::default());
        let commit = commit_meta(&store, version).await?;
        Ok(Self {
            version,
            timestamp,
            table,
            state,
            commit,
            library,
            scan: OnceLock::new(),
            before: Mutex::new(before),
            store,
        })
    }

    pub fn require_readable(&self) -> Result<()> {
        self.library.clone().map(drop)
    }

    /// What scans the table.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let library = self.library.clone()?;
        Ok(match self.scan(&library)? {
            Some(scan) => Arc::new(scan),
            None => library,
        })
    }

    /// What scans the table as a session wants it.
    pub fn provider_for(&self, settings: &ScanSettings) -> Result<Arc<dyn TableProvider>> {
        if scans_by_default(settings) {
            return self.provider();
        }
        let library = library(&self.state, settings)?;
        let scan = match settings.wrap_partition_values {
            Some(true) => TableScan::new(&self.state, library.schema(), self.store.clone(), None)?,
            _ => self.scan(&library)?,
        };
        Ok(match scan {
            Some(scan) => Arc::new(scan.filtering_rows(settings.parquet_pushdown.unwrap_or(false))),
            None => library,
        })
    }

    /// What is known for scans already, of this version or one before.
    pub fn known_scan(&self) -> Option<TableScan> {
        match self.scan.get() {
            Some(scan) => scan.clone().ok().flatten(),
            None => self.before.lock().expect("no holder panics").clone(),
        }
    }

    /// Made when it is first asked for: writes need none.
    fn scan(&self, library: &DeltaScanNext) -> Result<Option<TableScan>> {
        let scan = self.scan.get_or_init(|| {
            let before = self.before.lock().expect("no holder panics").take();
            Ok(TableScan::new(
                &self.state,
                library.schema(),
                self.store.clone(),
                before.as_ref(),
            )?)
        });
        scan.clone()
    }

    /// The memory that it takes: mostly that of its file list, whose statistics are held as text and as
    /// columns, by the library and for scans.
    pub fn estimated_bytes(&self) -> usize {
        let log = self.state.log_data();
        let files = log.num_files();
        let sampled = log.iter().step_by(files.div_ceil(SAMPLE).max(1));
        let (count, bytes) = sampled.fold((0, 0), |(count, bytes), file| {
            let texts = 2 * file.path().len() + 3 * file.stats().map_or(0, |stats| stats.len());
            (count + 1, bytes + FILE + texts)
        });
        let schema = self.state.arrow_schema();
        let columns: usize = schema.fields().iter().map(|field| field.size()).sum();
        size_of::<Self>() + SCHEMAS * columns + bytes * files / count.max(1)
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

fn library(state: &EagerSnapshot, settings: &ScanSettings) -> Result<Arc<DeltaScanNext>> {
    require_readable(&protocol(state))?;
    Ok(Arc::new(DeltaScanNext::new(
        Arc::new(state.clone()),
        scan_config(settings),
    )?))
}

pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
