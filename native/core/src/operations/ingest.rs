//! An operation whose rows arrive in pieces.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use tokio::task::{AbortHandle, JoinHandle};

use super::operation::{Operation, operate};
use super::report::Report;
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::{KeptRelation, OperationContext};
use crate::results::StoredBody;
use crate::rows::{BodySender, RowsFormat, body};

/// Given up or dropped before its end it commits nothing.
pub struct Ingest {
    body: Mutex<Option<BodySender>>,
    progress: tokio::sync::Mutex<Progress>,
    abort: AbortHandle,
}

enum Progress {
    Running(JoinHandle<Result<Report>>),
    /// Before all rows came: a repeat needs none of them.
    Done(Report),
    Over,
}

impl Ingest {
    pub fn start(engine: Arc<Engine>, operation: Operation, context: OperationContext, format: RowsFormat) -> Self {
        let (sender, body) = body();
        let running = tokio::spawn(async move { operate(&engine, operation, context, Some((body, format))).await });
        Self {
            body: Mutex::new(Some(sender)),
            abort: running.abort_handle(),
            progress: tokio::sync::Mutex::new(Progress::Running(running)),
        }
    }

    /// Takes the next bytes; says what went wrong where the operation has failed before they came.
    pub async fn write(&self, bytes: Bytes) -> Result<()> {
        let body = self.body.lock().expect("no holder panics").clone();
        let is_wanted = match body {
            Some(body) => body.write(bytes).await,
            None => return Err(given_up()),
        };
        if !is_wanted {
            let mut progress = self.progress.lock().await;
            let report = conclude(&mut progress).await?;
            *progress = Progress::Done(report);
        }
        Ok(())
    }

    /// Takes the bytes of kept rows, in Arrow.
    pub async fn write_kept(&self, relation: &KeptRelation) -> Result<()> {
        let body = StoredBody::open(&relation.path, &relation.key, false).await?;
        let mut next = 0;
        loop {
            let bytes = body.read(next, u64::MAX).await?;
            if bytes.is_empty() {
                return Ok(());
            }
            next += bytes.len() as u64;
            self.write(bytes.into()).await?;
        }
    }

    /// All bytes are there: waits for the commit.
    pub async fn finish(&self) -> Result<Report> {
        let body = self.body.lock().expect("no holder panics").take();
        match body {
            Some(body) => body.end().await,
            None => return Err(given_up()),
        }
        conclude(&mut *self.progress.lock().await).await
    }

    /// Commits nothing, unless the commit is being made. Repeatable.
    pub fn cancel(&self) {
        self.body.lock().expect("no holder panics").take();
        self.abort.abort();
    }
}

async fn conclude(progress: &mut Progress) -> Result<Report> {
    match std::mem::replace(progress, Progress::Over) {
        Progress::Running(running) => running.await?,
        Progress::Done(report) => Ok(report),
        Progress::Over => Err(given_up()),
    }
}

fn given_up() -> Error {
    Error::internal("The rows have ended, or were given up")
}

impl Drop for Ingest {
    fn drop(&mut self) {
        self.cancel();
    }
}
