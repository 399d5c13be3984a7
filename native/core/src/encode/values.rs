//! Scalar values of every Arrow type, read in place and handed to a notation: JSON, CSV or MessagePack.

use arrow::array::{Array, ArrayAccessor, AsArray, new_empty_array};
use arrow::buffer::NullBuffer;
use arrow::datatypes::*;
use arrow::error::ArrowError;

use super::json::Json;
use super::{indirect, number, temporal};

pub(super) type Written = Result<(), ArrowError>;
/// Writes the value at an index, which isn't null.
pub(super) type Write<'a> = Box<dyn Fn(usize, &mut Vec<u8>) -> Written + 'a>;

/// How values look in a format. Arrow-json's own encoders can't fail: a date that has no text becomes an error's text
/// in the middle of the row.
pub(super) trait Notation: Copy + Send + Sync + 'static {
    fn null(out: &mut Vec<u8>);
    fn boolean(self, value: bool, out: &mut Vec<u8>);
    /// An integer of at most 32 bits, which every client reads exactly.
    fn small(self, value: i64, out: &mut Vec<u8>) {
        self.signed(value, out);
    }
    fn signed(self, value: i64, out: &mut Vec<u8>);
    fn unsigned(self, value: u64, out: &mut Vec<u8>);
    fn single(self, value: f32, out: &mut Vec<u8>);
    fn double(self, value: f64, out: &mut Vec<u8>);
    fn string(self, value: &str, out: &mut Vec<u8>);
    fn bytes(self, value: &[u8], out: &mut Vec<u8>);
    /// A decimal, whose digits `text` writes.
    fn decimal(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>);
    /// A date, a time or the like, whose ASCII `text` writes.
    fn text(self, text: impl FnOnce(&mut Vec<u8>), out: &mut Vec<u8>);
    /// A list, struct or map.
    fn nested<'a>(self, array: &'a dyn Array) -> Result<Write<'a>, ArrowError>;
}

/// Whether the values of a field can be written at all: a time zone may be unknown.
pub(super) fn check(field: &Field) -> Result<(), ArrowError> {
    Column::new(&new_empty_array(field.data_type()), Json::PLAIN).map(|_| ())
}

pub(super) struct Column<'a> {
    nulls: Option<NullBuffer>,
    null: fn(&mut Vec<u8>),
    value: Write<'a>,
}

impl<'a> Column<'a> {
    pub(super) fn new<N: Notation>(array: &'a dyn Array, notation: N) -> Result<Self, ArrowError> {
        let nulls = match array.data_type() {
            DataType::Null => array.logical_nulls(),
            _ => array.nulls().cloned(),
        };
        Ok(Self {
            nulls,
            null: N::null,
            value: writer(array, notation)?,
        })
    }

    pub(super) fn write(&self, index: usize, out: &mut Vec<u8>) -> Written {
        match &self.nulls {
            Some(nulls) if nulls.is_null(index) => (self.null)(out),
            _ => return (self.value)(index, out),
        }
        Ok(())
    }
}

fn writer<'a, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    use DataType::*;
    Ok(match array.data_type() {
        Null => Box::new(|_, _| Ok(())),
        Boolean => strings(array.as_boolean(), move |value, out| n.boolean(value, out)),
        Int8 => numbers::<Int8Type>(array, move |value, out| n.small(value.into(), out)),
        Int16 => numbers::<Int16Type>(array, move |value, out| n.small(value.into(), out)),
        Int32 => numbers::<Int32Type>(array, move |value, out| n.small(value.into(), out)),
        Int64 => numbers::<Int64Type>(array, move |value, out| n.signed(value, out)),
        UInt8 => numbers::<UInt8Type>(array, move |value, out| n.small(value.into(), out)),
        UInt16 => numbers::<UInt16Type>(array, move |value, out| n.small(value.into(), out)),
        UInt32 => numbers::<UInt32Type>(array, move |value, out| n.small(value.into(), out)),
        UInt64 => numbers::<UInt64Type>(array, move |value, out| n.unsigned(value, out)),
        Float16 => numbers::<Float16Type>(array, move |value, out| n.single(value.into(), out)),
        Float32 => numbers::<Float32Type>(array, move |value, out| n.single(value, out)),
        Float64 => numbers::<Float64Type>(array, move |value, out| n.double(value, out)),
        Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..) => number::decimals(array, n),
        Utf8 => strings(array.as_string::<i32>(), move |value, out| n.string(value, out)),
        LargeUtf8 => strings(array.as_string::<i64>(), move |value, out| n.string(value, out)),
        Utf8View => strings(array.as_string_view(), move |value, out| n.string(value, out)),
        Binary => strings(array.as_binary::<i32>(), move |value, out| n.bytes(value, out)),
        LargeBinary => strings(array.as_binary::<i64>(), move |value, out| n.bytes(value, out)),
        BinaryView => strings(array.as_binary_view(), move |value, out| n.bytes(value, out)),
        FixedSizeBinary(_) => strings(array.as_fixed_size_binary(), move |value, out| n.bytes(value, out)),
        Date32 | Date64 | Time32(_) | Time64(_) | Timestamp(..) | Duration(_) | Interval(_) => {
            temporal::texts(array, n)?
        }
        Dictionary(..) => indirect::dictionary(array, n)?,
        Union(..) => indirect::union(array, n)?,
        RunEndEncoded(..) => indirect::runs(array, n)?,
        _ => n.nested(array)?,
    })
}

pub(super) fn numbers<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    write: impl Fn(T::Native, &mut Vec<u8>) + 'a,
) -> Write<'a> {
    checked_numbers::<T>(array, move |value, out| {
        write(value, out);
        Ok(())
    })
}

pub(super) fn checked_numbers<'a, T: ArrowPrimitiveType>(
    array: &'a dyn Array,
    write: impl Fn(T::Native, &mut Vec<u8>) -> Written + 'a,
) -> Write<'a> {
    let values = array.as_primitive::<T>().values();
    Box::new(move |index, out| write(values[index], out))
}

fn strings<'a, A: ArrayAccessor + 'a>(array: A, write: impl Fn(A::Item, &mut Vec<u8>) + 'a) -> Write<'a> {
    Box::new(move |index, out| {
        write(array.value(index), out);
        Ok(())
    })
}
