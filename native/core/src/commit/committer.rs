//! The one writer of a table's log in this process.

use std::collections::{BTreeMap, HashSet};
use std::panic::AssertUnwindSafe;
use std::sync::atomic::{AtomicI64, Ordering};
use std::sync::{Arc, Mutex};

use chrono::{DateTime, SubsecRound, TimeDelta, Utc};
use deltalake_core::logstore::{LogStoreRef, commit_uri_from_version};
use futures::FutureExt;
use object_store::{Error as StoreError, ObjectStoreExt, PutMode, PutOptions};
use serde_json::{Map, Value, json};
use tokio::sync::{OwnedRwLockReadGuard, RwLock, oneshot};
use uuid::Uuid;

use super::checkpoints::Checkpoints;
use super::conflict::Isolation;
use super::pending_rows::PendingRows;
use super::record::{CommitRecord, Effects};
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::table::{MILLIS, guarded};

/// Commits whose effects are remembered.
const REMEMBERED: usize = 256;

/// Held as long as there are data files that no commit names yet.
pub type FilesInUse = Arc<OwnedRwLockReadGuard<()>>;

/// A commit that an operation planned on version `base`; -1 for a table that isn't there yet.
pub struct Proposal {
    pub log: LogStoreRef,
    pub base: i64,
    /// When `base` was committed.
    pub base_time: Option<DateTime<Utc>>,
    pub files: Option<FilesInUse>,
    pub record: CommitRecord,
    pub isolation: Isolation,
    /// Whether it must follow `base` and nothing else.
    pub exact: bool,
    pub transactions: Vec<Transaction>,
    /// Whether it may share a commit with other appends.
    pub shares: bool,
}

/// What makes a repeat known.
#[derive(Debug, Clone, PartialEq)]
pub enum Transaction {
    /// An application's own number.
    Numbered { app_id: String, version: i64 },
    /// A request, known by the key that its client chose; its transaction has the number of the commit.
    Keyed { app_id: String, fingerprint: String },
}

impl Transaction {
    pub fn app_id(&self) -> &str {
        match self {
            Self::Numbered { app_id, .. } | Self::Keyed { app_id, .. } => app_id,
        }
    }

    /// Whether a table that recorded `version` for the application has had this transaction.
    pub fn is_repeat(&self, recorded: i64) -> bool {
        match self {
            Self::Numbered { version, .. } => recorded >= *version,
            Self::Keyed { .. } => true,
        }
    }
}

#[derive(Debug)]
pub enum Outcome {
    Committed(Committed),
    /// The table has the transaction already; `recorded` is the number it has for it.
    Repeated {
        transaction: Transaction,
        recorded: i64,
    },
    /// Another commit came first.
    Lost {
        version: i64,
        operation: Option<String>,
    },
}

#[derive(Debug)]
pub struct Committed {
    pub version: i64,
    /// By the time of its file; absent where it follows commits whose times aren't known.
    pub time: Option<DateTime<Utc>>,
    pub record: Box<CommitRecord>,
}

/// Orders the operations of this process on one table, and commits what they propose.
#[derive(Default)]
pub struct Committer {
    queue: Mutex<Queue>,
    head: tokio::sync::Mutex<Head>,
    /// Held by an operation that reads rows it rewrites, from its plan to its commit.
    pub rewrite: tokio::sync::Mutex<()>,
    /// Held to read while an append commits; to write by a rewrite that lost a race, so that it can't lose again.
    pub appends: RwLock<()>,
    /// Held to read while data files are written that no commit names yet; to write while files are removed.
    pub files: Arc<RwLock<()>>,
    known: Known,
    /// Whether the table's folder was swept.
    pub swept: tokio::sync::OnceCell<()>,
    pub checkpoints: Checkpoints,
}

/// What is known of the log, before the commits are acknowledged.
#[derive(Default)]
struct Known {
    /// The last version that changed metadata or protocol.
    changed: AtomicI64,
    newest: AtomicI64,
}

#[derive(Default)]
struct Queue {
    waiting: Vec<Waiting>,
    is_running: bool,
}

struct Waiting {
    proposal: Proposal,
    answer: oneshot::Sender<Result<Outcome>>,
}

/// The newest commits that are known.
#[derive(Default)]
struct Head {
    version: Option<i64>,
    time: Option<DateTime<Utc>>,
    recent: BTreeMap<i64, Arc<Effects>>,
}

/// The data file with the rows of so many proposals. Where some of them turn out to be repeats it is left to VACUUM.
struct Written {
    proposals: usize,
    actions: Vec<String>,
}

impl Committer {
    /// Commits, unless a commit since `proposal.base` forbids it. The commit goes on when the caller goes away.
    pub async fn commit(self: &Arc<Self>, proposal: Proposal) -> Result<Outcome> {
        let (answer, outcome) = oneshot::channel();
        let starts = {
            let mut queue = self.queue.lock().expect("no holder panics");
            queue.waiting.push(Waiting { proposal, answer });
            !std::mem::replace(&mut queue.is_running, true)
        };
        if starts {
            tokio::spawn(self.clone().drain());
        }
        outcome
            .await
            .unwrap_or_else(|_| Err(Error::internal("The commit was given up")))
    }

    pub fn changed_at(&self) -> i64 {
        self.known.changed.load(Ordering::Acquire)
    }

    pub fn newest(&self) -> i64 {
        self.known.newest.load(Ordering::Acquire)
    }

    async fn drain(self: Arc<Self>) {
        loop {
            let waiting = {
                let mut queue = self.queue.lock().expect("no holder panics");
                if queue.waiting.is_empty() {
                    queue.is_running = false;
                    return;
                }
                std::mem::take(&mut queue.waiting)
            };
            // A panic drops the answers of this round, and must not stop the next.
            let _ = AssertUnwindSafe(self.commit_all(waiting)).catch_unwind().await;
        }
    }

    async fn commit_all(&self, waiting: Vec<Waiting>) {
        let mut head = self.head.lock().await;
        let (mut shared, single): (Vec<_>, Vec<_>) = waiting.into_iter().partition(|waiting| waiting.proposal.shares);
        while !shared.is_empty() {
            let (group, repeats) = distinct(shared);
            head.commit(group, &self.known).await;
            shared = repeats;
        }
        for waiting in single {
            head.commit(vec![waiting], &self.known).await;
        }
    }
}

impl Head {
    /// Makes one commit of all that may be committed.
    async fn commit(&mut self, mut waiting: Vec<Waiting>, known: &Known) {
        let Some(latest) = waiting.iter().max_by_key(|waiting| waiting.proposal.base) else {
            return;
        };
        if let Err(error) = self.move_to(&latest.proposal, known).await {
            return answer_all(waiting, &error);
        }
        let mut written = None;
        loop {
            waiting = self.without_refused(waiting).await;
            let Some(first) = waiting.first() else { return };
            let (log, version) = (first.proposal.log.clone(), self.version.unwrap_or(-1) + 1);
            let file = match write(&waiting, written).await {
                Ok(file) => file,
                Err(error) if waiting.len() == 1 => return answer_all(waiting, &error),
                Err(_) => return self.commit_singly(waiting, known).await,
            };
            let mut record = combine(&waiting, version);
            record.add_files(&file.actions, pending(&waiting).len());
            match put(&log, version, &record).await {
                Ok(None) => {
                    let time = self.time_of(version, &log).await;
                    self.remember(version, time, record.effects.clone(), known);
                    return answer_committed(waiting, version, time);
                }
                Ok(Some(winner)) => self.remember(version, None, winner, known),
                Err(error) => return answer_all(waiting, &error),
            }
            written = Some(file);
        }
    }

    /// Rows that can't be written must not take along those of others.
    async fn commit_singly(&mut self, waiting: Vec<Waiting>, known: &Known) {
        for waiting in waiting {
            Box::pin(self.commit(vec![waiting], known)).await;
        }
    }

    /// Takes a proposal's base for the newest version unless a newer one is known; one that is gone was of another table.
    async fn move_to(&mut self, latest: &Proposal, known: &Known) -> Result<()> {
        match self.version {
            Some(version) if version > latest.base && exists(&latest.log, version).await? => {}
            Some(version) if version == latest.base => self.time = latest.base_time,
            _ => {
                known.changed.store(latest.base.max(0), Ordering::Release);
                known.newest.store(latest.base.max(0), Ordering::Release);
                *self = Self {
                    version: Some(latest.base),
                    time: latest.base_time,
                    recent: BTreeMap::new(),
                }
            }
        }
        Ok(())
    }

    /// When `version`, which was just committed, was: by its file, but after the one before it.
    async fn time_of(&self, version: i64, log: &LogStoreRef) -> Option<DateTime<Utc>> {
        let earliest = match version {
            0 => DateTime::<Utc>::MIN_UTC,
            _ => self.time? + TimeDelta::milliseconds(1),
        };
        let path = commit_uri_from_version(Some(version as u64));
        // Without it the time is looked up where it is needed.
        let file = log.object_store(None).head(&path).await.ok()?;
        Some(file.last_modified.trunc_subsecs(MILLIS).max(earliest))
    }

    fn remember(&mut self, version: i64, time: Option<DateTime<Utc>>, effects: Effects, known: &Known) {
        self.version = Some(version);
        self.time = time;
        known.newest.store(version, Ordering::Release);
        if effects.changes_table {
            known.changed.store(version, Ordering::Release);
        }
        self.recent.insert(version, Arc::new(effects));
        if self.recent.len() > REMEMBERED {
            self.recent.pop_first();
        }
    }

    /// Answers the proposals that may not be committed, and those that repeat another; the others stay.
    async fn without_refused(&mut self, waiting: Vec<Waiting>) -> Vec<Waiting> {
        let mut kept: Vec<Waiting> = Vec::with_capacity(waiting.len());
        for entry in waiting {
            match self.refusal(&entry.proposal).await.transpose() {
                None => kept.push(entry),
                // A caller that went away needs no answer.
                Some(outcome) => drop(entry.answer.send(outcome)),
            }
        }
        kept
    }

    async fn refusal(&mut self, proposal: &Proposal) -> Result<Option<Outcome>> {
        for version in proposal.base + 1..=self.version.unwrap_or(-1) {
            let winner = self.effects(version, &proposal.log).await?;
            if let Some(outcome) = repeated(&proposal.transactions, &winner) {
                return Ok(Some(outcome));
            }
            if proposal.exact || proposal.isolation.conflicts(&proposal.record.effects, &winner) {
                let operation = winner.operation.clone();
                return Ok(Some(Outcome::Lost { version, operation }));
            }
        }
        Ok(None)
    }

    async fn effects(&mut self, version: i64, log: &LogStoreRef) -> Result<Arc<Effects>> {
        if let Some(effects) = self.recent.get(&version) {
            return Ok(effects.clone());
        }
        let Some(bytes) = log.read_commit_entry(version as u64).await? else {
            let message = format!("Version {version} was cleaned up while this operation ran: send it again");
            return Err(Error::new(ErrorCode::TableConflict, message));
        };
        let effects = Arc::new(CommitRecord::parse(&bytes)?.effects);
        self.recent.insert(version, effects.clone());
        Ok(effects)
    }
}

/// Writes the rows that wait into one file, unless that has been done for the same proposals.
async fn write(waiting: &[Waiting], written: Option<Written>) -> Result<Written> {
    match written.filter(|written| written.proposals == waiting.len()) {
        Some(written) => Ok(written),
        None => Ok(Written {
            proposals: waiting.len(),
            actions: guarded(PendingRows::write(&pending(waiting))).await?,
        }),
    }
}

fn pending(waiting: &[Waiting]) -> Vec<&PendingRows> {
    let records = waiting.iter().map(|waiting| &waiting.proposal.record);
    records.filter_map(|record| record.rows.as_ref()).collect()
}

fn repeated(transactions: &[Transaction], winner: &Effects) -> Option<Outcome> {
    transactions.iter().find_map(|transaction| {
        let known = winner
            .transactions
            .iter()
            .find(|(app_id, _)| app_id == transaction.app_id());
        known
            .filter(|(_, recorded)| transaction.is_repeat(*recorded))
            .map(|(_, recorded)| Outcome::Repeated {
                transaction: transaction.clone(),
                recorded: *recorded,
            })
    })
}

/// Proposals without a transaction in common, and those that have to wait for them.
fn distinct(waiting: Vec<Waiting>) -> (Vec<Waiting>, Vec<Waiting>) {
    let mut taken: HashSet<String> = HashSet::new();
    waiting.into_iter().partition(|waiting| {
        let ids = waiting
            .proposal
            .transactions
            .iter()
            .map(|transaction| transaction.app_id().to_owned());
        let ids: Vec<_> = ids.collect();
        let is_free = ids.iter().all(|id| !taken.contains(id));
        if is_free {
            taken.extend(ids);
        }
        is_free
    })
}

/// The one record of all proposals, with their transactions.
fn combine(waiting: &[Waiting], version: i64) -> CommitRecord {
    let now = Utc::now().timestamp_millis();
    let mut records = waiting.iter().map(|waiting| &waiting.proposal.record);
    let mut record = records.next().cloned().unwrap_or_default();
    records.for_each(|other| record.join(other));
    let mut requests = Map::new();
    for proposal in waiting.iter().map(|waiting| &waiting.proposal) {
        for transaction in &proposal.transactions {
            match transaction {
                Transaction::Numbered { app_id, version } => record.add_transaction(app_id, *version, now),
                Transaction::Keyed { app_id, fingerprint } => {
                    record.add_transaction(app_id, version, now);
                    requests.insert(app_id.clone(), request(fingerprint, &proposal.record));
                }
            }
        }
    }
    record.info.insert("timestamp".to_owned(), json!(now));
    record.sign(&Uuid::new_v4().to_string(), requests);
    record
}

fn request(fingerprint: &str, record: &CommitRecord) -> Value {
    json!({
        "fingerprint": fingerprint,
        "operation": record.effects.operation,
        "metrics": record.metrics(),
    })
}

/// Writes the version unless it is there; answers the effects of the one that is.
///
/// A store can lose the answer to a write that landed, and a repeat of it then meets its own file: the id tells.
async fn put(log: &LogStoreRef, version: i64, record: &CommitRecord) -> Result<Option<Effects>> {
    let path = commit_uri_from_version(Some(version as u64));
    let options = PutOptions::from(PutMode::Create);
    let result = log
        .object_store(None)
        .put_opts(&path, record.to_bytes().into(), options)
        .await;
    let error = match result {
        Ok(_) => return Ok(None),
        Err(StoreError::AlreadyExists { .. }) => None,
        Err(error) => Some(error),
    };
    match (log.read_commit_entry(version as u64).await?, error) {
        (Some(bytes), _) => {
            let winner = CommitRecord::parse(&bytes)?.effects;
            Ok((winner.id != record.effects.id).then_some(winner))
        }
        (None, Some(error)) => Err(error.into()),
        (None, None) => Err(Error::new(
            ErrorCode::StorageUnavailable,
            format!("The store says that version {version} is there, but doesn't have it"),
        )),
    }
}

async fn exists(log: &LogStoreRef, version: i64) -> Result<bool> {
    let path = commit_uri_from_version(Some(version as u64));
    match log.object_store(None).head(&path).await {
        Ok(_) => Ok(true),
        Err(StoreError::NotFound { .. }) => Ok(false),
        Err(error) => Err(error.into()),
    }
}

fn answer_committed(waiting: Vec<Waiting>, version: i64, time: Option<DateTime<Utc>>) {
    for Waiting { proposal, answer } in waiting {
        let record = Box::new(proposal.record);
        let _ = answer.send(Ok(Outcome::Committed(Committed { version, time, record })));
    }
}

fn answer_all(waiting: Vec<Waiting>, error: &Error) {
    for Waiting { answer, .. } in waiting {
        let _ = answer.send(Err(error.clone()));
    }
}
