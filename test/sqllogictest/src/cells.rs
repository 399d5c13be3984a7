//! Rows and columns as sqllogictest files of DataFusion write them.

use std::str::FromStr;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float16Type, Float32Type, Float64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_cast::display::{ArrayFormatter, DurationFormat, FormatOptions};
use arrow_schema::{ArrowError, DataType, Schema};
use bigdecimal::BigDecimal;
use sqllogictest::ColumnType;

/// Digits behind the point that floats are compared by.
const FLOAT_DIGITS: i64 = 12;
const TIMESTAMP: &str = "%Y-%m-%dT%H:%M:%S%.f";

#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kind(char);

impl ColumnType for Kind {
    fn from_char(letter: char) -> Option<Self> {
        Some(Self(if "BDIPRT".contains(letter) { letter } else { '?' }))
    }

    fn to_char(&self) -> char {
        self.0
    }
}

pub fn kinds(schema: &Schema) -> Vec<Kind> {
    schema
        .fields()
        .iter()
        .map(|field| Kind(letter(field.data_type())))
        .collect()
}

fn letter(data_type: &DataType) -> char {
    use DataType as D;
    match data_type {
        D::Boolean => 'B',
        integer if integer.is_integer() => 'I',
        number if number.is_numeric() => 'R',
        text if text.is_string() => 'T',
        D::Date32 | D::Date64 | D::Time32(_) | D::Time64(_) => 'D',
        D::Timestamp(..) => 'P',
        D::Dictionary(_, value) if value.is_string() => 'T',
        _ => '?',
    }
}

pub fn rows(batches: &[RecordBatch]) -> Result<Vec<Vec<String>>, ArrowError> {
    let mut rows = Vec::new();
    for batch in batches {
        for row in 0..batch.num_rows() {
            let cells = batch.columns().iter().map(|column| cell(column, row));
            rows.extend(lines(cells.collect::<Result<_, _>>()?));
        }
    }
    Ok(rows)
}

/// A last cell of several lines stands below its row, a numbered row a line, indented by dashes.
fn lines(mut row: Vec<String>) -> Vec<Vec<String>> {
    if !row.last().is_some_and(|cell| cell.contains('\n')) {
        return vec![row];
    }
    let cell = row.pop().unwrap_or_default();
    let numbered = cell.split('\n').enumerate().map(|(index, line)| {
        let text = line.trim_start();
        vec![format!(
            "{:02}){}{text}",
            index + 1,
            "-".repeat(line.len() - text.len())
        )]
    });
    std::iter::once(row).chain(numbered).collect()
}

fn cell(column: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    use DataType as D;
    if column.is_null(row) {
        return Ok("NULL".to_owned());
    }
    Ok(match column.data_type() {
        D::Float16 => float(column.as_primitive::<Float16Type>().value(row).to_f64(), || {
            column.as_primitive::<Float16Type>().value(row).to_string()
        }),
        D::Float32 => float(column.as_primitive::<Float32Type>().value(row).into(), || {
            column.as_primitive::<Float32Type>().value(row).to_string()
        }),
        D::Float64 => float(column.as_primitive::<Float64Type>().value(row), || {
            column.as_primitive::<Float64Type>().value(row).to_string()
        }),
        D::Decimal32(_, scale) | D::Decimal64(_, scale) | D::Decimal128(_, scale) | D::Decimal256(_, scale) => {
            plain(&formatted(column, row)?, (*scale).into())
        }
        D::Utf8 => text(column.as_string::<i32>().value(row)),
        D::LargeUtf8 => text(column.as_string::<i64>().value(row)),
        D::Utf8View => text(column.as_string_view().value(row)),
        D::Dictionary(..) => {
            let dictionary = column.as_any_dictionary();
            cell(dictionary.values(), dictionary.normalized_keys()[row])?
        }
        _ => formatted(column, row)?,
    })
}

fn float(value: f64, written: impl Fn() -> String) -> String {
    match value {
        // Its sign is another on other machines.
        nan if nan.is_nan() => "NaN".to_owned(),
        f64::INFINITY => "Infinity".to_owned(),
        f64::NEG_INFINITY => "-Infinity".to_owned(),
        _ => plain(&written(), FLOAT_DIGITS),
    }
}

fn plain(number: &str, digits: i64) -> String {
    match BigDecimal::from_str(number) {
        Ok(number) => number.round(digits).normalized().to_plain_string(),
        Err(_) => number.to_owned(),
    }
}

fn text(value: &str) -> String {
    match value {
        "" => "(empty)".to_owned(),
        _ => value.trim_end_matches('\n').replace('\0', "\\0"),
    }
}

fn formatted(column: &ArrayRef, row: usize) -> Result<String, ArrowError> {
    let options = FormatOptions::new()
        .with_display_error(true)
        .with_null("NULL")
        .with_date_format(Some("%Y-%m-%d"))
        .with_datetime_format(Some(TIMESTAMP))
        .with_timestamp_format(Some(TIMESTAMP))
        .with_time_format(Some("%H:%M:%S%.f"))
        .with_duration_format(DurationFormat::Pretty);
    Ok(ArrayFormatter::try_new(column.as_ref(), &options)?
        .value(row)
        .to_string())
}
