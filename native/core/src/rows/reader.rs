//! From the bytes of a body to batches, by its format.

use std::fmt;
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
use parquet::file::reader::ChunkReader;
use serde::Deserialize;
use serde::de::{IgnoredAny, MapAccess, Visitor};
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

/// Reads the columns of a body; its batches come as they are asked for. Blocks where the body isn't there.
pub fn read(mut body: Body, format: RowsFormat, shape: &Shape, spill: &str) -> Result<(SchemaRef, Batches)> {
    match format {
        RowsFormat::Arrow => {
            let reader = StreamReader::try_new(BufReader::new(body), None);
            let reader = reader.map_err(|error| invalid(format!("they are no Arrow stream: {error}")))?;
            Ok((reader.schema(), Box::new(reader)))
        }
        // Parquet is read from its end, so all of it has to be there.
        RowsFormat::Parquet => match body.into_whole() {
            Ok(bytes) => read_parquet(bytes),
            Err(body) => read_parquet(spool(body, spill)?),
        },
        RowsFormat::Csv => {
            let format = csv::reader::Format::default().with_header(true);
            let sample = whole_lines(body.peek(SAMPLE)?);
            let (found, _) = format.infer_schema(sample.as_slice(), None).map_err(invalid)?;
            let schema = shape.columns(&found)?;
            let builder = csv::ReaderBuilder::new(schema.clone()).with_header(true);
            let reader = builder.with_batch_size(BATCH).build(body).map_err(invalid)?;
            Ok((schema, Box::new(reader.map(|batch| batch.map_err(as_an_editor_counts)))))
        }
        RowsFormat::Ndjson => {
            let sample = whole_lines(body.peek(SAMPLE)?);
            let (schema, batches) = read_json(body, &sample, shape)?;
            let (columns, reads_texts) = (schema.clone(), shape.reads_texts);
            let reader = move || json_reader(&columns, reads_texts);
            let placed = batches.map(move |batch| batch.map_err(|error| at_line(error, &sample, &reader)));
            Ok((schema, Box::new(placed)))
        }
        RowsFormat::Json => {
            let sample = body.peek(SAMPLE)?;
            if sample.iter().find(|byte| !byte.is_ascii_whitespace()) != Some(&b'[') {
                return Err(invalid(
                    "a JSON body is an array of objects; application/x-ndjson has one a line",
                ));
            }
            let mut rows = Vec::new();
            // The sample may end within a row; what is wrong with the body its reader says.
            let _ = JsonArrayToNdjsonReader::new(sample.as_slice()).read_to_end(&mut rows);
            read_json(JsonArrayToNdjsonReader::new(body), &rows, shape)
        }
    }
}

fn read_parquet(rows: impl ChunkReader + 'static) -> Result<(SchemaRef, Batches)> {
    let builder = ParquetRecordBatchReaderBuilder::try_new(rows);
    let builder = builder.map_err(|error| invalid(format!("they are no Parquet file: {error}")))?;
    let schema = builder.schema().clone();
    let reader = builder.with_batch_size(BATCH).build().map_err(invalid)?;
    Ok((schema, Box::new(reader)))
}

fn read_json(rows: impl Read + Send + 'static, sample: &[u8], shape: &Shape) -> Result<(SchemaRef, Batches)> {
    let schema = match shape.all_columns() {
        Some(schema) => schema,
        None => {
            let values = Deserializer::from_slice(sample).into_iter::<Value>();
            let values = values.map_while(|value| value.ok()).map(Ok);
            let found = infer_json_schema_from_iterator(values).map_err(invalid)?;
            shape.with_found(&in_order(&found, sample))
        }
    };
    let reader = json_reader(&schema, shape.reads_texts)
        .with_batch_size(BATCH)
        .build(BufReader::new(rows))
        .map_err(invalid)?;
    Ok((schema, Box::new(reader)))
}

fn json_reader(schema: &SchemaRef, reads_texts: bool) -> json::ReaderBuilder {
    json::ReaderBuilder::new(schema.clone())
        .with_strict_mode(true)
        .with_coerce_primitive(reads_texts)
}

/// The columns as the first row has them: a JSON object is a map to the library, and comes sorted.
fn in_order(found: &Schema, sample: &[u8]) -> Schema {
    let first = Deserializer::from_slice(sample).into_iter::<Keys>().next();
    let keys = first.and_then(|keys| keys.ok()).unwrap_or_default().0;
    let mut fields: Vec<_> = found.fields().iter().cloned().collect();
    fields.sort_by_key(|field| keys.iter().position(|key| key == field.name()).unwrap_or(keys.len()));
    Schema::new(fields)
}

/// The keys of an object, in their order.
#[derive(Default)]
struct Keys(Vec<String>);

impl<'de> Deserialize<'de> for Keys {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> std::result::Result<Self, D::Error> {
        deserializer.deserialize_map(Self::default())
    }
}

impl<'de> Visitor<'de> for Keys {
    type Value = Self;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<M: MapAccess<'de>>(mut self, mut map: M) -> std::result::Result<Self, M::Error> {
        while let Some((key, _)) = map.next_entry::<String, IgnoredAny>()? {
            self.0.push(key);
        }
        Ok(self)
    }
}

/// The reader of CSV counts lines from 0.
fn as_an_editor_counts(error: ArrowError) -> ArrowError {
    let text = error.to_string();
    let Some((before, after)) = text.split_once(" line ") else {
        return error;
    };
    let digits = after.find(|byte: char| !byte.is_ascii_digit()).unwrap_or(after.len());
    match after[..digits].parse::<u64>() {
        Ok(line) => ArrowError::ParseError(format!("{before} line {}{}", line + 1, &after[digits..])),
        Err(_) => error,
    }
}

/// The reader of NDJSON doesn't count lines; those of the sample are read again one by one.
fn at_line(error: ArrowError, sample: &[u8], reader: &dyn Fn() -> json::ReaderBuilder) -> ArrowError {
    let is_faulty = |line: &[u8]| {
        let decoded = reader().build_decoder().and_then(|mut decoder| {
            decoder.decode(line)?;
            decoder.flush()
        });
        decoded.is_err()
    };
    match sample.split(|byte| *byte == b'\n').position(is_faulty) {
        Some(index) => ArrowError::JsonError(format!("line {}: {error}", index + 1)),
        None => error,
    }
}

fn spool(mut body: Body, folder: &str) -> Result<File> {
    let mut file = tempfile::tempfile_in(Path::new(folder))?;
    std::io::copy(&mut body, &mut file)?;
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
