//! The state of a query that its reader, its work and its supervisor share.

use std::sync::Mutex;
use std::time::Instant;

use tokio_util::sync::CancellationToken;

use crate::error::Error;
use crate::generated::{ErrorCode, QueryHead, QueryState, QueryStats, QuerySummary};

pub struct Progress {
    pub cancel: CancellationToken,
    started: Instant,
    summary: Mutex<QuerySummary>,
    failure: Mutex<Option<Error>>,
    ended: CancellationToken,
}

impl Progress {
    pub fn new() -> Self {
        Self {
            cancel: CancellationToken::new(),
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
            summary.status = QueryState::Running;
            summary.schema = Some(head.schema.clone());
            summary.tables = head.tables.clone();
            summary.stats.plan_ms = plan_ms;
        });
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
        self.end(QueryState::Succeeded);
    }

    pub fn fail(&self, error: Error) -> Error {
        let state = match error.code {
            ErrorCode::QueryCanceled => QueryState::Canceled,
            _ => QueryState::Failed,
        };
        self.update(|summary| summary.error = Some(error.failure()));
        *self.failure.lock().expect("no holder panics") = Some(error.clone());
        self.end(state);
        error
    }

    fn end(&self, state: QueryState) {
        self.update(|summary| {
            summary.status = state;
            self.clock(&mut summary.stats);
        });
        self.ended.cancel();
    }
}
