//! One query: started once, read chunk by chunk, cancelled at any time.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use futures::FutureExt;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::keep::KeepSlot;
use super::plan::{Plan, PlanRequest, read, read_again};
use super::progress::Progress;
use super::read::Read;
use super::run::{at_once, run, within};
use super::threads::{Threads, counted};
use super::work::{Source, Work};
use crate::error::{Error, Result};
use crate::execution;
use crate::generated::{ErrorCode, ProvidedRelations, QueryIdentity, QuerySummary, ResultTarget};
use crate::session::{Session, bounded, least};
use crate::table::Freshness;

/// Chunks that wait for a slow reader; the query stands still behind them.
const WAITING: usize = 2;

/// How often it is looked whether the threads of an ended query are free.
const LOOK: Duration = Duration::from_millis(20);

pub struct Query {
    session: Arc<Session>,
    work: Mutex<Option<Result<Work>>>,
    slot: Arc<KeepSlot>,
    progress: Arc<Progress>,
    chunks: tokio::sync::Mutex<Option<mpsc::Receiver<Chunk>>>,
}

/// A piece of the encoded body.
pub struct Chunk {
    pub bytes: Vec<u8>,
    pub is_last: bool,
}

/// What is known when the first bytes are ready.
pub struct Started {
    pub summary: QuerySummary,
    pub bytes: Vec<u8>,
    /// Whether these bytes are the whole body.
    pub complete: bool,
}

impl Query {
    /// A query that has not begun; a request that can't be read fails it when it is started.
    pub fn new(session: Arc<Session>, work: Result<Work>) -> Self {
        Self {
            session,
            work: Mutex::new(Some(work)),
            slot: Arc::default(),
            progress: Arc::new(Progress::new()),
            chunks: tokio::sync::Mutex::default(),
        }
    }

    /// Opens and resolves a statement: what its result depends on, and what tells whether that has changed.
    pub async fn identify(&self) -> Result<(QueryIdentity, Freshness)> {
        let work = self.work.lock().expect("no holder panics").take();
        let work = work.unwrap_or_else(|| Err(Error::internal("a query is identified before it starts")));
        let (work, known) = self.read(work).await.map_err(|error| self.progress.fail(error))?;
        *self.work.lock().expect("no holder panics") = Some(Ok(work));
        Ok(known)
    }

    async fn read(&self, work: Result<Work>) -> Result<(Work, (QueryIdentity, Freshness))> {
        let mut work = self.with_defaults(work?)?;
        let Source::Sql(request) = work.source else {
            return Err(Error::internal("only a statement is identified"));
        };
        let read = match at_once(&self.session, read_again(&self.session, &request)).await {
            Some(read) => read,
            None => self.read_anew(request).await?,
        };
        let known = (read.identity(&self.session, work.wanted.row_limit)?, read.freshness());
        work.source = Source::Read(Box::new(read));
        Ok((work, known))
    }

    async fn read_anew(&self, request: PlanRequest) -> Result<Read> {
        let (session, working) = (self.session.clone(), self.progress.working());
        let reading = async move {
            let _working = working;
            read(&session, &request).await
        };
        within(&self.session, reading).await
    }

    /// Puts rows in the place of relations: before it is identified, those of the request; after it, those of views.
    /// Where they can't be read, the query is as it was.
    pub async fn provide(&self, provided: ProvidedRelations) -> Result<()> {
        let work = self.work.lock().expect("no holder panics").take();
        let mut work = work.unwrap_or_else(|| Err(Error::internal("rows are provided before a query starts")))?;
        let outcome = match &mut work.source {
            Source::Sql(request) => {
                work.wanted.whole = provided.whole;
                request.provided = provided;
                Ok(())
            }
            Source::Read(read) => read.provide(&self.session, &provided).await,
            Source::Changes(_) | Source::Planned(_) | Source::Stored(_) => {
                Err(Error::internal("only a statement has relations"))
            }
        };
        *self.work.lock().expect("no holder panics") = Some(Ok(work));
        outcome
    }

    /// Keeps the result beside sending it; whether there was still time to.
    pub fn keep(&self, target: ResultTarget) -> bool {
        self.slot.fill(target)
    }

    /// Waits for the end of a query whose bytes nobody takes.
    pub async fn drain(&self) -> Result<()> {
        while self.next().await?.is_some() {}
        Ok(())
    }

    /// Plans and runs until the first bytes of the body are ready; `only_light`: unless it isn't over soon.
    pub async fn start(&self, only_light: bool) -> Result<Option<Started>> {
        let work = self.work.lock().expect("no holder panics").take();
        let work = work.unwrap_or_else(|| Err(Error::internal("a query is started once")));
        let planned = async { Box::pin(self.planned(self.with_defaults(work?)?)).await };
        let work = planned.await.map_err(|error| self.progress.fail(error))?;
        if only_light && !work.is_light() {
            *self.work.lock().expect("no holder panics") = Some(Ok(work));
            return Ok(None);
        }
        Box::pin(self.run(work)).await.map(Some)
    }

    async fn planned(&self, mut work: Work) -> Result<Work> {
        if matches!(work.source, Source::Planned(_) | Source::Stored(_)) {
            return Ok(work);
        }
        let plan = tokio::select! {
            plan = self.plan(work.source, work.wanted.row_limit) => plan?,
            reason = self.progress.ended_early() => return Err(reason),
        };
        self.progress.planned(&plan.head());
        work.source = Source::Planned(Box::new(plan));
        Ok(work)
    }

    async fn plan(&self, source: Source, rows: Option<i64>) -> Result<Plan> {
        if let Some(plan) = at_once(&self.session, source.planned_before(&self.session, rows)).await {
            return Ok(plan);
        }
        let (session, working) = (self.session.clone(), self.progress.working());
        let planning = async move {
            let _working = working;
            source.plan(&session, rows).await
        };
        within(&self.session, planning).await
    }

    async fn run(&self, work: Work) -> Result<Started> {
        let mut chunks = self.chunks.lock().await;
        let (send_chunk, mut receiver) = mpsc::channel(WAITING);
        let deadline = Duration::from_millis(work.wanted.timeout_ms.unwrap_or_default() as u64);
        let is_light = work.is_light();
        let work = run(
            self.session.clone(),
            work,
            self.slot.clone(),
            self.progress.clone(),
            send_chunk,
        );
        let working = self.progress.working();
        let threads = Arc::new(Threads::new(&self.progress.cancel));
        let work = counted(threads.clone(), guarded(work));
        let task = match is_light {
            true => tokio::spawn(work),
            false => execution::runtime().spawn(work),
        };
        let supervision = supervise(task, deadline, self.progress.clone(), threads);
        tokio::spawn(supervision.map(|()| drop(working)));
        // Work that keeps its thread beyond its end has the channel still open.
        let first = tokio::select! {
            biased;
            first = receiver.recv() => first,
            Some(error) = self.progress.outcome() => return Err(error),
        };
        let Some(first) = first else {
            let error = self.progress.outcome().await;
            return Err(error.unwrap_or_else(|| Error::internal("a query without a body")));
        };
        if first.is_last {
            self.progress.outcome().await;
        }
        *chunks = Some(receiver);
        Ok(Started {
            summary: self.summary(),
            bytes: first.bytes,
            complete: first.is_last,
        })
    }

    /// The following bytes, or nothing when the body is complete.
    pub async fn next(&self) -> Result<Option<Vec<u8>>> {
        let mut chunks = self.chunks.lock().await;
        if let Some(receiver) = chunks.as_mut() {
            let chunk = tokio::select! {
                biased;
                chunk = receiver.recv() => chunk,
                Some(error) = self.progress.outcome() => return Err(error),
            };
            if let Some(chunk) = chunk {
                return Ok(Some(chunk.bytes));
            }
        }
        match self.progress.outcome().await {
            None => Ok(None),
            Some(error) => Err(error),
        }
    }

    /// Ends the query, wherever it is.
    pub fn cancel(&self) {
        self.progress.cancel.cancel();
    }

    /// Resolves when its work has let go of its thread, which after the end takes as long as a step of it does.
    pub async fn rested(&self) {
        self.progress.rested().await;
    }

    pub fn summary(&self) -> QuerySummary {
        self.progress.summary()
    }

    fn with_defaults(&self, mut work: Work) -> Result<Work> {
        let defaults = &self.session.effective_profile().defaults;
        let wanted = &mut work.wanted;
        let terms = self.session.terms();
        wanted.row_limit = least(wanted.row_limit.or(defaults.row_limit), terms.row_limit);
        wanted.byte_limit = least(wanted.byte_limit.or(defaults.byte_limit), terms.byte_limit);
        wanted.timeout_ms = wanted.timeout_ms.or(defaults.timeout_ms);
        let timeout = wanted.timeout_ms.unwrap_or_default();
        bounded("timeout_ms", timeout, self.session.limits().timeout_ms)?;
        Ok(work)
    }
}

impl Drop for Query {
    fn drop(&mut self) {
        self.cancel();
    }
}

async fn guarded(work: impl Future<Output = Result<()>>) -> Result<()> {
    match AssertUnwindSafe(work).catch_unwind().await {
        Ok(result) => result,
        Err(_) => Err(Error::internal("The engine failed on this query; others go on")),
    }
}

/// Ends the work at its deadline or when it is cancelled, and records how it ended.
async fn supervise(
    mut work: JoinHandle<Result<()>>,
    deadline: Duration,
    progress: Arc<Progress>,
    threads: Arc<Threads>,
) {
    let result = tokio::select! {
        result = &mut work => result.unwrap_or_else(|error| Err(error.into())),
        reason = progress.ended_early() => Err(reason),
        () = tokio::time::sleep(deadline) => {
            let message = format!("The query ran longer than its {} ms", deadline.as_millis());
            Err(Error::new(ErrorCode::QueryTimeout, message))
        }
    };
    work.abort();
    threads.end();
    match result {
        Ok(()) => progress.succeed(),
        Err(error) => {
            progress.fail(error);
        }
    }
    while !work.is_finished() || threads.busy() > 0 {
        tokio::time::sleep(LOOK).await;
    }
}
