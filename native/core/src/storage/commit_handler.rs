//! Reads the actions of many commits for the kernel.

use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef as ArrowSchemaRef;
use arrow::json::ReaderBuilder;
use bytes::Bytes;
use delta_kernel::engine::arrow_data::ArrowEngineData;
use delta_kernel::engine::arrow_utils::{build_json_reorder_indices, fixup_json_read, json_arrow_schema};
use delta_kernel::engine_data::FilteredEngineData;
use delta_kernel::schema::SchemaRef;
use delta_kernel::{
    DeltaResult, DeltaResultIterator, EngineData, Error, FileDataReadResultIterator, FileMeta, FileSize, JsonHandler,
    PredicateRef,
};
use futures::{StreamExt, stream};
use tokio::runtime::Handle;
use tokio::sync::mpsc::channel;
use tokio::task::spawn_blocking;
use url::Url;

use super::commit_files::{CommitFiles, is_commit};

/// So few commits are left to the library, which takes megabytes for each.
const FEW: usize = 4;
/// Commits that are read and decoded together.
const TOGETHER: usize = 512;
/// How many times that many at once. Each thread that allocates has pages cleared for it, which are not few.
const AHEAD: usize = 2;
/// Text of actions that goes into one batch.
const BATCH: usize = 16 << 20;

type Batches = Vec<Box<dyn EngineData>>;

/// The kernel spends some 50 µs on each batch, whatever is in it, and the library's handler makes one a commit. Here the
/// rows of commits one after the other are one, newest first as they come, where the kernel doesn't ask which file a row
/// is from; rows without an action that is asked for are left out. Both are more than [`JsonHandler`] allows, and right
/// for a log's replay, which takes action by action and skips rows that are null.
pub struct CommitHandler {
    inner: Arc<dyn JsonHandler>,
    commits: Arc<CommitFiles>,
    runtime: Handle,
}

impl CommitHandler {
    pub fn new(inner: Arc<dyn JsonHandler>, commits: Arc<CommitFiles>) -> Self {
        Self {
            inner,
            commits,
            runtime: Handle::current(),
        }
    }
}

impl JsonHandler for CommitHandler {
    fn parse_json(&self, texts: Box<dyn EngineData>, schema: SchemaRef) -> DeltaResult<Box<dyn EngineData>> {
        self.inner.parse_json(texts, schema)
    }

    fn read_json_files(
        &self,
        files: &[FileMeta],
        schema: SchemaRef,
        predicate: Option<PredicateRef>,
    ) -> DeltaResult<FileDataReadResultIterator> {
        if files.len() <= FEW || !files.iter().all(is_commit) {
            return self.inner.read_json_files(files, schema, predicate);
        }
        let decoder = Arc::new(ActionDecoder::new(&schema)?);
        let groups: Vec<Vec<FileMeta>> = files.chunks(TOGETHER).map(<[_]>::to_vec).collect();
        let commits = self.commits.clone();
        let (sender, mut receiver) = channel(AHEAD);
        self.runtime.spawn(async move {
            let groups = groups.into_iter().map(|group| decode(&commits, &decoder, group));
            let mut decoded = stream::iter(groups).buffered(AHEAD);
            // Who has found what was looked for leaves the rest.
            while let Some(batches) = decoded.next().await
                && sender.send(batches).await.is_ok()
            {}
        });
        let decoded = std::iter::from_fn(move || receiver.blocking_recv());
        Ok(Box::new(decoded.flat_map(flattened)))
    }

    fn write_json_file(
        &self,
        path: &Url,
        data: DeltaResultIterator<'_, FilteredEngineData>,
        overwrite: bool,
    ) -> DeltaResult<FileSize> {
        self.inner.write_json_file(path, data, overwrite)
    }
}

fn flattened(batches: DeltaResult<Batches>) -> Vec<DeltaResult<Box<dyn EngineData>>> {
    match batches {
        Ok(batches) => batches.into_iter().map(Ok).collect(),
        Err(error) => vec![Err(error)],
    }
}

async fn decode(
    commits: &Arc<CommitFiles>,
    decoder: &Arc<ActionDecoder>,
    files: Vec<FileMeta>,
) -> DeltaResult<Batches> {
    let fetched = commits.fetched(&files).await?;
    let (commits, decoder) = (commits.clone(), decoder.clone());
    let decoding = spawn_blocking(move || {
        let read = fetched.map_or_else(|| commits.read(&files), Ok)?;
        decoder.decode(&files, &read)
    });
    decoding.await.map_err(Error::generic_err)?
}

/// From the lines of commits to the columns of a schema.
struct ActionDecoder {
    schema: SchemaRef,
    fields: ArrowSchemaRef,
    /// What is found in lines that have an action which is asked for.
    marks: Vec<String>,
    /// Whether rows are to tell which file they are from.
    by_file: bool,
}

impl ActionDecoder {
    fn new(schema: &SchemaRef) -> DeltaResult<Self> {
        let fields = Arc::new(json_arrow_schema(schema)?);
        Ok(Self {
            marks: fields
                .fields()
                .iter()
                .map(|field| format!("\"{}\"", field.name()))
                .collect(),
            by_file: fields.fields().len() != schema.num_fields(),
            schema: schema.clone(),
            fields,
        })
    }

    fn decode(&self, files: &[FileMeta], commits: &[Bytes]) -> DeltaResult<Batches> {
        let mut batches: Batches = Vec::new();
        let mut texts: Vec<&[u8]> = Vec::new();
        let mut bytes = 0;
        for (file, commit) in files.iter().zip(commits) {
            let found = self.found(commit);
            if self.by_file {
                let named = self.rows(&found)?.map(|rows| self.named(rows, file)).transpose()?;
                batches.extend(named.map(|rows| Box::new(rows) as Box<dyn EngineData>));
                continue;
            }
            bytes += found.iter().map(|text| text.len()).sum::<usize>();
            texts.extend(found);
            if bytes > BATCH {
                batches.extend(self.batch(&texts)?);
                texts.clear();
                bytes = 0;
            }
        }
        batches.extend(self.batch(&texts)?);
        Ok(batches)
    }

    /// The lines that may have an action which is asked for; all text where an object isn't a line.
    fn found<'a>(&self, commit: &'a Bytes) -> Vec<&'a [u8]> {
        let Ok(text) = std::str::from_utf8(commit) else {
            return vec![commit];
        };
        let lines = text.lines().map(str::trim).filter(|line| !line.is_empty());
        if !lines.clone().all(|line| line.starts_with('{') && line.ends_with('}')) {
            return vec![commit];
        }
        // A name may be written with escapes.
        let may_have = |line: &&str| self.marks.iter().any(|mark| line.contains(mark)) || line.contains("\\u");
        lines.filter(may_have).map(str::as_bytes).collect()
    }

    fn batch(&self, texts: &[&[u8]]) -> DeltaResult<Option<Box<dyn EngineData>>> {
        let rows = self.rows(texts)?;
        Ok(rows.map(|rows| Box::new(ArrowEngineData::new(rows)) as Box<dyn EngineData>))
    }

    fn named(&self, rows: RecordBatch, file: &FileMeta) -> DeltaResult<ArrowEngineData> {
        fixup_json_read(rows, &build_json_reorder_indices(&self.schema)?, file.location.as_str())
    }

    fn rows(&self, texts: &[&[u8]]) -> DeltaResult<Option<RecordBatch>> {
        if texts.is_empty() {
            return Ok(None);
        }
        let lines = texts.iter().map(|text| text.split(|byte| *byte == b'\n').count()).sum();
        let mut decoder = ReaderBuilder::new(self.fields.clone())
            .with_batch_size(lines)
            .with_coerce_primitive(true)
            .build_decoder()?;
        for text in texts {
            if decoder.decode(text)? < text.len() {
                return Err(Error::generic("A line of a commit isn't one action"));
            }
            decoder.decode(b"\n")?;
        }
        Ok(decoder.flush()?)
    }
}
