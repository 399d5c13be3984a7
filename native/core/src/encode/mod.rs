//! Results as bytes: the six formats, each encoding batches independently so that several threads can work ahead.

mod arrow_stream;
mod csv;
mod duration;
mod indirect;
mod json;
pub mod msgpack;
mod nested;
mod number;
mod parquet;
mod rows;
mod supported;
mod temporal;
mod values;

use std::fmt;
use std::str::FromStr;

use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use crate::generated::{NumberStyle, RowFormat};

pub use self::parquet::ParquetEncoder;
pub use self::supported::Unsupported;

/// Formats a result can be encoded in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    Json,
    Ndjson,
    Csv,
    Arrow,
    Parquet,
    Msgpack,
}

impl Format {
    pub const ALL: [Self; 6] = [
        Self::Json,
        Self::Ndjson,
        Self::Csv,
        Self::Arrow,
        Self::Parquet,
        Self::Msgpack,
    ];

    pub fn as_str(self) -> &'static str {
        match self {
            Self::Json => "json",
            Self::Ndjson => "ndjson",
            Self::Csv => "csv",
            Self::Arrow => "arrow",
            Self::Parquet => "parquet",
            Self::Msgpack => "msgpack",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        let found = Self::ALL.into_iter().find(|format| format.as_str() == name);
        found.ok_or_else(|| format!("{name:?} is not a result format"))
    }
}

/// How numbers and rows are written where the format leaves it open.
#[derive(Clone, Copy, Debug)]
pub struct EncodeOptions {
    pub numbers: NumberStyle,
    pub row_format: RowFormat,
}

/// Encodes batches independently of each other: `head`, the `rows` of every batch in order and `tail` are the body.
/// Batches may hold views and dictionaries; each encoder makes of them what its format needs.
pub trait RowEncoder: Send + Sync {
    /// The bytes before the first row: the CSV header, Arrow's schema message.
    fn head(&self) -> Vec<u8>;
    /// The batch's rows with their separators. JSON puts a comma before every row, the first too.
    /// Fails with a message that names the column when a value has no text, such as a date beyond the calendar.
    fn rows(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError>;
    /// The bytes after the last row.
    fn tail(&self) -> Vec<u8>;
}

/// What encodes a result: most formats take batches in any order, Parquet one after the other.
pub enum Encoder {
    Rows(Box<dyn RowEncoder>),
    Parquet(Box<ParquetEncoder>),
}

/// The encoder of a format for a result's schema, if the format can carry that without losing something.
pub fn encoder(format: Format, schema: SchemaRef, options: EncodeOptions) -> Result<Encoder, Unsupported> {
    supported::check_names(format, &schema, options.row_format)?;
    let rows: Box<dyn RowEncoder> = match format {
        Format::Parquet => return Ok(Encoder::Parquet(Box::new(ParquetEncoder::new(&schema)?))),
        Format::Arrow => return Ok(Encoder::Rows(Box::new(arrow_stream::ArrowStream::new(&schema)?))),
        Format::Json => Box::new(json::document_rows(schema.clone(), options)),
        Format::Ndjson => Box::new(json::lines(schema.clone(), options)),
        Format::Csv => Box::new(csv::CsvRows::new(schema.clone())),
        Format::Msgpack => Box::new(msgpack::document_rows(schema.clone(), options)),
    };
    supported::check_types(format, &schema, values::check)?;
    Ok(Encoder::Rows(rows))
}
