//! Ends the largest queries while the process holds more memory than it may, and makes no room for long values then: pools only
//! know what is asked of them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock, Weak};
use std::time::{Duration, Instant};

use datafusion::common::DataFusionError;
use datafusion::execution::memory_pool::MemoryPool;

use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::query::Progress;

/// How often memory is measured, far below the limit and near to it.
const RESTING: Duration = Duration::from_millis(50);
const ALERT: Duration = Duration::from_millis(5);
/// What an ended query has to let go of its memory before the next one is ended, unless the limit is passed.
const GRACE: Duration = Duration::from_millis(100);
/// What the process may hold beyond what it held at rest, once nothing has run for a while.
const SLACK: usize = 64 << 20;
/// Queries follow one another sooner, and to take memory anew is a seventh of their time.
const IDLE: Duration = Duration::from_secs(5);
/// The share of the limit that is kept free for what queries take until they have ended.
const RESERVE: usize = 10;

/// Values of fewer bytes are made without a look at the process.
const SHORT: usize = 1 << 20;

/// How the allocator is told to give the system what is free, where it keeps that.
static GIVE_BACK: OnceLock<fn()> = OnceLock::new();

/// Repeatable; the first stands.
pub fn give_back_by(give_back: fn()) {
    let _ = GIVE_BACK.set(give_back);
}

/// What the process holds, and may hold.
pub struct Resident {
    limit: usize,
    /// None where it can't be measured, and isn't limited.
    status: Option<File>,
    /// Bytes of values that are being made.
    coming: AtomicUsize,
}

/// For a value that is being made, as long as that lasts.
pub struct Room<'a> {
    resident: &'a Resident,
    bytes: usize,
}

/// The queries that run.
#[derive(Default)]
pub struct Running(Mutex<Vec<Weak<RunningQuery>>>);

/// A query as long as it runs.
pub struct RunningQuery {
    pool: Arc<dyn MemoryPool>,
    progress: Arc<Progress>,
    started: Instant,
}

impl Running {
    pub fn add(&self, pool: Arc<dyn MemoryPool>, progress: Arc<Progress>) -> Arc<RunningQuery> {
        let started = Instant::now();
        let query = Arc::new(RunningQuery {
            pool,
            progress,
            started,
        });
        let mut queries = self.0.lock().expect("no holder panics");
        queries.retain(|query| query.strong_count() > 0);
        queries.push(Arc::downgrade(&query));
        query
    }

    fn is_none(&self) -> bool {
        let queries = self.0.lock().expect("no holder panics");
        queries.iter().all(|query| query.strong_count() == 0)
    }

    /// The one with the most memory in its pool, among equal ones the newest.
    fn largest(&self) -> Option<Arc<RunningQuery>> {
        let queries = self.0.lock().expect("no holder panics");
        let running = queries.iter().filter_map(Weak::upgrade);
        running
            .filter(|query| !query.progress.cancel.is_cancelled())
            .max_by_key(|query| (query.pool.reserved(), query.started))
    }
}

impl Resident {
    pub fn new(limit: usize) -> Self {
        let status = File::open("/proc/self/status").ok();
        if status.is_none() {
            tracing::warn!("resident memory can't be measured here, and is not limited");
        }
        Self {
            limit,
            status,
            coming: AtomicUsize::new(0),
        }
    }

    /// Room for so many bytes beside what is held and is being made elsewhere; an error where there is none.
    pub fn room(&self, bytes: usize) -> Result<Room<'_>, DataFusionError> {
        let coming = self.coming.fetch_add(bytes, Ordering::AcqRel) + bytes;
        let room = Room { resident: self, bytes };
        if bytes < SHORT {
            return Ok(room);
        }
        let (held, limit) = (self.held(coming), self.limit);
        if held + coming <= self.free_of_reserve() {
            return Ok(room);
        }
        let message =
            format!("{bytes} bytes of values at once have no room: the service holds {held} of {limit} bytes");
        Err(DataFusionError::ResourcesExhausted(message))
    }

    fn free_of_reserve(&self) -> usize {
        self.limit - self.limit / RESERVE
    }

    /// What the process holds; where there is no room for so many bytes beside it, without what is free.
    fn held(&self, coming: usize) -> usize {
        let held = self.measured();
        match GIVE_BACK.get() {
            Some(give_back) if held + coming > self.free_of_reserve() => {
                give_back();
                self.measured()
            }
            _ => held,
        }
    }

    fn measured(&self) -> usize {
        self.status.as_ref().and_then(resident_bytes).unwrap_or(0)
    }
}

impl Drop for Room<'_> {
    fn drop(&mut self) {
        self.resident.coming.fetch_sub(self.bytes, Ordering::AcqRel);
    }
}

/// Watches the process as long as `running` lives, on a thread that waits for nothing else.
pub fn watch(resident: Arc<Resident>, running: &Arc<Running>) -> Result<()> {
    let running = Arc::downgrade(running);
    let watching = move || {
        let mut last = None;
        let mut rest = Rest::default();
        while let Some(running) = running.upgrade() {
            let (held, limit) = (resident.held(0), resident.limit);
            let has_waited = last.is_none_or(|last: Instant| last.elapsed() > GRACE);
            if held > limit || (held > resident.free_of_reserve() && has_waited) {
                last = end_largest(&running, held, limit).or(last);
            }
            if running.is_none() {
                rest.settle(held, &resident);
            } else {
                rest.since = None;
            }
            drop(running);
            std::thread::sleep(if held > limit / 2 { ALERT } else { RESTING });
        }
    };
    std::thread::Builder::new()
        .name("lakegate-memory".to_owned())
        .spawn(watching)?;
    Ok(())
}

/// What was held when nothing ran.
#[derive(Default)]
struct Rest {
    since: Option<Instant>,
    held: usize,
}

impl Rest {
    /// Has the allocator give back what queries left behind: it keeps that until it is asked for more.
    fn settle(&mut self, held: usize, resident: &Resident) {
        let since = *self.since.get_or_insert_with(Instant::now);
        if since.elapsed() < IDLE || held <= self.held + SLACK {
            return;
        }
        if let Some(give_back) = GIVE_BACK.get() {
            give_back();
        }
        self.held = resident.measured();
    }
}

/// When a query was ended, if there was one.
fn end_largest(running: &Running, resident: usize, limit: usize) -> Option<Instant> {
    let query = running.largest()?;
    let message = format!(
        "The service held {resident} of the {limit} bytes of memory that it may, and the query was the largest: reduce it"
    );
    query
        .progress
        .end(Error::new(ErrorCode::MemoryExceeded, message).with("maximum", limit as i64));
    Some(Instant::now())
}

fn resident_bytes(status: &File) -> Option<usize> {
    let mut buffer = [0; 4096];
    let length = status.read_at(&mut buffer, 0).ok()?;
    let text = std::str::from_utf8(&buffer[..length]).ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kilobytes: usize = line.trim().strip_suffix(" kB")?.parse().ok()?;
    Some(kilobytes << 10)
}
