//! One table: opened once, refreshed by new commits, read at any version.

use std::future::Future;
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use chrono::{DateTime, Utc};
use futures::FutureExt;
use object_store::ObjectMeta;

use super::commit_look::CommitLook;
use super::library::{opened, updated};
use super::snapshot::TableSnapshot;
use super::snapshot_cache::SnapshotCache;
use super::time_travel::{commit_meta, version_at};
use super::unopened::explain_unopened;
use crate::error::{Error, Result};
use crate::gate;
use crate::generated::{DeltaFeatureGate, ErrorCode, TablePin, TableSource};
use crate::storage::TableStore;

/// How long a version counts as recent.
const RECENT: Duration = Duration::from_millis(250);

/// How many commits a version may be behind for rows to be added to it.
const REACH: i64 = 128;

pub struct Table {
    pub name: String,
    pub source: TableSource,
    pub store: Arc<TableStore>,
    /// What the protocol must be at least, by the table's registration.
    pub gate: Option<DeltaFeatureGate>,
    versions: Arc<SnapshotCache>,
    head: Mutex<Option<Arc<Head>>>,
    refreshing: tokio::sync::Mutex<()>,
    /// How many refreshes have begun.
    refreshes: AtomicU64,
}

/// The newest known version, with what tells whether it still is.
struct Head {
    version: i64,
    timestamp: DateTime<Utc>,
    commit: Option<ObjectMeta>,
    /// The refresh that found it.
    refresh: u64,
    /// When it was last seen that nobody else had committed.
    seen: Mutex<Instant>,
}

impl Head {
    fn is_recent(&self) -> bool {
        self.seen.lock().expect("no holder panics").elapsed() < RECENT
    }
}

impl Table {
    pub fn new(name: &str, source: TableSource, store: TableStore, versions: Arc<SnapshotCache>) -> Self {
        Self {
            name: name.to_owned(),
            source,
            store: Arc::new(store),
            gate: None,
            versions,
            head: Mutex::default(),
            refreshing: tokio::sync::Mutex::default(),
            refreshes: AtomicU64::default(),
        }
    }

    pub fn with_gate(mut self, gate: Option<DeltaFeatureGate>) -> Self {
        self.gate = gate;
        self
    }

    /// The table at `pin`, or at its newest committed version.
    pub async fn snapshot(&self, pin: Option<&TablePin>) -> Result<Arc<TableSnapshot>> {
        let result = match pin {
            None => guarded(self.newest()).await,
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

    /// The newest committed version, for an operation to be planned on.
    pub async fn base(&self) -> Result<Arc<TableSnapshot>> {
        guarded(self.newest()).await.map_err(|error| self.explain(error))
    }

    /// A version that rows may be added to, since every commit after it is looked at before theirs: one that was the
    /// newest a moment ago, or that only commits of this process came after.
    pub async fn recent(&self) -> Result<Arc<TableSnapshot>> {
        guarded(self.kept_recent_or_refreshed())
            .await
            .map_err(|error| self.explain(error))
    }

    async fn kept_recent_or_refreshed(&self) -> Result<Arc<TableSnapshot>> {
        if let Some(snapshot) = self.kept_recent().await? {
            return Ok(snapshot);
        }
        let _alone = self.refreshing.lock().await;
        match self.kept_recent().await? {
            Some(snapshot) => Ok(snapshot),
            None => self.refreshed().await,
        }
    }

    async fn kept_recent(&self) -> Result<Option<Arc<TableSnapshot>>> {
        loop {
            let (changed, newest) = (self.store.committer.changed_at(), self.store.committer.newest());
            let head = self.head();
            let head = head.filter(|head| head.version >= changed && newest - head.version <= REACH);
            let Some((snapshot, head)) = head.and_then(|head| Some((self.kept(head.version)?, head))) else {
                return Ok(None);
            };
            if head.is_recent() || self.is_last(&head, newest).await? {
                return Ok(Some(snapshot));
            }
            // Where this process has committed meanwhile, that is the commit which was seen.
            if self.store.committer.newest() <= newest {
                return Ok(None);
            }
        }
    }

    fn head(&self) -> Option<Arc<Head>> {
        self.head.lock().expect("no holder panics").clone()
    }

    async fn at(&self, pin: &TablePin) -> Result<Arc<TableSnapshot>> {
        let newest = self.newest().await?;
        let version = match (pin.version, &pin.timestamp) {
            (Some(version), None) => version,
            (None, Some(text)) => version_at(&newest, parse_time(text)?).await?,
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
        self.keep(&snapshot);
        Ok(snapshot)
    }

    /// Two small reads tell whether the newest known version still is the newest and still the same.
    async fn newest(&self) -> Result<Arc<TableSnapshot>> {
        if let Some(snapshot) = self.kept_newest().await? {
            return Ok(snapshot);
        }
        let before = self.refreshes.load(Ordering::Acquire);
        let _alone = self.refreshing.lock().await;
        if let Some(snapshot) = self.refreshed_after(before) {
            return Ok(snapshot);
        }
        match self.kept_newest().await? {
            Some(snapshot) => Ok(snapshot),
            None => self.refreshed().await,
        }
    }

    /// What a refresh found that began later than the first `refreshes`: whoever waited for it needs no other.
    fn refreshed_after(&self, refreshes: u64) -> Option<Arc<TableSnapshot>> {
        let head = self.head().filter(|head| head.refresh > refreshes)?;
        self.kept(head.version)
    }

    async fn refreshed(&self) -> Result<Arc<TableSnapshot>> {
        let number = self.refreshes.fetch_add(1, Ordering::AcqRel) + 1;
        let (head, snapshot) = self.refresh(self.head().as_deref(), number).await?;
        *self.head.lock().expect("no holder panics") = Some(Arc::new(head));
        Ok(snapshot)
    }

    async fn kept_newest(&self) -> Result<Option<Arc<TableSnapshot>>> {
        let Some(head) = self.head() else { return Ok(None) };
        match self.kept(head.version) {
            Some(snapshot) if self.is_last(&head, head.version).await? => Ok(Some(snapshot)),
            _ => Ok(None),
        }
    }

    /// Whether what is known still is the table's, and no commit came after `newest`.
    async fn is_last(&self, known: &Head, newest: i64) -> Result<bool> {
        let look = CommitLook {
            store: &self.store,
            version: known.version,
            commit: known.commit.as_ref(),
            next: Some(newest.max(known.version) + 1),
        };
        let is_last = look.check().await?;
        if is_last {
            *known.seen.lock().expect("no holder panics") = Instant::now();
        }
        Ok(is_last)
    }

    /// Applies new commits to what is known; a table that was replaced in its place is opened anew.
    async fn refresh(&self, known: Option<&Head>, number: u64) -> Result<(Head, Arc<TableSnapshot>)> {
        let snapshot = Arc::new(self.newest_after(known).await?);
        self.keep(&snapshot);
        let head = Head {
            version: snapshot.version,
            timestamp: snapshot.timestamp,
            commit: snapshot.commit.clone(),
            refresh: number,
            seen: Mutex::new(Instant::now()),
        };
        Ok((head, snapshot))
    }

    async fn newest_after(&self, known: Option<&Head>) -> Result<TableSnapshot> {
        let store = self.store.clone();
        let Some(known) = known else {
            return TableSnapshot::read(opened(&store, None).await?, store, None, None).await;
        };
        let look = CommitLook {
            store: &self.store,
            version: known.version,
            commit: known.commit.as_ref(),
            next: None,
        };
        if !look.check().await? {
            self.versions.remove_table(&store.key());
            return TableSnapshot::read(opened(&store, None).await?, store, None, None).await;
        }
        let kept = self.kept(known.version);
        self.versions.remove(&store.key(), known.version);
        let before = Some((known.version, known.timestamp));
        let Some(kept) = kept else {
            return TableSnapshot::read(opened(&store, None).await?, store, before, None).await;
        };
        // What goes wrong with the commits alone goes wrong for the library too, which then says it.
        if let Ok(Some(newest)) = kept.newest_followed().await {
            return Ok(newest);
        }
        let table = updated(&store, kept.without_files().clone(), None).await?;
        TableSnapshot::read(table, store, before, kept.known_scan()).await
    }

    async fn load(&self, version: i64) -> Result<TableSnapshot> {
        match opened(&self.store, Some(version)).await {
            Ok(table) => TableSnapshot::read(table, self.store.clone(), None, None).await,
            Err(_) if commit_meta(&self.store, version).await?.is_none() => {
                let message = format!("Version {version} can't be read any more: its log was cleaned up");
                Err(Error::new(ErrorCode::VersionNotFound, message))
            }
            Err(error) => Err(error),
        }
    }

    fn kept(&self, version: i64) -> Option<Arc<TableSnapshot>> {
        self.versions.get(&self.store.key(), version)
    }

    fn keep(&self, snapshot: &Arc<TableSnapshot>) {
        self.versions.put(&self.store.key(), snapshot.clone());
    }

    /// Refuses `snapshot` where it doesn't pass the table's own gate and `gates`, or can't be read.
    pub fn require_readable(&self, snapshot: &TableSnapshot, gates: &[&DeltaFeatureGate]) -> Result<()> {
        let gates: Vec<_> = self.gate.iter().chain(gates.iter().copied()).collect();
        gate::require(&snapshot.protocol(), &gates)
            .and_then(|()| snapshot.require_readable())
            .map_err(|error| self.explain(error))
    }

    /// Names the table in an error, and its public address instead of the internal one.
    pub fn explain(&self, mut error: Error) -> Error {
        error.message = format!("Table '{}': {}", self.name, self.store.public_text(&error.message));
        error.with("table", self.name.as_str())
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        self.versions.remove_table(&self.store.key());
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
