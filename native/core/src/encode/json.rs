//! JSON: the rows of a document, and NDJSON's lines.

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use serde::Serialize;

use super::EncodeOptions;
use super::nested::{Structure, nested};
use super::number::{hexadecimal, put, special};
use super::rows::Rows;
use super::values::{Notation, Write};
use crate::generated::NumberStyle;

/// The rows of a JSON document's array, each with a comma before it.
pub(super) fn document_rows(schema: SchemaRef, options: EncodeOptions) -> Rows<Json> {
    rows(schema, options, (b",", b""))
}

/// One row a line.
pub(super) fn lines(schema: SchemaRef, options: EncodeOptions) -> Rows<Json> {
    rows(schema, options, (b"", b"\n"))
}

fn rows(schema: SchemaRef, options: EncodeOptions, around: (&'static [u8], &'static [u8])) -> Rows<Json> {
    let notation = Json {
        numbers: options.numbers,
    };
    Rows {
        notation,
        schema,
        format: options.row_format,
        around,
        width: Default::default(),
    }
}

#[derive(Clone, Copy)]
pub(super) struct Json {
    numbers: NumberStyle,
}

impl Json {
    /// Bare digits for every number.
    pub(super) const PLAIN: Self = Self {
        numbers: NumberStyle::Number,
    };

    fn exact(self, write: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        match self.numbers {
            NumberStyle::Number => write(out),
            NumberStyle::String => {
                out.push(b'"');
                write(out);
                out.push(b'"');
            }
        }
    }
}

/// NaN and the infinities are strings, since JSON has no numbers for them.
fn quotable_float(value: impl Serialize + Copy + Into<f64>, out: &mut Vec<u8>) {
    match special(value.into()) {
        Some(name) => put(name, out),
        None => put(value, out),
    }
}

impl Notation for Json {
    fn null(out: &mut Vec<u8>) {
        out.extend_from_slice(b"null");
    }

    fn boolean(self, value: bool, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn small(self, value: i64, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn signed(self, value: i64, out: &mut Vec<u8>) {
        self.exact(|out| put(value, out), out);
    }

    fn unsigned(self, value: u64, out: &mut Vec<u8>) {
        self.exact(|out| put(value, out), out);
    }

    fn single(self, value: f32, out: &mut Vec<u8>) {
        quotable_float(value, out);
    }

    fn double(self, value: f64, out: &mut Vec<u8>) {
        quotable_float(value, out);
    }

    fn string(self, value: &str, out: &mut Vec<u8>) {
        put(value, out);
    }

    fn bytes(self, value: &[u8], out: &mut Vec<u8>) {
        out.push(b'"');
        hexadecimal(value, out);
        out.push(b'"');
    }

    fn decimal(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        self.exact(text, out);
    }

    fn text(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        out.push(b'"');
        text(out);
        out.push(b'"');
    }

    fn nested<'a>(self, array: &'a dyn Array) -> Result<Write<'a>, ArrowError> {
        nested(array, self)
    }
}

impl Structure for Json {
    fn open_list(self, _length: usize, out: &mut Vec<u8>) {
        out.push(b'[');
    }

    fn close_list(self, out: &mut Vec<u8>) {
        out.push(b']');
    }

    fn open_map(self, _length: usize, out: &mut Vec<u8>) {
        out.push(b'{');
    }

    fn close_map(self, out: &mut Vec<u8>) {
        out.push(b'}');
    }

    fn separate(self, out: &mut Vec<u8>) {
        out.push(b',');
    }

    fn colon(self, out: &mut Vec<u8>) {
        out.push(b':');
    }
}
