//! A session as JavaScript sees it.

use std::sync::Arc;

use lakegate_core as core;
use lakegate_core::encode::Format;
use lakegate_core::generated::{ErrorCode, Validate};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;
use serde::de::DeserializeOwned;

use crate::fault::{Outcome, outcome};
use crate::payload::{decode, encode};
use crate::query::Query;

#[napi]
pub struct Session {
    pub(crate) inner: Arc<core::Session>,
}

impl Session {
    pub fn new(session: core::Session) -> Self {
        Self {
            inner: Arc::new(session),
        }
    }

    /// A query whose work `make` makes of the format and the request.
    pub(crate) fn prepare<T: DeserializeOwned + Validate>(
        &self,
        format: &str,
        request: &[u8],
        make: impl FnOnce(Format, T) -> core::Work,
    ) -> Query {
        let work = match format.parse() {
            Ok(format) => decode(request).map(|request| make(format, request)),
            Err(message) => Err(core::Error::new(ErrorCode::NotAcceptable, message)),
        };
        Query::new(self.inner.clone(), work)
    }
}

#[napi]
impl Session {
    /// The SessionProfile with every value filled in.
    #[napi]
    pub fn effective_profile(&self) -> Outcome<Buffer> {
        outcome(encode(self.inner.effective_profile()))
    }

    /// Prepares a QueryRequest; whatever is wrong with it fails `start`.
    #[napi]
    pub fn query(&self, format: String, request: Buffer) -> Query {
        self.prepare(&format, &request, core::Work::query)
    }

    /// Prepares a StoredQuery.
    #[napi]
    pub fn stored(&self, format: String, request: Buffer) -> Query {
        self.prepare(&format, &request, core::Work::stored)
    }

    /// Plans a ViewSpec as it would be registered as `name`, and the views of `dependents` over it; answers a ViewPlan.
    #[napi]
    pub async fn plan_view(&self, name: String, spec: Buffer, dependents: Vec<String>) -> Outcome<Buffer> {
        outcome(plan_view(&self.inner, &name, &spec, &dependents).await)
    }

    /// Reads the statements of a NodeReading; answers NodeStatements.
    #[napi]
    pub async fn read_nodes(&self, reading: Buffer) -> Outcome<Buffer> {
        outcome(read_nodes(&self.inner, &reading).await)
    }

    /// Plans the nodes of a NodePlanning; answers NodePlans.
    #[napi]
    pub async fn plan_nodes(&self, planning: Buffer) -> Outcome<Buffer> {
        outcome(plan_nodes(&self.inner, &planning).await)
    }

    /// Plans an ExplainRequest over ProvidedRelations; answers an Explanation.
    #[napi]
    pub async fn explain(&self, request: Buffer, provided: Buffer) -> Outcome<Buffer> {
        outcome(explain(&self.inner, &request, &provided).await)
    }
}

async fn explain(session: &Arc<core::Session>, request: &[u8], provided: &[u8]) -> core::Result<Buffer> {
    encode(&session.explain(decode(request)?, decode(provided)?).await?)
}

async fn read_nodes(session: &Arc<core::Session>, reading: &[u8]) -> core::Result<Buffer> {
    encode(&session.read_nodes(decode(reading)?).await?)
}

async fn plan_nodes(session: &Arc<core::Session>, planning: &[u8]) -> core::Result<Buffer> {
    encode(&session.plan_nodes(decode(planning)?).await?)
}

async fn plan_view(
    session: &Arc<core::Session>,
    name: &str,
    spec: &[u8],
    dependents: &[String],
) -> core::Result<Buffer> {
    encode(&session.plan_view(name, decode(spec)?, dependents).await?)
}
