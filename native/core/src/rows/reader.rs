//! From the bytes of a body to batches, by its format.

use std::fs::File;
use std::io::{BufReader, Read, Seek};
use std::path::Path;
use std::str::FromStr;
use std::sync::Arc;

use arrow::array::RecordBatch;
use arrow::csv;
use arrow::datatypes::{Field, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::ipc::reader::StreamReader;
use arrow::json;
use arrow::json::reader::infer_json_schema_from_iterator;
use datafusion_datasource_json::utils::JsonArrayToNdjsonReader;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::{Deserializer, Value};

use super::body::Body;
use super::conform::Shape;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;

/// Bytes from which the columns of CSV and JSON rows are told where the table doesn't say them.
const SAMPLE: usize = 1 << 20;
const BATCH: usize = 8192;

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowsFormat {
    Arrow,
    Parquet,
    Csv,
    Ndjson,
    Json,
}

impl FromStr for RowsFormat {
    type Err = Error;

    fn from_str(name: &str) -> Result<Self> {
        match name {
            "arrow" => Ok(Self::Arrow),
            "parquet" => Ok(Self::Parquet),
            "csv" => Ok(Self::Csv),
            "ndjson" => Ok(Self::Ndjson),
            "json" => Ok(Self::Json),
            _ => Err(Error::new(
                ErrorCode::UnsupportedMediaType,
                format!("Rows can't be read from {name}: send arrow, parquet, csv, ndjson or json"),
            )),
        }
    }
}

pub type Batches = Box<dyn Iterator<Item = std::result::Result<RecordBatch, ArrowError>> + Send>;

/// Reads the columns of a body; its batches come as they are asked for. Blocks.
pub fn read(mut body: Body, format: RowsFormat, shape: &Shape, spill: &str) -> Result<(SchemaRef, Batches)> {
    match format {
        RowsFormat::Arrow => {
            let reader = StreamReader::try_new(BufReader::new(body), None).map_err(invalid)?;
            Ok((reader.schema(), Box::new(reader)))
        }
        RowsFormat::Parquet => {
            let file = spool(&mut body, spill)?;
            let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(invalid)?;
            let schema = builder.schema().clone();
            let reader = builder.with_batch_size(BATCH).build().map_err(invalid)?;
            Ok((schema, Box::new(reader)))
        }
        RowsFormat::Csv => {
            let format = csv::reader::Format::default().with_header(true);
            let sample = whole_lines(body.peek(SAMPLE)?);
            let (found, _) = format.infer_schema(sample.as_slice(), None).map_err(invalid)?;
            let schema = shape.columns(&found)?;
            let builder = csv::ReaderBuilder::new(schema.clone()).with_header(true);
            let reader = builder.with_batch_size(BATCH).build(body).map_err(invalid)?;
            Ok((schema, Box::new(reader)))
        }
        RowsFormat::Ndjson => {
            let sample = whole_lines(body.peek(SAMPLE)?);
            read_json(body, &sample, shape)
        }
        RowsFormat::Json => {
            let sample = body.peek(SAMPLE)?;
            let mut rows = Vec::new();
            // The sample may end within a row; what is wrong with the body its reader says.
            let _ = JsonArrayToNdjsonReader::new(sample.as_slice()).read_to_end(&mut rows);
            read_json(JsonArrayToNdjsonReader::new(body), &rows, shape)
        }
    }
}

fn read_json(rows: impl Read + Send + 'static, sample: &[u8], shape: &Shape) -> Result<(SchemaRef, Batches)> {
    let schema = match shape.all_columns() {
        Some(schema) => schema,
        None => {
            let values = Deserializer::from_slice(sample).into_iter::<Value>();
            let values = values.map_while(|value| value.ok()).map(Ok);
            let found = infer_json_schema_from_iterator(values).map_err(invalid)?;
            shape.with_new_columns(&found)
        }
    };
    let builder = json::ReaderBuilder::new(schema.clone()).with_strict_mode(true);
    let reader = builder
        .with_batch_size(BATCH)
        .build(BufReader::new(rows))
        .map_err(invalid)?;
    Ok((schema, Box::new(reader)))
}

/// Parquet is read from its end, so all of it has to be there.
fn spool(body: &mut Body, folder: &str) -> Result<File> {
    let mut file = tempfile::tempfile_in(Path::new(folder))?;
    std::io::copy(body, &mut file)?;
    file.rewind()?;
    Ok(file)
}

fn whole_lines(mut sample: Vec<u8>) -> Vec<u8> {
    if sample.len() == SAMPLE
        && let Some(end) = sample.iter().rposition(|byte| *byte == b'\n')
    {
        sample.truncate(end + 1);
    }
    sample
}

pub fn invalid(error: impl std::fmt::Display) -> Error {
    Error::new(ErrorCode::InvalidRows, format!("The rows can't be read: {error}"))
}

/// The schema with the columns of `more` that it hasn't, all of which may be null.
pub fn union(schema: &Schema, more: &Schema) -> SchemaRef {
    let mut fields: Vec<Arc<Field>> = schema.fields().iter().cloned().collect();
    for field in more.fields() {
        if schema.field_with_name(field.name()).is_err() {
            fields.push(Arc::new(field.as_ref().clone().with_nullable(true)));
        }
    }
    Arc::new(Schema::new(fields))
}
