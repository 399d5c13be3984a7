//! Unions, dictionaries and run-end encodings: values that stand in another array.

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Int16Type, Int32Type, Int64Type, RunEndIndexType};
use arrow::error::ArrowError;

use super::values::{Column, Notation, Write};

/// A union is the value that it holds.
pub(super) fn union<'a, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    let union = array.as_union();
    let mut children: Vec<Option<Column<'a>>> = (0..128).map(|_| None).collect();
    for (id, _) in union.fields().iter() {
        children[id as usize] = Some(Column::new(union.child(id).as_ref(), n)?);
    }
    Ok(Box::new(move |index, out| {
        match &children[union.type_id(index) as usize] {
            Some(child) => child.write(union.value_offset(index), out),
            None => Err(ArrowError::CastError(format!(
                "a union has no member {}",
                union.type_id(index)
            ))),
        }
    }))
}

pub(super) fn dictionary<'a, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    let dictionary = array.as_any_dictionary();
    let values = Column::new(dictionary.values().as_ref(), n)?;
    let keys = match dictionary.values().is_empty() {
        true => Vec::new(),
        false => dictionary.normalized_keys(),
    };
    Ok(Box::new(move |index, out| values.write(keys[index], out)))
}

pub(super) fn runs<'a, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    match array.data_type() {
        DataType::RunEndEncoded(ends, _) if ends.data_type() == &DataType::Int16 => runs_of::<Int16Type, N>(array, n),
        DataType::RunEndEncoded(ends, _) if ends.data_type() == &DataType::Int32 => runs_of::<Int32Type, N>(array, n),
        _ => runs_of::<Int64Type, N>(array, n),
    }
}

fn runs_of<'a, R: RunEndIndexType, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    let runs = array.as_run::<R>();
    let values = Column::new(runs.values().as_ref(), n)?;
    Ok(Box::new(move |index, out| {
        values.write(runs.get_physical_index(index), out)
    }))
}
