//! MessagePack: a document's rows with native numbers and bytes, and the headers and values around them.

use arrow::array::Array;
use arrow::datatypes::SchemaRef;
use arrow::error::ArrowError;
use rmp::{Marker, encode as write};
use serde::Serialize;

use super::EncodeOptions;
use super::nested::{Structure, nested};
use super::rows::Rows;
use super::values::{Notation, Write};

/// The header of a map with so many entries, whose keys and values follow it.
pub fn map_head(entries: u32, out: &mut Vec<u8>) {
    sure(write::write_map_len(out, entries));
}

/// The header of an array with so many items, which follow it.
pub fn array_head(items: u32, out: &mut Vec<u8>) {
    sure(write::write_array_len(out, items));
}

pub fn string(text: &str, out: &mut Vec<u8>) {
    sure(write::write_str(out, text));
}

/// Any value that serde knows, structs as maps by name.
pub fn value(value: &impl Serialize, out: &mut Vec<u8>) -> Result<(), rmp_serde::encode::Error> {
    rmp_serde::encode::write_named(out, value)
}

/// The rows of a MessagePack document's array: the header with their number comes from whoever has counted them.
pub(super) fn document_rows(schema: SchemaRef, options: EncodeOptions) -> Rows<Msgpack> {
    Rows {
        notation: Msgpack,
        schema,
        format: options.row_format,
        around: (b"", b""),
        width: Default::default(),
    }
}

fn sure<T, E: std::fmt::Debug>(written: Result<T, E>) {
    written.expect("a Vec takes every byte");
}

fn length(length: usize) -> u32 {
    u32::try_from(length).expect("a batch's values are shorter than 4 GiB")
}

#[derive(Clone, Copy)]
pub(super) struct Msgpack;

impl Notation for Msgpack {
    fn null(out: &mut Vec<u8>) {
        sure(write::write_nil(out));
    }

    fn boolean(self, value: bool, out: &mut Vec<u8>) {
        sure(write::write_bool(out, value));
    }

    fn signed(self, value: i64, out: &mut Vec<u8>) {
        sure(write::write_sint(out, value));
    }

    fn unsigned(self, value: u64, out: &mut Vec<u8>) {
        sure(write::write_uint(out, value));
    }

    fn single(self, value: f32, out: &mut Vec<u8>) {
        sure(write::write_f32(out, value));
    }

    fn double(self, value: f64, out: &mut Vec<u8>) {
        sure(write::write_f64(out, value));
    }

    fn string(self, value: &str, out: &mut Vec<u8>) {
        string(value, out);
    }

    fn bytes(self, value: &[u8], out: &mut Vec<u8>) {
        sure(write::write_bin(out, value));
    }

    fn decimal(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        self.text(text, out);
    }

    fn text(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>) {
        let start = begin_string(out);
        text(out);
        end_string(start, out);
    }

    fn nested<'a>(self, array: &'a dyn Array) -> Result<Write<'a>, ArrowError> {
        nested(array, self)
    }
}

/// Leaves room for the header of a string of up to 31 bytes, as nearly all dates and decimals are.
fn begin_string(out: &mut Vec<u8>) -> usize {
    out.push(Marker::FixStr(0).to_u8());
    out.len()
}

fn end_string(start: usize, out: &mut Vec<u8>) {
    let bytes = out.len() - start;
    if bytes < 32 {
        out[start - 1] = Marker::FixStr(bytes as u8).to_u8();
        return;
    }
    let text = out.split_off(start);
    out.pop();
    sure(write::write_str_len(out, length(bytes)));
    out.extend_from_slice(&text);
}

impl Structure for Msgpack {
    fn open_list(self, items: usize, out: &mut Vec<u8>) {
        array_head(length(items), out);
    }

    fn close_list(self, _out: &mut Vec<u8>) {}

    fn open_map(self, entries: usize, out: &mut Vec<u8>) {
        map_head(length(entries), out);
    }

    fn close_map(self, _out: &mut Vec<u8>) {}

    fn separate(self, _out: &mut Vec<u8>) {}

    fn colon(self, _out: &mut Vec<u8>) {}
}
