//! Ends the largest queries while the process holds more memory than it may: pools only know what is asked of them.

use std::fs::File;
use std::os::unix::fs::FileExt;
use std::sync::{Arc, Mutex, Weak};
use std::time::{Duration, Instant};

use datafusion::execution::memory_pool::MemoryPool;

use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::query::Progress;

/// How often memory is measured, far below the limit and near to it.
const RESTING: Duration = Duration::from_millis(50);
const ALERT: Duration = Duration::from_millis(5);
/// What an ended query has to let go of its memory before the next one is ended, unless the limit is passed.
const GRACE: Duration = Duration::from_millis(100);
/// The share of the limit that is kept free for what queries take until they have ended.
const RESERVE: usize = 10;

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

    /// The one with the most memory in its pool, among equal ones the newest.
    fn largest(&self) -> Option<Arc<RunningQuery>> {
        let queries = self.0.lock().expect("no holder panics");
        let running = queries.iter().filter_map(Weak::upgrade);
        running
            .filter(|query| !query.progress.cancel.is_cancelled())
            .max_by_key(|query| (query.pool.reserved(), query.started))
    }
}

/// Watches the process as long as `running` lives, on a thread that waits for nothing else.
pub fn watch(limit: usize, running: &Arc<Running>) -> Result<()> {
    let Ok(status) = File::open("/proc/self/status") else {
        tracing::warn!("resident memory can't be measured here, and is not limited");
        return Ok(());
    };
    let running = Arc::downgrade(running);
    let watching = move || {
        let mut last = None;
        while let Some(running) = running.upgrade() {
            let resident = resident_bytes(&status).unwrap_or(0);
            let has_waited = last.is_none_or(|last: Instant| last.elapsed() > GRACE);
            if resident > limit || (resident > limit - limit / RESERVE && has_waited) {
                last = end_largest(&running, resident, limit).or(last);
            }
            drop(running);
            std::thread::sleep(if resident > limit / 2 { ALERT } else { RESTING });
        }
    };
    std::thread::Builder::new()
        .name("lakegate-memory".to_owned())
        .spawn(watching)?;
    Ok(())
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
