//! The work of a query: plan, stream, encode, hand over.

use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use datafusion::physical_plan::execute_stream;
use futures::{Stream, StreamExt, TryStreamExt};
use tokio::sync::{mpsc, oneshot};

use super::document;
use super::plan::Plan;
use super::progress::Progress;
use super::query::Chunk;
use super::spool::Spool;
use super::truncate::Budget;
use super::work::{Source, Work};
use crate::encode::{Encoder, Format, ParquetEncoder, RowEncoder, encoder};
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode, QueryHead, QueryState};
use crate::session::Session;

/// Chunks are at least this large, unless the next rows keep one waiting.
const CHUNK: usize = 64 << 10;
const PATIENCE: Duration = Duration::from_millis(5);

pub async fn run(
    session: Arc<Session>,
    work: Work,
    progress: Arc<Progress>,
    send_head: oneshot::Sender<QueryHead>,
    send_chunk: mpsc::Sender<Chunk>,
) -> Result<()> {
    let Work { format, source, wanted } = work;
    let plan = plan_within(session.clone(), source, wanted.row_limit).await?;
    let head = plan.head();
    progress.planned(&head);
    let encoder = encoder(format, plan.schema(), wanted.encoding)
        .map_err(|error| Error::new(ErrorCode::UnsupportedType, error.to_string()))?;
    let mut budget = Budget::new(wanted.row_limit, wanted.byte_limit);
    let mut output = Output::new(&session, wanted.spool, format, head, progress, send_head, send_chunk)?;
    match encoder {
        Encoder::Rows(encoder) => rows(&plan, encoder.into(), &mut output, &mut budget).await?,
        Encoder::Parquet(encoder) => parquet(&plan, *encoder, &mut output, &mut budget).await?,
    }
    output.finish(budget.truncated).await
}

/// Plans on a thread of its own, since planning can't be interrupted: at the deadline it is left alone.
pub async fn plan_within(session: Arc<Session>, source: Source, rows: Option<i64>) -> Result<Plan> {
    let EngineLimits {
        planning_timeout_ms, ..
    } = *session.limits();
    let runtime = tokio::runtime::Handle::current();
    let planning = tokio::task::spawn_blocking(move || runtime.block_on(source.plan(&session, rows)));
    let deadline = Duration::from_millis(planning_timeout_ms as u64);
    match tokio::time::timeout(deadline, planning).await {
        Ok(planned) => planned?,
        Err(_) => {
            let message = format!("Planning the statement took longer than {planning_timeout_ms} ms: make it simpler");
            Err(Error::new(ErrorCode::PlanningTimeout, message))
        }
    }
}

async fn rows(plan: &Plan, encoder: Arc<dyn RowEncoder>, output: &mut Output, budget: &mut Budget) -> Result<()> {
    output.write(0, encoder.head()).await?;
    let mut encoded = encode_ahead(plan, encoder.clone())?;
    while let Some((batch, bytes)) = output.next_of(&mut encoded).await? {
        let taken = budget.take_rows(batch.clone());
        let bytes = match taken.num_rows() == batch.num_rows() {
            true => bytes,
            false => encoder.rows(&taken)?,
        };
        let (count, bytes) = budget.take_bytes(&taken, bytes, |part| Ok(encoder.rows(part)?))?;
        output.write(count, bytes).await?;
        if budget.truncated {
            break;
        }
    }
    output.write(0, encoder.tail()).await
}

/// Encodes batches on other threads while the scan goes on, in order, as many at once as there are cores.
fn encode_ahead(
    plan: &Plan,
    encoder: Arc<dyn RowEncoder>,
) -> Result<impl Stream<Item = Result<(RecordBatch, Vec<u8>)>> + Unpin + Send + use<>> {
    let workers = plan.task.session_config().target_partitions();
    let batches = execute_stream(plan.physical.clone(), plan.task.clone())?;
    let encoded = batches.map(move |batch| {
        let encoder = encoder.clone();
        async move {
            let batch = batch?;
            tokio::spawn(async move {
                let bytes = encoder.rows(&batch)?;
                Ok((batch, bytes))
            })
            .await?
        }
    });
    Ok(Box::pin(encoded.buffered(workers)))
}

async fn parquet(plan: &Plan, mut encoder: ParquetEncoder, output: &mut Output, budget: &mut Budget) -> Result<()> {
    let batches = execute_stream(plan.physical.clone(), plan.task.clone())?;
    let mut batches = batches.map_err(Error::from);
    while let Some(batch) = output.next_of(&mut batches).await? {
        let batch = budget.take_rows(batch);
        // Row groups are compressed together: the limit holds for the rows in memory.
        let size = vec![0; batch.get_array_memory_size()];
        let (count, _) = budget.take_bytes(&batch, size, |part| Ok(vec![0; sliced_size(part)]))?;
        let bytes = encoder.write(&batch.slice(0, count))?;
        output.write(count, bytes).await?;
        if budget.truncated {
            break;
        }
    }
    let facts = vec![
        ("lakegate.row_count".to_owned(), output.rows.to_string()),
        ("lakegate.truncated".to_owned(), budget.truncated.to_string()),
    ];
    let bytes = encoder.finish(facts)?;
    output.write(0, bytes).await
}

/// Where encoded rows go: to the reader as they come, or into a spool until all are there.
struct Output {
    format: Format,
    head: QueryHead,
    progress: Arc<Progress>,
    send_head: Option<oneshot::Sender<QueryHead>>,
    send_chunk: mpsc::Sender<Chunk>,
    spool: Option<Spool>,
    pending: Vec<u8>,
    rows: usize,
    bytes: usize,
}

impl Output {
    fn new(
        session: &Session,
        spool: bool,
        format: Format,
        head: QueryHead,
        progress: Arc<Progress>,
        send_head: oneshot::Sender<QueryHead>,
        send_chunk: mpsc::Sender<Chunk>,
    ) -> Result<Self> {
        let config = &session.engine.config;
        let spooled = spool || document::needs_count(format);
        let pending = match spooled {
            true => Vec::new(),
            false => document::head(format, &progress.id, &head, 0)?,
        };
        Ok(Self {
            format,
            head,
            progress,
            send_head: Some(send_head),
            send_chunk,
            spool: spooled.then(|| Spool::new(&config.spill_folder, config.spill_limit_bytes)),
            pending,
            rows: 0,
            bytes: 0,
        })
    }

    /// The next item; what is pending is sent on if the item keeps it waiting.
    async fn next_of<T>(&mut self, items: &mut (impl Stream<Item = Result<T>> + Unpin)) -> Result<Option<T>> {
        if self.rows > 0 && !self.pending.is_empty() {
            match tokio::time::timeout(PATIENCE, items.try_next()).await {
                Ok(item) => return item,
                Err(_) => self.flush().await?,
            }
        }
        items.try_next().await
    }

    async fn write(&mut self, rows: usize, mut bytes: Vec<u8>) -> Result<()> {
        let is_first_row = self.rows == 0 && rows > 0;
        if is_first_row && self.format == Format::Json {
            bytes.remove(0);
        }
        self.rows += rows;
        self.bytes += bytes.len();
        let (row_count, byte_count) = (self.rows as i64, self.bytes as i64);
        self.progress.update(|summary| {
            summary.row_count = row_count;
            summary.byte_count = byte_count;
        });
        if self.pending.is_empty() {
            self.pending = bytes;
        } else {
            self.pending.extend_from_slice(&bytes);
        }
        if self.pending.len() >= CHUNK && self.rows > 0 {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.pending);
        match &mut self.spool {
            Some(spool) => spool.write(&bytes),
            None => self.send(bytes, false).await,
        }
    }

    async fn finish(mut self, truncated: bool) -> Result<()> {
        self.progress.first_chunk();
        self.progress.update(|summary| {
            summary.truncated = truncated;
            summary.status = QueryState::Succeeded;
        });
        let tail = document::tail(self.format, &self.progress.summary())?;
        if let Some(mut spool) = self.spool.take() {
            spool.write(&self.pending)?;
            spool.rewind()?;
            self.pending = document::head(self.format, &self.progress.id, &self.head, self.rows as i64)?;
            loop {
                let bytes = spool.read()?;
                if bytes.is_empty() {
                    break;
                }
                self.pending.extend_from_slice(&bytes);
                if self.pending.len() >= CHUNK {
                    self.flush().await?;
                }
            }
        }
        self.pending.extend_from_slice(&tail);
        let bytes = std::mem::take(&mut self.pending);
        self.send(bytes, true).await
    }

    async fn send(&mut self, bytes: Vec<u8>, is_last: bool) -> Result<()> {
        if let Some(send_head) = self.send_head.take() {
            self.progress.first_chunk();
            // A reader that is gone cancels the query itself.
            let _ = send_head.send(self.head.clone());
        }
        let sent = self.send_chunk.send(Chunk { bytes, is_last }).await;
        sent.map_err(|_| Error::new(ErrorCode::QueryCanceled, "The reader of the result went away"))
    }
}

fn sliced_size(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}
