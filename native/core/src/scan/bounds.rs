//! How far the bounds in the log can be relied on.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Decimal128Array};
use arrow::datatypes::{DataType, Decimal128Type, TimeUnit, TimestampMicrosecondType};

/// Digits that a writer keeps which has decimals pass through floating point.
const FLOAT_DIGITS: u8 = 15;
/// Spark writes times to the millisecond, rounded down.
const MILLISECOND: i64 = 1_000;

/// Whether bounds of the type have an order that is the same for all writers.
pub fn has_bounds(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Boolean | Int8 | Int16 | Int32 | Int64 | Float32 | Float64 | Utf8 | Utf8View | Date32 | Decimal128(..) => true,
        Timestamp(unit, _) => *unit == TimeUnit::Microsecond,
        _ => false,
    }
}

/// Whether the bounds are values of the file, and not just around them: writers cut texts off and round times and long
/// decimals, and there may be NaN beyond the bounds of floating point.
pub fn are_values(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Boolean | Int8 | Int16 | Int32 | Int64 | Date32 => true,
        Decimal128(precision, _) => *precision <= FLOAT_DIGITS,
        _ => false,
    }
}

/// Bounds that hold for what was rounded too.
pub fn outward(min: Option<ArrayRef>, max: Option<ArrayRef>) -> (Option<ArrayRef>, Option<ArrayRef>) {
    (min.map(|min| widened(min, -1)), max.map(|max| widened(max, 1)))
}

fn widened(bounds: ArrayRef, direction: i128) -> ArrayRef {
    match bounds.data_type() {
        DataType::Timestamp(..) if direction > 0 => {
            let times = bounds.as_primitive::<TimestampMicrosecondType>();
            let latest = |time: i64| time.saturating_add(if time % MILLISECOND == 0 { MILLISECOND - 1 } else { 0 });
            let widened = times.unary::<_, TimestampMicrosecondType>(latest);
            Arc::new(widened.with_data_type(bounds.data_type().clone()))
        }
        DataType::Decimal128(precision, _) if *precision > FLOAT_DIGITS => {
            let decimals = bounds.as_primitive::<Decimal128Type>();
            let rounding = |value: i128| (value.abs() >> 52) + 1;
            let widened: Decimal128Array = decimals.unary(|value| value.saturating_add(direction * rounding(value)));
            Arc::new(widened.with_data_type(bounds.data_type().clone()))
        }
        _ => bounds,
    }
}
