//! An operation with rows as JavaScript sees it: write until the body ends, then finish.

use lakegate_core as core;
use napi::bindgen_prelude::{Buffer, Null};
use napi_derive::napi;

use crate::fault::{Outcome, outcome};
use crate::payload::{decode, encode};

#[napi]
pub struct Ingest {
    inner: core::Ingest,
}

impl Ingest {
    pub fn new(inner: core::Ingest) -> Self {
        Self { inner }
    }
}

#[napi]
impl Ingest {
    /// Takes the next bytes of the body; resolves when more may come.
    #[napi]
    pub async fn write(&self, chunk: Buffer) -> Outcome<Null> {
        outcome(self.inner.write(chunk.to_vec().into()).await.map(|()| Null))
    }

    /// Takes the rows of a KeptRelation.
    #[napi]
    pub async fn write_kept(&self, relation: Buffer) -> Outcome<Null> {
        let written = async { self.inner.write_kept(&decode(&relation)?).await };
        outcome(written.await.map(|()| Null))
    }

    /// The body is complete: commits, and answers the report.
    #[napi]
    pub async fn finish(&self) -> Outcome<Buffer> {
        outcome(self.inner.finish().await.and_then(|report| encode(&report)))
    }

    /// Gives up: nothing is committed. Repeatable.
    #[napi]
    pub fn cancel(&self) {
        self.inner.cancel();
    }
}
