//! Where the rows of a result come from: a plan that runs, or a result that is kept.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use arrow::record_batch::RecordBatch;
use datafusion::execution::memory_pool::MemoryPool;
use datafusion::physical_plan::execute_stream;
use futures::stream::{BoxStream, Stream, StreamExt, TryStreamExt};

use super::plan::Plan;
use super::run::plan_within;
use super::work::{Source, StoredRows};
use crate::error::{Error, Result};
use crate::generated::QueryHead;
use crate::results::{StoredBody, stored_rows};
use crate::session::Session;

pub struct Rows {
    pub head: QueryHead,
    pub schema: SchemaRef,
    pub batches: BoxStream<'static, Result<RecordBatch>>,
    /// How many batches may be encoded at once.
    pub workers: usize,
    /// Whether rows are missing already.
    pub truncated: bool,
    /// Keeps the stores of its tables alive.
    plan: Option<Plan>,
}

impl Rows {
    pub async fn open(session: Arc<Session>, source: Source, rows: Option<i64>) -> Result<Self> {
        match source {
            Source::Stored(stored) => Self::of_stored(&session, stored).await,
            Source::Planned(plan) => Self::of_plan(*plan),
            planned => Self::of_plan(plan_within(session, planned, rows).await?),
        }
    }

    /// The memory that the plan has for itself.
    pub fn pool(&self) -> Option<Arc<dyn MemoryPool>> {
        let plan = self.plan.as_ref()?;
        Some(plan.task.runtime_env().memory_pool.clone())
    }

    /// The batches, with what they need to be read.
    pub fn into_batches(self) -> impl Stream<Item = Result<RecordBatch>> + Unpin + Send {
        let Self { batches, plan, .. } = self;
        batches.inspect(move |_| _ = &plan)
    }

    fn of_plan(plan: Plan) -> Result<Self> {
        let batches = execute_stream(plan.physical.clone(), plan.task.clone())?;
        Ok(Self {
            head: plan.head(),
            schema: plan.schema(),
            batches: batches.map_err(Error::from).boxed(),
            workers: plan.task.session_config().target_partitions(),
            truncated: false,
            plan: Some(plan),
        })
    }

    async fn of_stored(session: &Session, stored: StoredRows) -> Result<Self> {
        let body = StoredBody::open(&stored.path, &stored.key, false).await?;
        let (head, truncated) = (body.result().head.clone(), body.result().truncated);
        let (schema, batches) = stored_rows(body, stored.offset).await?;
        Ok(Self {
            head,
            schema,
            batches,
            workers: session.state().config().target_partitions(),
            truncated,
            plan: None,
        })
    }
}
