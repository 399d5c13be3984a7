//! Plain Arrow types for clients: views, dictionaries and run-end encodings become the values they stand for.

use std::sync::Arc;

use arrow::array::{
    Array, ArrayRef, AsArray, FixedSizeListArray, GenericListArray, MapArray, OffsetSizeTrait, StructArray, UnionArray,
};
use arrow::buffer::{OffsetBuffer, ScalarBuffer};
use arrow::compute::{CastOptions, cast_with_options, take};
use arrow::datatypes::{DataType, Field, FieldRef, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};

/// The schema that clients see: plain types, and the users' metadata without what Delta and Parquet keep there.
pub fn normalized_schema(schema: &Schema) -> SchemaRef {
    mapped_schema(schema, plain_leaf)
}

/// The schema with other types for its leaves, which [`normalize_batch`] casts the values to.
pub(crate) fn mapped_schema(schema: &Schema, leaf: Leaf) -> SchemaRef {
    let fields: Vec<_> = schema.fields().iter().map(|field| mapped_field(field, leaf)).collect();
    Arc::new(Schema::new_with_metadata(fields, schema.metadata().clone()))
}

/// The batch with the types of `schema`, which [`normalized_schema`] made; columns that are plain already are shared.
pub fn normalize_batch(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns: Result<Vec<_>, _> = batch
        .columns()
        .iter()
        .zip(schema.fields())
        .map(|(column, field)| plain(column, field.data_type()).map_err(|error| at_column(field.name(), error)))
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(schema.clone(), columns?, &options)
}

/// The error with the column that it arose in.
pub(crate) fn at_column(name: &str, error: ArrowError) -> ArrowError {
    match error {
        ArrowError::CastError(message) => ArrowError::CastError(format!("column {name:?}: {message}")),
        other => ArrowError::CastError(format!("column {name:?}: {other}")),
    }
}

type Leaf = fn(&DataType) -> DataType;

fn plain_leaf(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        DataType::BinaryView => DataType::Binary,
        plain => plain.clone(),
    }
}

fn mapped_field(field: &FieldRef, leaf: Leaf) -> FieldRef {
    let data_type = mapped_type(field.data_type(), leaf);
    if &data_type == field.data_type() && !field.metadata().keys().any(|key| is_internal(key)) {
        return field.clone();
    }
    let mut metadata = field.metadata().clone();
    metadata.retain(|key, _| !is_internal(key));
    Arc::new(Field::clone(field).with_data_type(data_type).with_metadata(metadata))
}

fn is_internal(key: &str) -> bool {
    key.starts_with("delta.") || key.starts_with("parquet.field.") || key == "PARQUET:field_id"
}

fn mapped_type(data_type: &DataType, leaf: Leaf) -> DataType {
    use DataType::*;
    let mapped = |field| mapped_field(field, leaf);
    match data_type {
        Dictionary(_, values) => mapped_type(values, leaf),
        RunEndEncoded(_, values) => mapped_type(values.data_type(), leaf),
        List(item) | ListView(item) => List(mapped(item)),
        LargeList(item) | LargeListView(item) => LargeList(mapped(item)),
        FixedSizeList(item, size) => FixedSizeList(mapped(item), *size),
        Struct(fields) => Struct(fields.iter().map(mapped).collect()),
        Map(entries, sorted) => Map(mapped(entries), *sorted),
        Union(fields, mode) => Union(fields.iter().map(|(id, field)| (id, mapped(field))).collect(), *mode),
        scalar => leaf(scalar),
    }
}

/// The values as those of another type that differs in encodings, names inside, and what may be null.
pub(crate) fn plain(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    use DataType::*;
    if array.data_type() == target {
        return Ok(array.clone());
    }
    match (array.data_type(), target) {
        (Dictionary(..), _) => {
            let dictionary = array.as_any_dictionary();
            plain(&take(dictionary.values(), dictionary.keys(), None)?, target)
        }
        (RunEndEncoded(_, values), _) => plain(&cast(array, values.data_type())?, target),
        (ListView(item), _) => plain(&cast(array, &List(item.clone()))?, target),
        (LargeListView(item), _) => plain(&cast(array, &LargeList(item.clone()))?, target),
        (List(_), List(item)) => plain_list::<i32>(array, item),
        (LargeList(_), LargeList(item)) => plain_list::<i64>(array, item),
        (FixedSizeList(..), FixedSizeList(item, size)) => plain_fixed_size_list(array, item, *size),
        (Map(..), Map(entries, sorted)) => plain_map(array, entries, *sorted),
        (Struct(_), Struct(_)) => plain_struct(array.as_struct(), target).map(|array| Arc::new(array) as ArrayRef),
        (Union(..), Union(..)) => plain_union(array.as_union(), target),
        (Utf8View, Utf8) => fits_offsets(array.as_string_view().lengths()).and_then(|()| cast(array, target)),
        (BinaryView, Binary) => fits_offsets(array.as_binary_view().lengths()).and_then(|()| cast(array, target)),
        _ => cast(array, target),
    }
}

fn cast(array: &ArrayRef, target: &DataType) -> Result<ArrayRef, ArrowError> {
    let exactly = CastOptions {
        safe: false,
        ..Default::default()
    };
    cast_with_options(array, target, &exactly)
}

/// The cast from a view panics when its values exceed the 32-bit offsets.
fn fits_offsets(lengths: impl Iterator<Item = u32>) -> Result<(), ArrowError> {
    let bytes: usize = lengths.map(|length| length as usize).sum();
    if i32::try_from(bytes).is_ok() {
        return Ok(());
    }
    let message = format!("{bytes} bytes in one batch are more than a column holds (2 GiB); lower the batch size");
    Err(ArrowError::CastError(message))
}

/// The part of a list's items that its offsets reach, and the offsets into that part.
fn reached<O: OffsetSizeTrait>(offsets: &OffsetBuffer<O>) -> (usize, usize, OffsetBuffer<O>) {
    let (start, end) = (offsets[0], offsets[offsets.len() - 1]);
    let moved: ScalarBuffer<O> = match start.as_usize() {
        0 => offsets.inner().clone(),
        _ => offsets.iter().map(|offset| *offset - start).collect(),
    };
    (start.as_usize(), (end - start).as_usize(), OffsetBuffer::new(moved))
}

fn plain_list<O: OffsetSizeTrait>(array: &ArrayRef, item: &FieldRef) -> Result<ArrayRef, ArrowError> {
    let list = array.as_list::<O>();
    let (start, length, offsets) = reached(list.offsets());
    let values = plain(&list.values().slice(start, length), item.data_type())?;
    Ok(Arc::new(GenericListArray::try_new(
        item.clone(),
        offsets,
        values,
        list.nulls().cloned(),
    )?))
}

fn plain_fixed_size_list(array: &ArrayRef, item: &FieldRef, size: i32) -> Result<ArrayRef, ArrowError> {
    let list = array.as_fixed_size_list();
    let values = plain(list.values(), item.data_type())?;
    let nulls = list.nulls().cloned();
    Ok(Arc::new(FixedSizeListArray::try_new_with_length(
        item.clone(),
        size,
        values,
        nulls,
        list.len(),
    )?))
}

fn plain_map(array: &ArrayRef, entries: &FieldRef, sorted: bool) -> Result<ArrayRef, ArrowError> {
    let map = array.as_map();
    let (start, length, offsets) = reached(map.offsets());
    let values = plain_struct(&map.entries().slice(start, length), entries.data_type())?;
    Ok(Arc::new(MapArray::try_new(
        entries.clone(),
        offsets,
        values,
        map.nulls().cloned(),
        sorted,
    )?))
}

fn plain_struct(array: &StructArray, target: &DataType) -> Result<StructArray, ArrowError> {
    let DataType::Struct(fields) = target else {
        return Err(ArrowError::CastError(format!("a struct can't become {target}")));
    };
    let columns = array
        .columns()
        .iter()
        .zip(fields)
        .map(|(column, field)| plain(column, field.data_type()));
    StructArray::try_new_with_length(
        fields.clone(),
        columns.collect::<Result<_, _>>()?,
        array.nulls().cloned(),
        array.len(),
    )
}

fn plain_union(array: &UnionArray, target: &DataType) -> Result<ArrayRef, ArrowError> {
    let DataType::Union(fields, _) = target else {
        return Err(ArrowError::CastError(format!("a union can't become {target}")));
    };
    let children = fields
        .iter()
        .map(|(id, field)| plain(array.child(id), field.data_type()));
    let (ids, offsets) = (array.type_ids().clone(), array.offsets().cloned());
    Ok(Arc::new(UnionArray::try_new(
        fields.clone(),
        ids,
        offsets,
        children.collect::<Result<_, _>>()?,
    )?))
}
