//! Kept results as JavaScript sees them.

use lakegate_core as core;
use lakegate_core::StoredBody;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::fault::{Outcome, outcome};
use crate::payload::encode;

#[napi]
pub struct StoredResult {
    body: StoredBody,
}

#[napi]
impl StoredResult {
    /// Opens the kept result of `key`; with `verify` every block of it is checked first.
    #[napi]
    pub async fn open(path: String, key: String, verify: bool) -> Outcome<StoredResult> {
        let body = StoredBody::open(&path, &key, verify).await;
        outcome(body.map(|body| Self { body }))
    }

    /// What it says about itself: a StoredResult.
    #[napi]
    pub fn describe(&self) -> Outcome<Buffer> {
        outcome(encode(self.body.result()))
    }

    /// Bytes of the body from `start` on, `length` at most and often fewer; none at its end.
    #[napi]
    pub async fn read(&self, start: i64, length: i64) -> Outcome<Buffer> {
        outcome(read(&self.body, start, length).await)
    }
}

async fn read(body: &StoredBody, start: i64, length: i64) -> core::Result<Buffer> {
    Ok(body.read(start.max(0) as u64, length.max(0) as u64).await?.into())
}
