//! One table: opened once, refreshed by new commits, read at any version.

use std::collections::VecDeque;
use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use deltalake_core::DeltaTable;
use futures::FutureExt;

use super::snapshot::TableSnapshot;
use super::time_travel::{commit_meta, version_at};
use super::unopened::explain_unopened;
use crate::error::{Error, Result};
use crate::gate;
use crate::generated::{DeltaFeatureGate, ErrorCode, TablePin, TableSource};
use crate::storage::TableStore;

/// How long a version counts as recent.
const RECENT: Duration = Duration::from_millis(250);

/// Versions kept ready besides the newest.
const PINNED: usize = 8;

pub struct Table {
    pub name: String,
    pub source: TableSource,
    pub store: Arc<TableStore>,
    /// What the protocol must be at least, by the table's registration.
    pub gate: Option<DeltaFeatureGate>,
    newest: tokio::sync::Mutex<Option<Arc<Newest>>>,
    pinned: Mutex<VecDeque<Arc<TableSnapshot>>>,
}

/// The newest known version, with what tells whether it still is.
pub struct Newest {
    pub table: DeltaTable,
    pub snapshot: Arc<TableSnapshot>,
    /// When it was last seen to be the newest.
    seen: Mutex<Instant>,
}

impl Newest {
    fn is_recent(&self) -> bool {
        self.seen.lock().expect("no holder panics").elapsed() < RECENT
    }
}

impl Table {
    pub fn new(name: &str, source: TableSource, store: TableStore) -> Self {
        Self {
            name: name.to_owned(),
            source,
            store: Arc::new(store),
            gate: None,
            newest: tokio::sync::Mutex::default(),
            pinned: Mutex::default(),
        }
    }

    pub fn with_gate(mut self, gate: Option<DeltaFeatureGate>) -> Self {
        self.gate = gate;
        self
    }

    /// The table at `pin`, or at its newest committed version.
    pub async fn snapshot(&self, pin: Option<&TablePin>) -> Result<Arc<TableSnapshot>> {
        let result = match pin {
            None => guarded(self.newest()).await.map(|newest| newest.snapshot.clone()),
            Some(pin) => guarded(self.at(pin)).await,
        };
        match result {
            Ok(snapshot) => Ok(snapshot),
            Err(error) => Err(self.explain(explain_unopened(&self.store, error).await)),
        }
    }

    pub async fn snapshot_at(&self, version: i64) -> Result<Arc<TableSnapshot>> {
        let pin = TablePin {
            version: Some(version),
            timestamp: None,
        };
        self.snapshot(Some(&pin)).await
    }

    /// The newest committed version, as the library's operations take it.
    pub async fn base(&self) -> Result<Arc<Newest>> {
        guarded(self.newest()).await.map_err(|error| self.explain(error))
    }

    /// A version that was the newest a moment ago: enough for rows to be added to, since every commit after it is
    /// looked at before theirs.
    pub async fn recent(&self) -> Result<Arc<Newest>> {
        let known = self.newest.lock().await.clone();
        let changed = self.store.committer.changed_at();
        match known {
            Some(known) if known.is_recent() && known.snapshot.version >= changed => Ok(known),
            _ => self.base().await,
        }
    }

    async fn at(&self, pin: &TablePin) -> Result<Arc<TableSnapshot>> {
        let newest = self.newest().await?.snapshot.clone();
        let version = match (pin.version, &pin.timestamp) {
            (Some(version), None) => version,
            (None, Some(text)) => version_at(&self.store, &newest.state, parse_time(text)?).await?,
            (None, None) => return Ok(newest),
            (Some(_), Some(_)) => {
                let message = "A pin has either a version or a timestamp, not both";
                return Err(Error::new(ErrorCode::InvalidRequest, message));
            }
        };
        if version == newest.version {
            return Ok(newest);
        }
        if version < 0 || version > newest.version {
            let message = format!("There is no version {version}: the newest is {}", newest.version);
            return Err(Error::new(ErrorCode::VersionNotFound, message).with("latest", newest.version));
        }
        if let Some(snapshot) = self.kept(version) {
            return Ok(snapshot);
        }
        let snapshot = Arc::new(self.load(version).await?);
        self.keep(snapshot.clone());
        Ok(snapshot)
    }

    /// Two small reads tell whether the newest known version still is the newest and still the same.
    async fn newest(&self) -> Result<Arc<Newest>> {
        let known = self.newest.lock().await.clone();
        if let Some(known) = known
            && self.is_newest(&known).await?
        {
            return Ok(known);
        }
        let mut slot = self.newest.lock().await;
        // Others who found it old may have refreshed it meanwhile.
        if let Some(known) = slot.as_ref()
            && self.is_newest(known).await?
        {
            return Ok(known.clone());
        }
        let refreshed = Arc::new(self.refresh(slot.as_deref()).await?);
        *slot = Some(refreshed.clone());
        Ok(refreshed)
    }

    async fn is_newest(&self, known: &Newest) -> Result<bool> {
        let version = known.snapshot.version;
        let (commit, next) =
            tokio::try_join!(commit_meta(&self.store, version), commit_meta(&self.store, version + 1))?;
        let is_newest = next.is_none() && commit == known.snapshot.commit;
        if is_newest {
            *known.seen.lock().expect("no holder panics") = Instant::now();
        }
        Ok(is_newest)
    }

    /// Applies new commits to what is known; a table that was replaced in its place is opened anew.
    async fn refresh(&self, known: Option<&Newest>) -> Result<Newest> {
        let mut table = DeltaTable::new(self.store.log.clone());
        let mut before = None;
        if let Some(known) = known {
            if commit_meta(&self.store, known.snapshot.version).await? == known.snapshot.commit {
                table = known.table.clone();
                before = Some(&*known.snapshot);
            } else {
                self.pinned.lock().expect("no holder panics").clear();
            }
        }
        table.update_state().await?;
        let snapshot = Arc::new(TableSnapshot::new(&table, self.store.clone(), before).await?);
        Ok(Newest {
            table,
            snapshot,
            seen: Mutex::new(Instant::now()),
        })
    }

    async fn load(&self, version: i64) -> Result<TableSnapshot> {
        let mut table = DeltaTable::new(self.store.log.clone());
        match table.load_version(version as u64).await {
            Ok(()) => TableSnapshot::new(&table, self.store.clone(), None).await,
            Err(_) if commit_meta(&self.store, version).await?.is_none() => {
                let message = format!("Version {version} can't be read any more: its log was cleaned up");
                Err(Error::new(ErrorCode::VersionNotFound, message))
            }
            Err(error) => Err(error.into()),
        }
    }

    fn kept(&self, version: i64) -> Option<Arc<TableSnapshot>> {
        let pinned = self.pinned.lock().expect("no holder panics");
        pinned.iter().find(|snapshot| snapshot.version == version).cloned()
    }

    fn keep(&self, snapshot: Arc<TableSnapshot>) {
        let mut pinned = self.pinned.lock().expect("no holder panics");
        pinned.push_front(snapshot);
        pinned.truncate(PINNED);
    }

    /// Refuses `snapshot` where it doesn't pass the table's own gate and `gates`, or can't be read.
    pub fn require_readable(&self, snapshot: &TableSnapshot, gates: &[&DeltaFeatureGate]) -> Result<()> {
        let gates: Vec<_> = self.gate.iter().chain(gates.iter().copied()).collect();
        gate::require(&snapshot.protocol(), &gates)
            .and_then(|()| snapshot.provider().map(drop))
            .map_err(|error| self.explain(error))
    }

    /// Names the table in an error, and its public address instead of the internal one.
    pub fn explain(&self, mut error: Error) -> Error {
        error.message = format!("Table '{}': {}", self.name, self.store.public_text(&error.message));
        error.with("table", self.name.as_str())
    }
}

/// A broken log can make the library panic: that is an error like others, and never the end of the process.
pub async fn guarded<T>(future: impl Future<Output = Result<T>>) -> Result<T> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Ok(result) => result,
        Err(_) => {
            let message = "The Delta library failed on the table";
            Err(Error::new(ErrorCode::TableCorrupt, message))
        }
    }
}

pub fn parse_time(text: &str) -> Result<DateTime<Utc>> {
    match DateTime::parse_from_rfc3339(text) {
        Ok(time) => Ok(time.to_utc()),
        Err(error) => {
            let message = format!("'{text}' isn't an RFC 3339 timestamp: {error}");
            Err(Error::new(ErrorCode::InvalidRequest, message))
        }
    }
}
