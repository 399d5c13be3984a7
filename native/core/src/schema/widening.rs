//! Which types hold every value of another.

use arrow::datatypes::{DataType, Field, TimeUnit};

/// Whether every value of `narrow` has its like in `wide`.
pub fn is_widened(narrow: &DataType, wide: &DataType) -> bool {
    use DataType::*;
    match (narrow, wide) {
        (narrow, wide) if narrow == wide => true,
        (Null, _) | (Utf8, LargeUtf8) | (Binary, LargeBinary) => true,
        (narrow, wide) if narrow.is_integer() && wide.is_integer() => holds_integers(narrow, wide),
        (narrow, Float32) if narrow.is_integer() => digits(narrow) <= 5,
        (narrow, Float64) if narrow.is_integer() => digits(narrow) <= 10,
        (Float16, Float32 | Float64) | (Float32, Float64) => true,
        (narrow, wide) => match (decimal(narrow), decimal(wide)) {
            (Some((whole, scale)), Some((wide_whole, wide_scale))) => wide_whole >= whole && wide_scale >= scale,
            _ => holds_times(narrow, wide) || holds_nested(narrow, wide),
        },
    }
}

fn holds_integers(narrow: &DataType, wide: &DataType) -> bool {
    let bits = |integer: &DataType| integer.primitive_width().unwrap_or_default();
    match (narrow.is_signed_integer(), wide.is_signed_integer()) {
        (true, false) => false,
        (false, true) => bits(wide) > bits(narrow),
        _ => bits(wide) >= bits(narrow),
    }
}

/// How many decimal digits the largest value of an integer type has.
fn digits(integer: &DataType) -> i32 {
    match integer {
        DataType::Int8 | DataType::UInt8 => 3,
        DataType::Int16 | DataType::UInt16 => 5,
        DataType::Int32 | DataType::UInt32 => 10,
        DataType::Int64 => 19,
        _ => 20,
    }
}

/// Digits before the point, and behind it.
fn decimal(data_type: &DataType) -> Option<(i32, i32)> {
    use DataType::*;
    match data_type {
        Decimal32(precision, scale)
        | Decimal64(precision, scale)
        | Decimal128(precision, scale)
        | Decimal256(precision, scale) => Some((i32::from(*precision) - i32::from(*scale), i32::from(*scale))),
        integer if integer.is_integer() => Some((digits(integer), 0)),
        _ => None,
    }
}

fn holds_times(narrow: &DataType, wide: &DataType) -> bool {
    use DataType::*;
    match (narrow, wide) {
        (Date32, Date64 | Timestamp(_, None)) => true,
        (Timestamp(narrow, from), Timestamp(wide, to)) => from == to && fineness(wide) >= fineness(narrow),
        (Time32(narrow), Time32(wide) | Time64(wide)) | (Time64(narrow), Time64(wide)) => {
            fineness(wide) >= fineness(narrow)
        }
        _ => false,
    }
}

fn fineness(unit: &TimeUnit) -> u8 {
    match unit {
        TimeUnit::Second => 0,
        TimeUnit::Millisecond => 1,
        TimeUnit::Microsecond => 2,
        TimeUnit::Nanosecond => 3,
    }
}

fn holds_nested(narrow: &DataType, wide: &DataType) -> bool {
    use DataType::*;
    let holds = |narrow: &Field, wide: &Field| is_widened(narrow.data_type(), wide.data_type());
    match (narrow, wide) {
        (List(narrow), List(wide) | LargeList(wide)) | (LargeList(narrow), LargeList(wide)) => holds(narrow, wide),
        (Map(narrow, _), Map(wide, _)) => holds(narrow, wide),
        (Struct(narrow), Struct(wide)) => {
            let mut pairs = narrow.iter().zip(wide);
            narrow.len() == wide.len()
                && pairs.all(|(narrow, wide)| narrow.name() == wide.name() && holds(narrow, wide))
        }
        _ => false,
    }
}
