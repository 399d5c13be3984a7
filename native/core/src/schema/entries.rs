//! Maps of scalars as rows of entries, sorted by key, and back with their types.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int32Array, ListArray, RecordBatch, StringArray, StructArray};
use arrow::buffer::OffsetBuffer;
use arrow::datatypes::{DataType, Int32Type, SchemaRef};

use super::builders::{map_entry_type, versioned_entries_schema};
use super::scalar::{Scalar, ScalarMap};
use crate::error::{Error, Result};
use crate::generated::ErrorCode;

/// A row for each version, as [`versioned_entries_schema`] has it, with the kinds of the values.
pub fn versioned_entries(versions: &[(i32, ScalarMap)]) -> Result<RecordBatch> {
    let schema: SchemaRef = Arc::new(versioned_entries_schema(map_entry_type(true)));
    let DataType::List(item) = schema.field(1).data_type() else {
        return Err(Error::internal("entries are a list"));
    };
    let lengths = OffsetBuffer::from_lengths(versions.iter().map(|(_, map)| map.len()));
    let entries: Vec<_> = versions.iter().flat_map(|(_, map)| map).collect();
    let entries = entry_array(&entries)?;
    let entries = ListArray::try_new(item.clone(), lengths, Arc::new(entries), None)?;
    let numbers = Int32Array::from_iter_values(versions.iter().map(|(version, _)| *version));
    Ok(RecordBatch::try_new(
        schema,
        vec![Arc::new(numbers), Arc::new(entries)],
    )?)
}

/// What [`versioned_entries`] made the rows of; values without a kind are texts.
pub fn read_versioned_entries(batch: &RecordBatch) -> Result<Vec<(i32, ScalarMap)>> {
    let is_wanted = |with_kind| *batch.schema() == versioned_entries_schema(map_entry_type(with_kind));
    if !is_wanted(true) && !is_wanted(false) {
        return Err(wrong(format!(
            "these are not rows of versions and entries: {}",
            batch.schema()
        )));
    }
    let (versions, lists) = (
        batch.column(0).as_primitive::<Int32Type>(),
        batch.column(1).as_list::<i32>(),
    );
    let rows = (0..batch.num_rows()).map(|row| Ok((versions.value(row), map(&lists.value(row))?)));
    rows.collect()
}

fn entry_array(entries: &[(&String, &Scalar)]) -> Result<StructArray> {
    let DataType::Struct(fields) = map_entry_type(true) else {
        return Err(Error::internal("an entry is a struct"));
    };
    let keys = StringArray::from_iter_values(entries.iter().map(|(key, _)| key));
    let kinds = StringArray::from_iter_values(entries.iter().map(|(_, value)| value.kind()));
    let values: StringArray = entries.iter().map(|(_, value)| value.text()).collect();
    let columns: Vec<ArrayRef> = vec![Arc::new(keys), Arc::new(kinds), Arc::new(values)];
    Ok(StructArray::try_new(fields, columns, None)?)
}

fn map(entries: &ArrayRef) -> Result<ScalarMap> {
    let entries = entries.as_struct();
    let column = |name: &str| entries.column_by_name(name).map(|column| column.as_string::<i32>());
    let (keys, kinds, values) = (column("key"), column("value_kind"), column("value"));
    let (Some(keys), Some(values)) = (keys, values) else {
        return Err(Error::internal("entries have keys and values"));
    };
    let mut map = ScalarMap::new();
    for row in 0..entries.len() {
        let (key, text) = (keys.value(row), values.is_valid(row).then(|| values.value(row)));
        let kind = kinds.map_or(text.map_or("null", |_| "string"), |kinds| kinds.value(row));
        let value = Scalar::parse(kind, text)
            .ok_or_else(|| wrong(format!("{key:?} is no value of kind {kind:?}: {text:?}")))?;
        if map.insert(key.to_owned(), value).is_some() {
            return Err(wrong(format!("{key:?} occurs twice")));
        }
    }
    Ok(map)
}

fn wrong(reason: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, format!("entries: {reason}"))
}
