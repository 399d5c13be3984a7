//! A query as JavaScript sees it: start, next until null, summary at any time.

use std::sync::Arc;

use lakegate_core as core;
use napi::bindgen_prelude::{Buffer, Either3, Null};
use napi_derive::napi;

use crate::fault::{Fault, Outcome, outcome};
use crate::payload::encode;

#[napi]
pub struct Query {
    inner: Arc<core::Query>,
}

/// What is known when the first bytes are ready: a QueryHead, the bytes, and whether they are the whole body.
#[napi(object)]
pub struct Started {
    pub head: Buffer,
    pub chunk: Buffer,
    pub complete: bool,
}

impl Query {
    pub fn new(session: Arc<core::Session>, id: String, work: core::Result<core::Work>) -> Self {
        Self {
            inner: Arc::new(core::Query::new(session, id, work)),
        }
    }
}

#[napi]
impl Query {
    /// Plans and runs until the first bytes of the body are ready.
    #[napi]
    pub async fn start(&self) -> Outcome<Started> {
        let started = self.inner.start().await;
        outcome(started.and_then(|started| {
            Ok(Started {
                head: encode(&started.head)?,
                chunk: started.bytes.into(),
                complete: started.complete,
            })
        }))
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
