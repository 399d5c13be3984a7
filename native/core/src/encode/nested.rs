//! Lists, structs, maps and unions, and the encodings that stand for other values.

use std::ops::Range;

use arrow::array::{Array, ArrayRef, AsArray, OffsetSizeTrait};
use arrow::datatypes::{ArrowNativeType, DataType, Field, Fields};
use arrow::error::ArrowError;

use super::values::{Column, Notation, Write, Written};
use crate::normalize::at_column;

/// A notation that can also write lists and maps.
pub(super) trait Structure: Notation {
    fn open_list(self, length: usize, out: &mut Vec<u8>);
    fn close_list(self, out: &mut Vec<u8>);
    fn open_map(self, length: usize, out: &mut Vec<u8>);
    fn close_map(self, out: &mut Vec<u8>);
    /// What stands between two items.
    fn separate(self, out: &mut Vec<u8>);
    /// What stands between a key and its value.
    fn colon(self, out: &mut Vec<u8>);

    fn items(
        self,
        range: Range<usize>,
        out: &mut Vec<u8>,
        mut item: impl FnMut(usize, &mut Vec<u8>) -> Written,
    ) -> Written {
        for index in range.clone() {
            if index != range.start {
                self.separate(out);
            }
            item(index, out)?;
        }
        Ok(())
    }
}

/// The values of a nested array: lists as arrays, structs as objects, maps as objects where their keys are strings and
/// as arrays of `{key, value}` elsewhere.
pub(super) fn nested<'a, N: Structure>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    match array.data_type() {
        DataType::List(_) => list(array.as_list::<i32>().values(), list_ranges::<i32>(array), n),
        DataType::LargeList(_) => list(array.as_list::<i64>().values(), list_ranges::<i64>(array), n),
        DataType::ListView(_) => list(array.as_list_view::<i32>().values(), view_ranges::<i32>(array), n),
        DataType::LargeListView(_) => list(array.as_list_view::<i64>().values(), view_ranges::<i64>(array), n),
        DataType::FixedSizeList(_, size) => {
            let size = *size as usize;
            list(
                array.as_fixed_size_list().values(),
                move |index| index * size..(index + 1) * size,
                n,
            )
        }
        DataType::Struct(fields) => Ok(object(members(fields, array.as_struct().columns(), n)?, n)),
        DataType::Map(..) => map(array, n),
        other => Err(ArrowError::NotYetImplemented(format!("values of the type {other}"))),
    }
}

/// A column of an object or array, with its key as the notation writes it.
pub(super) struct Member<'a> {
    name: String,
    key: Vec<u8>,
    column: Column<'a>,
}

impl Member<'_> {
    pub(super) fn write(&self, index: usize, out: &mut Vec<u8>) -> Written {
        self.column
            .write(index, out)
            .map_err(|error| at_column(&self.name, error))
    }
}

pub(super) fn members<'a, N: Structure>(
    fields: &Fields,
    columns: &'a [ArrayRef],
    n: N,
) -> Result<Vec<Member<'a>>, ArrowError> {
    let member = |(field, column): (&_, &'a ArrayRef)| {
        let name = Field::name(field).clone();
        let mut key = Vec::with_capacity(name.len() + 3);
        n.string(&name, &mut key);
        n.colon(&mut key);
        Ok(Member {
            name,
            key,
            column: Column::new(column.as_ref(), n)?,
        })
    };
    fields.iter().map(AsRef::as_ref).zip(columns).map(member).collect()
}

pub(super) fn object<'a, N: Structure>(members: Vec<Member<'a>>, n: N) -> Write<'a> {
    Box::new(move |index, out| {
        n.open_map(members.len(), out);
        n.items(0..members.len(), out, |member, out| {
            out.extend_from_slice(&members[member].key);
            members[member].write(index, out)
        })?;
        n.close_map(out);
        Ok(())
    })
}

pub(super) fn tuple<'a, N: Structure>(members: Vec<Member<'a>>, n: N) -> Write<'a> {
    Box::new(move |index, out| {
        n.open_list(members.len(), out);
        n.items(0..members.len(), out, |member, out| members[member].write(index, out))?;
        n.close_list(out);
        Ok(())
    })
}

fn list_ranges<'a, O: OffsetSizeTrait>(array: &'a dyn Array) -> impl Fn(usize) -> Range<usize> + 'a {
    let offsets = array.as_list::<O>().value_offsets();
    |index| offsets[index].as_usize()..offsets[index + 1].as_usize()
}

fn view_ranges<'a, O: OffsetSizeTrait>(array: &'a dyn Array) -> impl Fn(usize) -> Range<usize> + 'a {
    let (offsets, sizes) = (array.as_list_view::<O>().offsets(), array.as_list_view::<O>().sizes());
    |index| offsets[index].as_usize()..(offsets[index] + sizes[index]).as_usize()
}

fn list<'a, N: Structure>(
    values: &'a ArrayRef,
    range: impl Fn(usize) -> Range<usize> + 'a,
    n: N,
) -> Result<Write<'a>, ArrowError> {
    let items = Column::new(values.as_ref(), n)?;
    Ok(Box::new(move |index, out| {
        let range = range(index);
        n.open_list(range.len(), out);
        n.items(range, out, |item, out| items.write(item, out))?;
        n.close_list(out);
        Ok(())
    }))
}

fn map<'a, N: Structure>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    let array = array.as_map();
    let offsets = array.value_offsets();
    let range = |index: usize| offsets[index].as_usize()..offsets[index + 1].as_usize();
    if !is_text(array.key_type()) {
        let pairs = Fields::from_iter([("key", array.key_type()), ("value", array.value_type())].map(named));
        let pair = object(members(&pairs, array.entries().columns(), n)?, n);
        return Ok(Box::new(move |index, out| {
            n.open_list(range(index).len(), out);
            n.items(range(index), out, &pair)?;
            n.close_list(out);
            Ok(())
        }));
    }
    let (keys, values) = (
        Column::new(array.keys().as_ref(), n)?,
        Column::new(array.values().as_ref(), n)?,
    );
    Ok(Box::new(move |index, out| {
        n.open_map(range(index).len(), out);
        n.items(range(index), out, |entry, out| {
            keys.write(entry, out)?;
            n.colon(out);
            values.write(entry, out)
        })?;
        n.close_map(out);
        Ok(())
    }))
}

fn named((name, data_type): (&str, &DataType)) -> Field {
    Field::new(name, data_type.clone(), true)
}

fn is_text(data_type: &DataType) -> bool {
    match data_type {
        DataType::Dictionary(_, values) => is_text(values),
        other => matches!(other, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View),
    }
}
