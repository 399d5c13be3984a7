//! How many bytes a call of a function makes whose result grows with an argument, told from its arguments.

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, max, min, sum};
use arrow::datatypes::{DataType, Int64Type};
use datafusion::common::{DataFusionError, Result};

pub const GROWING: [&str; 11] = [
    "repeat",
    "lpad",
    "rpad",
    "concat",
    "concat_ws",
    "replace",
    "regexp_replace",
    "array_repeat",
    "array_resize",
    "range",
    "generate_series",
];

/// Those that are told from lengths alone, and mostly make far less.
pub const LOOSE: [&str; 2] = ["replace", "regexp_replace"];

/// What a padded character, a list element or a number is counted as.
const ITEM: i64 = 8;

/// An argument of one value stands for every row.
pub fn growth(name: &str, arguments: &[ArrayRef], rows: usize) -> Result<i64> {
    match name {
        "range" | "generate_series" => series(arguments, rows),
        "repeat" => Ok(total(&arguments[1], rows)?.saturating_mul(longest(&arguments[0])?)),
        "concat" => joined(arguments, rows, 0),
        "concat_ws" => {
            let separators = longest(&arguments[0])?.saturating_mul(arguments.len() as i64 - 1);
            joined(&arguments[1..], rows, separators)
        }
        "replace" => {
            let places = text_bytes(&arguments[0], rows)? / shortest(&arguments[1])?.max(1);
            replaced(arguments, places, rows)
        }
        // A pattern may match between any two characters.
        "regexp_replace" => replaced(arguments, text_bytes(&arguments[0], rows)?, rows),
        _ => Ok(total(&arguments[1], rows)?.saturating_mul(ITEM)),
    }
}

/// Bytes of all texts together.
pub fn text_bytes(texts: &ArrayRef, rows: usize) -> Result<i64> {
    if !texts.data_type().is_string() {
        return Ok(0);
    }
    let lengths = integers(&length(texts)?)?;
    let bytes = sum(lengths.as_primitive::<Int64Type>()).unwrap_or_default();
    Ok(for_rows(texts, bytes, rows))
}

fn joined(arguments: &[ArrayRef], rows: usize, between: i64) -> Result<i64> {
    let bytes = arguments.iter().map(|texts| text_bytes(texts, rows));
    let bytes = bytes
        .collect::<Result<Vec<_>>>()?
        .into_iter()
        .fold(0, i64::saturating_add);
    Ok(bytes.saturating_add(between.saturating_mul(rows as i64)))
}

/// With the new text in so many places, and one more in each row.
fn replaced(arguments: &[ArrayRef], places: i64, rows: usize) -> Result<i64> {
    let added = places
        .saturating_add(rows as i64)
        .saturating_mul(longest(&arguments[2])?);
    Ok(text_bytes(&arguments[0], rows)?.saturating_add(added))
}

fn integers(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &DataType::Int64)?)
}

fn for_rows(array: &ArrayRef, sum: i64, rows: usize) -> i64 {
    match array.len() {
        1 => sum.saturating_mul(rows as i64),
        _ => sum,
    }
}

fn total(counts: &ArrayRef, rows: usize) -> Result<i64> {
    let numbers = integers(counts)?;
    let numbers = numbers.as_primitive::<Int64Type>().iter().flatten();
    let sum = numbers.fold(0i64, |sum, count| sum.saturating_add(count.max(0)));
    Ok(for_rows(counts, sum, rows))
}

fn longest(texts: &ArrayRef) -> Result<i64> {
    let lengths = integers(&length(texts)?)?;
    Ok(max(lengths.as_primitive::<Int64Type>()).unwrap_or_default())
}

fn shortest(texts: &ArrayRef) -> Result<i64> {
    let lengths = integers(&length(texts)?)?;
    Ok(min(lengths.as_primitive::<Int64Type>()).unwrap_or_default())
}

/// Numbers in all series together, counted as bytes; only integers are counted, others belong in FROM.
fn series(arrays: &[ArrayRef], rows: usize) -> Result<i64> {
    if !arrays
        .iter()
        .all(|array| array.data_type().is_integer() || array.data_type().is_null())
    {
        let message = "Lists of dates and times aren't made by range and generate_series here: use them in FROM";
        return Err(DataFusionError::Plan(message.to_owned()));
    }
    let arrays: Vec<ArrayRef> = arrays.iter().map(integers).collect::<Result<_>>()?;
    let value = |index: usize, row: usize| {
        let array = arrays.get(index)?.as_primitive::<Int64Type>();
        let row = if array.len() == 1 { 0 } else { row };
        array.is_valid(row).then(|| array.value(row))
    };
    let mut numbers = 0i64;
    for row in 0..rows {
        let first = value(0, row).unwrap_or_default();
        let (start, stop) = value(1, row).map_or((0, first), |stop| (first, stop));
        let step = value(2, row).unwrap_or(1).saturating_abs().max(1);
        numbers = numbers.saturating_add(stop.saturating_sub(start).saturating_abs() / step);
    }
    Ok(numbers.saturating_mul(ITEM))
}
