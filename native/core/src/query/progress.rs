//! The state of a query that its reader, its work and its supervisor share.

use std::sync::{Arc, Mutex, OnceLock};
use std::time::Instant;

use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::generated::{ErrorCode, QueryHead, QueryState, QueryStats, QuerySummary};

pub struct Progress {
    pub cancel: CancellationToken,
    /// Why it is ended before its time, where nobody cancelled it.
    reason: OnceLock<Error>,
    /// What of it still has a thread or waits for one.
    working: watch::Sender<usize>,
    started: Instant,
    summary: Mutex<QuerySummary>,
    failure: Mutex<Option<Error>>,
    ended: CancellationToken,
}

/// A step of a query's work, as long as it lasts.
pub struct Working(Arc<Progress>);

impl Drop for Working {
    fn drop(&mut self) {
        self.0.working.send_modify(|steps| *steps -= 1);
    }
}

impl Progress {
    pub fn new() -> Self {
        Self {
            cancel: CancellationToken::new(),
            reason: OnceLock::new(),
            working: watch::Sender::new(0),
            started: Instant::now(),
            summary: Mutex::new(QuerySummary {
                status: QueryState::Pending,
                row_count: 0,
                byte_count: 0,
                truncated: false,
                stored_bytes: None,
                schema: None,
                tables: Vec::new(),
                stats: QueryStats::default(),
                error: None,
            }),
            failure: Mutex::default(),
            ended: CancellationToken::new(),
        }
    }

    pub fn planned(&self, head: &QueryHead) {
        let plan_ms = self.elapsed_ms();
        self.update(|summary| {
            summary.schema = Some(head.schema.clone());
            summary.tables = head.tables.clone();
            summary.stats.plan_ms = plan_ms;
        });
    }

    pub fn running(&self) {
        self.update(|summary| summary.status = QueryState::Running);
    }

    /// Ends it before its time.
    pub fn end(&self, reason: Error) {
        // The first reason stands.
        let _ = self.reason.set(reason);
        self.cancel.cancel();
    }

    /// Resolves when it is ended before its time; why.
    pub async fn ended_early(&self) -> Error {
        self.cancel.cancelled().await;
        let canceled = || Error::new(ErrorCode::QueryCanceled, "The query was cancelled");
        self.reason.get().cloned().unwrap_or_else(canceled)
    }

    /// It works as long as the guard lives, also a plan that nobody waits for any more.
    pub fn working(self: &Arc<Self>) -> Working {
        self.working.send_modify(|steps| *steps += 1);
        Working(self.clone())
    }

    /// Resolves when its work has let go of its thread.
    pub async fn rested(&self) {
        // The sender lives as long as this.
        let _ = self.working.subscribe().wait_for(|steps| *steps == 0).await;
    }

    pub fn first_chunk(&self) {
        let first = self.elapsed_ms();
        self.update(|summary| {
            summary.stats.first_chunk_ms.get_or_insert(first);
        });
    }

    fn elapsed_ms(&self) -> f64 {
        self.started.elapsed().as_micros() as f64 / 1000.0
    }

    /// Microseconds are as exact as it gets: sums of milliseconds are rounded to them.
    fn clock(&self, stats: &mut QueryStats) {
        stats.total_ms = self.elapsed_ms();
        stats.execute_ms = ((stats.total_ms - stats.plan_ms) * 1000.0).round() / 1000.0;
    }

    pub fn update(&self, change: impl FnOnce(&mut QuerySummary)) {
        change(&mut self.summary.lock().expect("no holder panics"));
    }

    pub fn summary(&self) -> QuerySummary {
        let mut summary = self.summary.lock().expect("no holder panics").clone();
        if !self.ended.is_cancelled() {
            self.clock(&mut summary.stats);
        }
        summary
    }

    /// Waits for the end; how it failed, if it did.
    pub async fn outcome(&self) -> Option<Error> {
        self.ended.cancelled().await;
        self.failure.lock().expect("no holder panics").clone()
    }

    pub fn succeed(&self) {
        self.close(QueryState::Succeeded);
    }

    pub fn fail(&self, error: Error) -> Error {
        let state = match error.code {
            ErrorCode::QueryCanceled => QueryState::Canceled,
            _ => QueryState::Failed,
        };
        self.update(|summary| summary.error = Some(error.failure()));
        *self.failure.lock().expect("no holder panics") = Some(error.clone());
        self.close(state);
        error
    }

    fn close(&self, state: QueryState) {
        self.update(|summary| {
            summary.status = state;
            self.clock(&mut summary.stats);
        });
        self.ended.cancel();
    }
}
