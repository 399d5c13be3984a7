//! When the checkpoints of a table are written.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use tokio::sync::MutexGuard;

/// As many times as long as a checkpoint took none is written after it, where the table says no interval: commits that come
/// fast would have half of a processor write checkpoints.
const REST: u32 = 9;
const LONGEST_REST: Duration = Duration::from_secs(60);

#[derive(Default)]
pub struct Checkpoints {
    writing: tokio::sync::Mutex<()>,
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    /// The last version that one was due at.
    due_at: i64,
    /// Whether one that was due isn't begun yet.
    is_awaited: bool,
    rests_until: Option<Instant>,
    /// Why the last one wasn't written.
    failure: Option<String>,
}

impl Checkpoints {
    /// Held while one is written.
    pub async fn alone(&self) -> MutexGuard<'_, ()> {
        self.writing.lock().await
    }

    /// Whether whoever made `version`, at which one is due, has to write it: commits that shared a version need one, and
    /// those before it is begun none of their own.
    pub fn is_for(&self, version: i64) -> bool {
        let mut state = self.state.lock().expect("no holder panics");
        let is_new = !state.is_awaited && std::mem::replace(&mut state.due_at, version) != version;
        state.is_awaited |= is_new;
        is_new
    }

    /// Why the last one wasn't written, told once.
    pub fn take_failure(&self) -> Option<String> {
        self.state.lock().expect("no holder panics").failure.take()
    }

    /// Writes one that is due: at once, or when the one before is long enough ago.
    pub async fn write(&self, may_rest: bool, written: impl Future<Output = Result<(), String>>) {
        let rests_until = self.state.lock().expect("no holder panics").rests_until;
        if let Some(until) = rests_until.filter(|_| may_rest) {
            tokio::time::sleep_until(until.into()).await;
        }
        let _alone = self.alone().await;
        self.state.lock().expect("no holder panics").is_awaited = false;
        let started = Instant::now();
        let failure = written.await.err();
        let rest = (started.elapsed() * REST).min(LONGEST_REST);
        let mut state = self.state.lock().expect("no holder panics");
        state.rests_until = Some(Instant::now() + rest);
        state.failure = failure;
    }
}
