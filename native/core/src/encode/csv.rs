//! CSV as RFC 4180 has it: null is an empty cell, an empty string is `""`, a nested value is its JSON text.

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;

use super::RowEncoder;
use super::json::Json;
use super::number::{float, hexadecimal, put};
use super::rows::Width;
use super::values::{Column, Notation, Write};
use crate::normalize::at_column;

const LINE_END: &[u8] = b"\r\n";

pub(super) struct CsvRows {
    schema: SchemaRef,
    width: Width,
}

impl CsvRows {
    pub(super) fn new(schema: SchemaRef) -> Self {
        Self {
            schema,
            width: Width::default(),
        }
    }
}

impl RowEncoder for CsvRows {
    fn head(&self) -> Vec<u8> {
        let mut out = Vec::new();
        for (index, field) in self.schema.fields().iter().enumerate() {
            separate(index, &mut out);
            cell(&mut out, |out| out.extend_from_slice(field.name().as_bytes()));
        }
        out.extend_from_slice(LINE_END);
        out
    }

    fn rows(&self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        let columns = batch.columns().iter().map(|column| Column::new(column.as_ref(), Csv));
        let columns: Vec<_> = columns.collect::<Result<_, _>>()?;
        let mut out = self.width.buffer(batch.num_rows());
        for row in 0..batch.num_rows() {
            for (index, column) in columns.iter().enumerate() {
                separate(index, &mut out);
                column
                    .write(row, &mut out)
                    .map_err(|error| at_column(self.schema.field(index).name(), error))?;
            }
            out.extend_from_slice(LINE_END);
        }
        self.width.remember(&out, batch.num_rows());
        Ok(out)
    }

    fn tail(&self) -> Vec<u8> {
        Vec::new()
    }
}

fn separate(index: usize, out: &mut Vec<u8>) {
    if index > 0 {
        out.push(b',');
    }
}

/// Quotes what `write` added when it is empty or holds a comma, a quote or a line break.
fn cell<T>(out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> T) -> T {
    let start = out.len();
    let written = write(out);
    let text = &out[start..];
    if text.is_empty() || text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) {
        quote(start, out);
    }
    written
}

fn quote(start: usize, out: &mut Vec<u8>) {
    let text = out.split_off(start);
    out.push(b'"');
    for (index, part) in text.split(|byte| *byte == b'"').enumerate() {
        if index > 0 {
            out.extend_from_slice(b"\"\"");
        }
        out.extend_from_slice(part);
    }
    out.push(b'"');
}

#[derive(Clone, Copy)]
struct Csv;

impl Notation for Csv {
    fn null(_out: &mut Vec<u8>) {}

    fn boolean(self, value: bool, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn signed(self, value: i64, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn unsigned(self, value: u64, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn single(self, value: f32, out: &mut Vec<u8>) {
        float(value, out);
    }

    fn double(self, value: f64, out: &mut Vec<u8>) {
        float(value, out);
    }

    fn string(self, value: &str, out: &mut Vec<u8>) {
        cell(out, |out| out.extend_from_slice(value.as_bytes()));
    }

    fn bytes(self, value: &[u8], out: &mut Vec<u8>) {
        cell(out, |out| hexadecimal(value, out));
    }

    fn decimal(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        text(out);
    }

    fn text(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        text(out);
    }

    fn nested<'a>(self, array: &'a dyn Array) -> Result<Write<'a>, ArrowError> {
        let json = Column::new(array, Json::PLAIN)?;
        Ok(Box::new(move |index, out| cell(out, |out| json.write(index, out))))
    }
}
