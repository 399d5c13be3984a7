//! The work of a query: plan, stream, encode, hand over.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use arrow::record_batch::RecordBatch;
use futures::{FutureExt, Stream, StreamExt, TryStreamExt};
use tokio::sync::mpsc;

use super::document;
use super::keep::{KeepSlot, Keeper};
use super::plan::Plan;
use super::progress::Progress;
use super::query::Chunk;
use super::rows::Rows;
use super::spool::Spool;
use super::truncate::Budget;
use super::work::{Source, Work};
use crate::encode::{Encoder, Format, ParquetEncoder, RowEncoder, encoder};
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode, QueryHead, QueryState};
use crate::session::Session;

/// Chunks are at least this large, unless the next rows keep one waiting.
const CHUNK: usize = 64 << 10;
/// So many rows are encoded sooner than another thread takes them up.
const FEW: usize = 64;
const PATIENCE: Duration = Duration::from_millis(5);

pub async fn run(
    session: Arc<Session>,
    work: Work,
    slot: Arc<KeepSlot>,
    progress: Arc<Progress>,
    send_chunk: mpsc::Sender<Chunk>,
) -> Result<()> {
    let Work { format, source, wanted } = work;
    let is_planned = matches!(source, Source::Planned(_));
    let rows = Rows::open(session.clone(), source, wanted.row_limit).await?;
    if !is_planned {
        progress.planned(&rows.head);
    }
    progress.running();
    let running = &session.engine.running;
    let _running = rows.pool().map(|pool| running.add(pool, progress.clone()));
    let encoder = encoder(format, rows.schema.clone(), wanted.encoding)
        .map_err(|error| Error::new(ErrorCode::UnsupportedType, error.to_string()))?;
    let mut budget = Budget::new(wanted.row_limit, wanted.byte_limit);
    let keeper = Keeper::new(slot, format, rows.schema.clone());
    let head = rows.head.clone();
    let mut output = Output::new(&session, wanted.spool, format, head, keeper, progress, send_chunk)?;
    let tail = match encoder {
        Encoder::Rows(encoder) => encode_rows(rows, encoder.into(), &mut output, &mut budget).await?,
        Encoder::Parquet(encoder) => encode_parquet(rows, *encoder, &mut output, &mut budget).await?,
    };
    if budget.truncated && wanted.whole {
        return Err(beyond(wanted.row_limit, output.rows, wanted.byte_limit));
    }
    output.finish(tail, budget.truncated).await
}

pub async fn plan_within(session: Arc<Session>, source: Source, rows: Option<i64>) -> Result<Plan> {
    let planning = session.clone();
    within(&session, async move { source.plan(&planning, rows).await }).await
}

/// Plans on a thread of its own, since planning can't be interrupted: at the deadline it is left alone.
pub async fn within<T: Send + 'static>(
    session: &Session,
    planning: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let EngineLimits {
        planning_timeout_ms, ..
    } = *session.limits();
    let runtime = tokio::runtime::Handle::current();
    let planning = tokio::task::spawn_blocking(move || runtime.block_on(planning));
    let deadline = Duration::from_millis(planning_timeout_ms as u64);
    match tokio::time::timeout(deadline, planning).await {
        Ok(planned) => planned?,
        Err(_) => {
            let message = format!("Planning the statement took longer than {planning_timeout_ms} ms: make it simpler");
            Err(Error::new(ErrorCode::PlanningTimeout, message))
        }
    }
}

/// What was planned before takes no thread of its own. Where it fails or waits for too long there is nothing: whoever plans
/// it anew is told why.
pub async fn at_once<T>(session: &Session, known: impl Future<Output = Option<T>>) -> Option<T> {
    let deadline = Duration::from_millis(session.limits().planning_timeout_ms as u64);
    let known = AssertUnwindSafe(known).catch_unwind();
    tokio::time::timeout(deadline, known).await.ok()?.ok()?
}

/// Sends all rows; gives the bytes after them.
async fn encode_rows(
    rows: Rows,
    encoder: Arc<dyn RowEncoder>,
    output: &mut Output,
    budget: &mut Budget,
) -> Result<Vec<u8>> {
    output.write_head(encoder.head());
    let truncated = rows.truncated;
    let mut encoded = encode_ahead(rows, encoder.clone(), output.keeper.encoder());
    while let Some(Encoded { batch, bytes, kept }) = output.next_of(&mut encoded).await? {
        let taken = budget.take_rows(batch.clone());
        let bytes = match taken.num_rows() == batch.num_rows() {
            true => bytes,
            false => encoder.rows(&taken)?,
        };
        let (count, bytes) = budget.take_bytes(&taken, bytes, |part| Ok(encoder.rows(part)?))?;
        let kept = kept.filter(|_| count == batch.num_rows());
        output.write_rows(&taken.slice(0, count), bytes, kept).await?;
        if budget.truncated {
            break;
        }
    }
    budget.truncated |= truncated;
    Ok(encoder.tail())
}

/// A batch with its bytes, and those of its copy where one is kept in another format.
struct Encoded {
    batch: RecordBatch,
    bytes: Vec<u8>,
    kept: Option<Vec<u8>>,
}

/// Encodes batches on other threads while the scan goes on, in order, as many at once as there are cores.
fn encode_ahead(
    rows: Rows,
    encoder: Arc<dyn RowEncoder>,
    copy: Option<(Arc<KeepSlot>, Arc<dyn RowEncoder>)>,
) -> impl Stream<Item = Result<Encoded>> + Unpin + Send {
    let workers = rows.workers;
    let encoded = rows.into_batches().map(move |batch| {
        let (encoder, copy) = (encoder.clone(), copy.clone());
        async move {
            let batch = batch?;
            match batch.num_rows() <= FEW {
                true => encode(batch, &encoder, copy),
                false => tokio::spawn(async move { encode(batch, &encoder, copy) }).await?,
            }
        }
    });
    Box::pin(encoded.buffered(workers))
}

fn encode(
    batch: RecordBatch,
    encoder: &Arc<dyn RowEncoder>,
    copy: Option<(Arc<KeepSlot>, Arc<dyn RowEncoder>)>,
) -> Result<Encoded> {
    let bytes = encoder.rows(&batch)?;
    let kept = match copy {
        Some((slot, encoder)) if slot.is_wanted() => Some(encoder.rows(&batch)?),
        _ => None,
    };
    Ok(Encoded { batch, bytes, kept })
}

/// Sends all row groups but the last; gives the bytes that end the file.
async fn encode_parquet(
    rows: Rows,
    mut encoder: ParquetEncoder,
    output: &mut Output,
    budget: &mut Budget,
) -> Result<Vec<u8>> {
    let truncated = rows.truncated;
    let mut batches = rows.into_batches();
    while let Some(batch) = output.next_of(&mut batches).await? {
        let batch = budget.take_rows(batch);
        // Row groups are compressed together: the limit holds for the rows in memory.
        let size = vec![0; batch.get_array_memory_size()];
        let (count, _) = budget.take_bytes(&batch, size, |part| Ok(vec![0; sliced_size(part)]))?;
        let taken = batch.slice(0, count);
        let bytes = encoder.write(&taken)?;
        output.write_rows(&taken, bytes, None).await?;
        if budget.truncated {
            break;
        }
    }
    budget.truncated |= truncated;
    let facts = vec![
        ("lakegate.row_count".to_owned(), output.rows.to_string()),
        ("lakegate.truncated".to_owned(), budget.truncated.to_string()),
    ];
    Ok(encoder.finish(facts)?)
}

/// Where encoded rows go: to the reader as they come, or into a spool until all are there.
struct Output {
    format: Format,
    head: QueryHead,
    keeper: Keeper,
    progress: Arc<Progress>,
    send_chunk: mpsc::Sender<Chunk>,
    spool: Option<Spool>,
    pending: Vec<u8>,
    rows: usize,
    bytes: usize,
    limits: EngineLimits,
}

impl Output {
    #[allow(clippy::too_many_arguments)]
    fn new(
        session: &Session,
        spool: bool,
        format: Format,
        head: QueryHead,
        keeper: Keeper,
        progress: Arc<Progress>,
        send_chunk: mpsc::Sender<Chunk>,
    ) -> Result<Self> {
        let config = &session.engine.config;
        let spooled = spool || document::needs_count(format);
        let pending = match spooled {
            true => Vec::new(),
            false => document::head(format, &head, 0)?,
        };
        Ok(Self {
            format,
            head,
            keeper,
            progress,
            send_chunk,
            spool: spooled.then(|| Spool::new(&config.spill_folder, config.spill_limit_bytes)),
            pending,
            rows: 0,
            bytes: 0,
            limits: session.limits().clone(),
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

    fn write_head(&mut self, bytes: Vec<u8>) {
        self.keeper.take_head(&bytes);
        self.append(bytes);
    }

    async fn write_rows(&mut self, batch: &RecordBatch, mut bytes: Vec<u8>, kept: Option<Vec<u8>>) -> Result<()> {
        self.keeper.take_rows(batch, &bytes, kept)?;
        let is_first_row = self.rows == 0 && batch.num_rows() > 0;
        if is_first_row && self.format == Format::Json {
            bytes.remove(0);
        }
        self.rows += batch.num_rows();
        self.append(bytes);
        check_size("result_rows", "rows", self.rows, self.limits.result_rows)?;
        check_size("result_bytes", "bytes", self.bytes, self.limits.result_bytes)?;
        if self.pending.len() >= CHUNK && self.rows > 0 {
            self.flush().await?;
        }
        Ok(())
    }

    fn append(&mut self, bytes: Vec<u8>) {
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
    }

    async fn flush(&mut self) -> Result<()> {
        let bytes = std::mem::take(&mut self.pending);
        match &mut self.spool {
            Some(spool) => spool.write(&bytes),
            None => self.send(bytes, false).await,
        }
    }

    /// The copy is published before the last bytes are sent: who has them all can ask for it.
    async fn finish(mut self, last: Vec<u8>, truncated: bool) -> Result<()> {
        let rows = self.rows as i64;
        let stored = self.keeper.finish(&last, &self.head, rows, truncated);
        self.append(last);
        self.progress.first_chunk();
        self.progress.update(|summary| {
            summary.truncated = truncated;
            summary.stored_bytes = stored;
            summary.status = QueryState::Succeeded;
        });
        let tail = document::tail(self.format, rows, truncated)?;
        if let Some(mut spool) = self.spool.take() {
            spool.write(&self.pending)?;
            spool.rewind()?;
            self.pending = document::head(self.format, &self.head, rows)?;
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
        self.progress.first_chunk();
        let sent = self.send_chunk.send(Chunk { bytes, is_last }).await;
        sent.map_err(|_| Error::new(ErrorCode::QueryCanceled, "The reader of the result went away"))
    }
}

/// Why rows that were to be whole are not.
fn beyond(row_limit: Option<i64>, rows: usize, byte_limit: Option<i64>) -> Error {
    let of_rows = row_limit.filter(|limit| *limit <= rows as i64);
    let (limit, unit, maximum) = match of_rows {
        Some(maximum) => ("row_limit", "rows", Some(maximum)),
        None => ("byte_limit", "bytes", byte_limit),
    };
    let maximum = maximum.unwrap_or_default();
    let message = format!("There are more than {maximum} {unit}, which is all that the key may have");
    Error::new(ErrorCode::ResultTooLarge, message)
        .with("limit", limit)
        .with("maximum", maximum)
}

fn check_size(limit: &str, unit: &str, actual: usize, maximum: i64) -> Result<()> {
    if actual as i64 <= maximum {
        return Ok(());
    }
    let message = format!("The result has more than {maximum} {unit}: ask for less");
    Err(Error::new(ErrorCode::ResultTooLarge, message)
        .with("limit", limit)
        .with("maximum", maximum))
}

fn sliced_size(batch: &RecordBatch) -> usize {
    batch
        .columns()
        .iter()
        .map(|column| column.to_data().get_slice_memory_size().unwrap_or(0))
        .sum()
}
