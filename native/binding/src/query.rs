//! A query as JavaScript sees it: start, next until null, summary at any time.

use std::sync::Arc;

use lakegate_core as core;
use napi::bindgen_prelude::{Buffer, Either, Either3, Null};
use napi_derive::napi;

use crate::fault::{Fault, Outcome, outcome};
use crate::freshness::Freshness;
use crate::payload::{decode, encode};

#[napi]
pub struct Query {
    engine: Arc<core::Engine>,
    inner: Arc<core::Query>,
}

/// What is known when the first bytes are ready: a QuerySummary, the bytes, and whether they are the whole body.
#[napi(object)]
pub struct Started {
    pub summary: Buffer,
    pub chunk: Buffer,
    pub complete: bool,
}

/// A QueryIdentity, and what tells whether its tables are still as it says.
#[napi(object, object_from_js = false)]
pub struct Identified {
    pub identity: Buffer,
    pub freshness: Freshness,
}

impl Query {
    pub fn new(session: Arc<core::Session>, work: core::Result<core::Work>) -> Self {
        Self {
            engine: session.engine(),
            inner: Arc::new(core::Query::new(session, work)),
        }
    }
}

#[napi]
impl Query {
    /// Opens and resolves the statement, before `start`; answers what its result depends on.
    #[napi]
    pub async fn identify(&self) -> Outcome<Identified> {
        let identified = self.inner.identify().await;
        outcome(identified.and_then(|(identity, freshness)| {
            Ok(Identified {
                identity: encode(&identity)?,
                freshness: Freshness::new(self.engine.clone(), freshness),
            })
        }))
    }

    /// Puts the rows of ProvidedRelations in the place of relations of the statement: those that the request brings before
    /// `identify`, those of kept views after it.
    #[napi]
    pub async fn provide(&self, relations: Buffer) -> Either<Null, Fault> {
        let provided = async { self.inner.provide(decode(&relations)?).await };
        match provided.await {
            Ok(()) => Either::A(Null),
            Err(error) => Either::B(error.into()),
        }
    }

    /// Keeps the result where a ResultTarget says, besides sending it; false when its rows are on their way already.
    #[napi]
    pub fn keep(&self, target: Buffer) -> Outcome<bool> {
        outcome(decode(&target).map(|target| self.inner.keep(target)))
    }

    /// Waits for the end of a query whose bytes nobody takes; after `start`.
    #[napi]
    pub async fn drain(&self) -> Either<Null, Fault> {
        match self.inner.drain().await {
            Ok(()) => Either::A(Null),
            Err(error) => Either::B(error.into()),
        }
    }

    /// Plans and runs until the first bytes of the body are ready; with `only_light` not, but null, where the plan isn't
    /// over soon: it then waits for another start.
    #[napi]
    pub async fn start(&self, only_light: bool) -> Either3<Started, Null, Fault> {
        match self
            .inner
            .start(only_light)
            .await
            .and_then(|started| started.map(described).transpose())
        {
            Ok(Some(started)) => Either3::A(started),
            Ok(None) => Either3::B(Null),
            Err(error) => Either3::C(error.into()),
        }
    }

    /// Resolves when the work of a query that has ended has let go of its thread.
    #[napi]
    pub async fn rested(&self) {
        self.inner.rested().await;
    }

    /// The following bytes; null when the body is complete.
    #[napi]
    pub async fn next(&self) -> Either3<Buffer, Null, Fault> {
        match self.inner.next().await {
            Ok(Some(bytes)) => Either3::A(bytes.into()),
            Ok(None) => Either3::B(Null),
            Err(error) => Either3::C(error.into()),
        }
    }

    /// The QuerySummary as of now; final once the query has ended.
    #[napi]
    pub fn summary(&self) -> Outcome<Buffer> {
        outcome(encode(&self.inner.summary()))
    }

    /// Ends the query, wherever it is; repeatable.
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancel();
    }
}

fn described(started: core::Started) -> core::Result<Started> {
    Ok(Started {
        summary: encode(&started.summary)?,
        chunk: started.bytes.into(),
        complete: started.complete,
    })
}
