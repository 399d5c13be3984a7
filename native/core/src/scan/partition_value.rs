//! Values that all rows of a file share, as Arrow has them.

use arrow::datatypes::DataType;
use datafusion::common::Result;
use datafusion::scalar::ScalarValue;
use delta_kernel::expressions::Scalar;

/// The value in the type of its column; none where there is no such type.
pub fn partition_value(value: &Scalar, data_type: &DataType) -> Result<Option<ScalarValue>> {
    let value = match value {
        Scalar::Null(_) => return ScalarValue::try_from(data_type).map(Some),
        Scalar::Boolean(value) => ScalarValue::from(*value),
        Scalar::String(value) => ScalarValue::from(value.as_str()),
        Scalar::Byte(value) => ScalarValue::from(*value),
        Scalar::Short(value) => ScalarValue::from(*value),
        Scalar::Integer(value) => ScalarValue::from(*value),
        Scalar::Long(value) => ScalarValue::from(*value),
        Scalar::Float(value) => ScalarValue::from(*value),
        Scalar::Double(value) => ScalarValue::from(*value),
        Scalar::Date(value) => ScalarValue::Date32(Some(*value)),
        Scalar::Timestamp(value) => ScalarValue::TimestampMicrosecond(Some(*value), Some("UTC".into())),
        Scalar::TimestampNtz(value) => ScalarValue::TimestampMicrosecond(Some(*value), None),
        Scalar::Binary(value) => ScalarValue::Binary(Some(value.clone())),
        Scalar::Decimal(value) => ScalarValue::Decimal128(Some(value.bits()), value.precision(), value.scale() as i8),
        _ => return Ok(None),
    };
    value.cast_to(data_type).map(Some)
}
