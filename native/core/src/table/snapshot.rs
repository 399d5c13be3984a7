//! A table at one version, ready to be planned over.

use std::sync::{Arc, Mutex, OnceLock};

use arrow::datatypes::SchemaRef;
use bytes::Bytes;
use chrono::{DateTime, SecondsFormat, Utc};
use datafusion::catalog::TableProvider;
use delta_kernel::schema::SchemaRef as DeltaSchemaRef;
use deltalake_core::DeltaTable;
use deltalake_core::delta_datafusion::DeltaScanNext;
use deltalake_core::kernel::{EagerSnapshot, Metadata};
use deltalake_core::writer::RecordBatchWriter;
use object_store::ObjectMeta;
use tokio::sync::OnceCell;

use super::commit_look::CommitLook;
use super::library::{opened, updated};
use super::snapshot_info::protocol;
use super::time_travel::{commit_meta, commit_timestamp, next_commit_timestamp};
use crate::error::{Error, Result};
use crate::gate::require_readable;
use crate::generated::{DeltaProtocolSnapshot, ErrorCode, ScanSettings, TableVersion};
use crate::scan::{LoggedFile, TableScan};
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
///
/// A version that came by commits which changed nothing but files is not read by the library: all but these is in what
/// the library read of a version before.
pub struct TableSnapshot {
    pub version: i64,
    pub timestamp: DateTime<Utc>,
    /// The file of its commit; none where it was cleaned up.
    pub commit: Option<ObjectMeta>,
    /// Plans find the store through it: it lives as long as any of them.
    pub store: Arc<TableStore>,
    /// As the library read it, at this version or one before it with the same metadata and protocol.
    base: DeltaTable,
    state: EagerSnapshot,
    /// As the library reads it at this version, when an operation needs that and `base` isn't at it.
    exact: OnceCell<DeltaTable>,
    /// What reads the rows where our own scan can't tell how to; some features leave only metadata to be read.
    library: Result<Arc<DeltaScanNext>>,
    pub(super) derived: Arc<Derived>,
    scan: OnceLock<Result<Option<TableScan>>>,
    /// The scan of a version before, of which the one of this is made.
    before: Mutex<Option<TableScan>>,
    bytes: usize,
}

/// What follows from metadata and protocol, made when it is first asked for.
#[derive(Default)]
pub struct Derived {
    columns: OnceLock<SchemaRef>,
    appendable: OnceLock<Option<SchemaRef>>,
    pub schema_json: OnceLock<String>,
}

impl TableSnapshot {
    /// As the library read it. `known`: a commit of the table, whose time tells that of the next one; `before`: the scan
    /// of another version.
    pub async fn read(
        base: DeltaTable,
        store: Arc<TableStore>,
        known: Option<Commit>,
        before: Option<TableScan>,
    ) -> Result<Self> {
        let state = base.snapshot()?.snapshot().clone();
        let version = state.version() as i64;
        let metadata = state.metadata();
        let timestamp = match known {
            Some((known, timestamp)) if known == version => timestamp,
            Some((known, timestamp)) if known + 1 == version => {
                next_commit_timestamp(&store, metadata, (known, timestamp)).await?
            }
            _ => commit_timestamp(&store, metadata, version).await?,
        };
        Ok(Self {
            version,
            timestamp,
            commit: commit_meta(&store, version).await?,
            store,
            bytes: read_bytes(&state),
            library: library(&state, &ScanSettings::default()),
            base,
            state,
            exact: OnceCell::new(),
            derived: Arc::default(),
            scan: OnceLock::new(),
            before: Mutex::new(before),
        })
    }

    /// A later version whose files are those of `scan`, with the same metadata and protocol; `bytes` more of the log were
    /// read for it.
    pub fn followed(
        &self,
        (version, timestamp): Commit,
        commit: ObjectMeta,
        scan: TableScan,
        bytes: usize,
    ) -> Result<Self> {
        let base = self.without_files().clone();
        Ok(Self {
            version,
            timestamp,
            commit: Some(commit),
            store: self.store.clone(),
            state: base.snapshot()?.snapshot().clone(),
            base,
            exact: OnceCell::new(),
            derived: self.derived.clone(),
            library: self.library.clone(),
            scan: OnceLock::from(Ok(Some(scan))),
            before: Mutex::default(),
            bytes: self.bytes + bytes,
        })
    }

    pub fn metadata(&self) -> &Metadata {
        self.state.metadata()
    }

    pub fn protocol(&self) -> DeltaProtocolSnapshot {
        protocol(&self.state)
    }

    pub fn arrow_schema(&self) -> SchemaRef {
        self.derived.columns.get_or_init(|| self.state.arrow_schema()).clone()
    }

    /// The columns as the library appends rows to them without a plan; nothing where it doesn't.
    pub fn appendable_columns(&self) -> Option<&SchemaRef> {
        let columns = || Some(RecordBatchWriter::for_table(&self.base).ok()?.arrow_schema());
        self.derived.appendable.get_or_init(columns).as_ref()
    }

    pub fn delta_schema(&self) -> DeltaSchemaRef {
        self.state.schema()
    }

    /// The library's table with this metadata and protocol, whatever files it has.
    pub fn without_files(&self) -> &DeltaTable {
        self.exact.get().unwrap_or(&self.base)
    }

    /// The library's table at this version.
    pub async fn library_table(&self) -> Result<DeltaTable> {
        if self.is_read() {
            return Ok(self.base.clone());
        }
        let exact = self.exact.get_or_try_init(|| self.reread());
        exact.await.cloned()
    }

    /// Whether it is as the library read it.
    fn is_read(&self) -> bool {
        self.state.version() as i64 == self.version
    }

    /// What was read before is of no use where the log was cleaned up or the table replaced since.
    async fn reread(&self) -> Result<DeltaTable> {
        let table = match updated(&self.store, self.base.clone(), Some(self.version)).await {
            Ok(table) => table,
            Err(_) => opened(&self.store, Some(self.version)).await?,
        };
        let look = CommitLook {
            store: &self.store,
            version: self.version,
            commit: self.commit.as_ref(),
            next: None,
        };
        if look.check().await? {
            return Ok(table);
        }
        let message = format!("Version {} isn't the table's any more: read it again", self.version);
        Err(Error::new(ErrorCode::VersionNotFound, message))
    }

    pub fn require_readable(&self) -> Result<()> {
        self.library.clone().map(drop)
    }

    /// What scans the table.
    pub fn provider(&self) -> Result<Arc<dyn TableProvider>> {
        let library = self.library.clone()?;
        Ok(match self.own_scan()? {
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
        let scan = match (self.own_scan()?, settings.wrap_partition_values) {
            (Some(scan), Some(true)) => scan.with_schema(&self.state, library.schema())?,
            (scan, _) => scan,
        };
        match scan {
            Some(scan) => Ok(Arc::new(
                scan.filtering_rows(settings.parquet_pushdown.unwrap_or(false)),
            )),
            None if self.is_read() => Ok(library),
            None => Err(Error::internal("A version that the library hasn't read is left to it")),
        }
    }

    /// What is known for scans already, of this version or one before.
    pub fn known_scan(&self) -> Option<TableScan> {
        match self.scan.get() {
            Some(scan) => scan.clone().ok().flatten(),
            None => self.before.lock().expect("no holder panics").clone(),
        }
    }

    /// None where only the library can read the rows. Made when it is first asked for: writes need none.
    pub fn own_scan(&self) -> Result<Option<TableScan>> {
        let scan = self.scan.get_or_init(|| {
            let schema = self.library.clone()?.schema();
            let before = self.before.lock().expect("no holder panics").take();
            Ok(TableScan::new(
                &self.state,
                schema,
                self.store.clone(),
                before.as_ref(),
            )?)
        });
        scan.clone()
    }

    /// The files of its version, as the log tells of them.
    pub fn logged_files(&self) -> Vec<LoggedFile> {
        match self.scan.get() {
            Some(Ok(Some(scan))) if !self.is_read() => scan.logged_files().collect(),
            _ => self.state.log_data().iter().map(LoggedFile::Read).collect(),
        }
    }

    /// The number that an application's last transaction recorded.
    pub async fn transaction_version(&self, app_id: &str) -> Result<Option<i64>> {
        let table = self.library_table().await?;
        let log = self.store.replayed_log();
        Ok(table.snapshot()?.transaction_version(&log, app_id).await?)
    }

    /// The memory that it takes: mostly that of its file list, whose statistics are held as text and as
    /// columns, by the library and for scans.
    pub fn estimated_bytes(&self) -> usize {
        self.bytes
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

/// What a table would be after its first commit, which isn't on the disk.
pub async fn first_version(store: &TableStore, commit: Bytes) -> Result<EagerSnapshot> {
    let log = store.log_of_one(commit).await?;
    Ok(EagerSnapshot::try_new(log.as_ref(), None).await?)
}

/// What scans the files of a version that may not be on the disk.
pub fn provider_of(state: &EagerSnapshot, store: &Arc<TableStore>) -> Result<Arc<dyn TableProvider>> {
    let library = library(state, &ScanSettings::default())?;
    let scan = TableScan::new(state, library.schema(), store.clone(), None)?;
    let scan = scan.ok_or_else(|| {
        let message = "The files can't be held to contracts before they are a table";
        Error::new(ErrorCode::NotImplemented, message)
    })?;
    Ok(Arc::new(scan))
}

fn library(state: &EagerSnapshot, settings: &ScanSettings) -> Result<Arc<DeltaScanNext>> {
    require_readable(&protocol(state))?;
    Ok(Arc::new(DeltaScanNext::new(
        Arc::new(state.clone()),
        scan_config(settings),
    )?))
}

fn read_bytes(state: &EagerSnapshot) -> usize {
    let log = state.log_data();
    let files = log.num_files();
    let sampled = log.iter().step_by(files.div_ceil(SAMPLE).max(1));
    let (count, bytes) = sampled.fold((0, 0), |(count, bytes), file| {
        let texts = 2 * file.path().len() + 3 * file.stats().map_or(0, |stats| stats.len());
        (count + 1, bytes + FILE + texts)
    });
    let schema = state.arrow_schema();
    let columns: usize = schema.fields().iter().map(|field| field.size()).sum();
    size_of::<TableSnapshot>() + SCHEMAS * columns + bytes * files / count.max(1)
}

pub fn rfc3339(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Millis, true)
}
