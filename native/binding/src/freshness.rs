//! Whether tables still are as a query found them, as JavaScript asks it.

use std::sync::Arc;

use lakegate_core as core;
use napi_derive::napi;

use crate::fault::{Outcome, outcome};

#[napi]
pub struct Freshness {
    engine: Arc<core::Engine>,
    inner: core::Freshness,
}

impl Freshness {
    pub fn new(engine: Arc<core::Engine>, inner: core::Freshness) -> Self {
        Self { engine, inner }
    }
}

#[napi]
impl Freshness {
    /// What is known at once; null where a table has to be asked.
    #[napi]
    pub fn now(&self) -> Option<bool> {
        self.engine.is_fresh_now(&self.inner)
    }

    #[napi]
    pub async fn check(&self) -> Outcome<bool> {
        outcome(self.engine.is_fresh(&self.inner).await)
    }
}
