//! The values of a statement's placeholders.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use datafusion::common::{ParamValues, ScalarValue};
use datafusion::logical_expr::LogicalPlan;
use serde_json::Value;

use crate::error::{Error, Result};
use crate::generated::{ErrorCode, Parameter, QueryParameters, TypedParameter};
use crate::type_name::parse_type_name;

type Types = HashMap<String, Option<DataType>>;

/// Puts the values into `plan`. Each placeholder needs a value and each value a placeholder; a plain value takes
/// the type that the statement gives its placeholder.
pub fn bind(plan: LogicalPlan, parameters: Option<&QueryParameters>, maximum: i64) -> Result<LogicalPlan> {
    let types = plan.get_parameter_types()?;
    let values = match parameters {
        None => HashMap::new(),
        Some(QueryParameters::List(list)) => {
            let named = list
                .iter()
                .enumerate()
                .map(|(index, value)| ((index + 1).to_string(), value));
            convert(named, &types)?
        }
        Some(QueryParameters::Named(map)) => convert(map.iter().map(|(name, value)| (name.clone(), value)), &types)?,
    };
    if values.len() as i64 > maximum {
        let message = format!("A statement takes {maximum} parameters at most: join a table of values instead");
        return Err(Error::new(ErrorCode::StatementTooComplex, message).with("limit", "parameters"));
    }
    if let Some(missing) = types.keys().filter(|name| !values.contains_key(plain(name))).min() {
        let message = format!("The parameter {missing} has no value: add it to \"parameters\"");
        return Err(Error::new(ErrorCode::ParameterMissing, message).with("parameter", missing.as_str()));
    }
    if values.is_empty() {
        return Ok(plan);
    }
    // Also for a list: DataFusion looks `$1` up by its text.
    Ok(plan.with_param_values(ParamValues::from(Vec::from_iter(values)))?)
}

fn convert<'a>(
    parameters: impl Iterator<Item = (String, &'a Parameter)>,
    types: &Types,
) -> Result<HashMap<String, ScalarValue>> {
    parameters
        .map(|(name, parameter)| {
            let Some(expected) = types.get(&format!("${name}")) else {
                let message = format!("The statement has no parameter ${name}");
                return Err(invalid(&name, message));
            };
            let value = match parameter {
                Parameter::Typed(typed) => typed_value(&name, typed)?,
                Parameter::Plain(value) => plain_value(&name, value, expected.as_ref())?,
            };
            Ok((name, value))
        })
        .collect()
}

fn plain(placeholder: &str) -> &str {
    placeholder.trim_start_matches('$')
}

fn invalid(name: &str, message: String) -> Error {
    Error::new(ErrorCode::ParameterInvalid, message)
        .with("parameter", name)
        .with("pointer", format!("/parameters/{}", pointer(name)))
}

/// Positions count from 1 in SQL and from 0 in a JSON pointer.
fn pointer(name: &str) -> String {
    name.parse::<usize>()
        .map_or(name.to_owned(), |position| position.saturating_sub(1).to_string())
}

fn typed_value(name: &str, typed: &TypedParameter) -> Result<ScalarValue> {
    let data_type =
        parse_type_name(&typed.r#type).map_err(|reason| invalid(name, format!("Parameter {name}: {reason}")))?;
    typed_as(name, &typed.value, &data_type)
}

fn typed_as(name: &str, value: &Value, data_type: &DataType) -> Result<ScalarValue> {
    match (value, data_type) {
        (Value::Null, _) => Ok(ScalarValue::try_from(data_type)?),
        (Value::Array(items), DataType::List(field)) => {
            let items: Vec<_> = items
                .iter()
                .map(|item| typed_as(name, item, field.data_type()))
                .collect::<Result<_>>()?;
            Ok(ScalarValue::List(ScalarValue::new_list_nullable(
                &items,
                field.data_type(),
            )))
        }
        (Value::Array(_) | Value::Object(_), _) => {
            Err(invalid(name, format!("Parameter {name}: {value} isn't a {data_type}")))
        }
        (Value::String(text), _) => from_text(name, text, data_type),
        (other, _) => from_text(name, &other.to_string(), data_type),
    }
}

/// Arrow's own text conversion, which refuses what doesn't fit.
fn from_text(name: &str, text: &str, data_type: &DataType) -> Result<ScalarValue> {
    if let (DataType::Binary, Some(bytes)) = (data_type, from_hex(text)) {
        return Ok(ScalarValue::Binary(Some(bytes)));
    }
    let array: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let cast = cast_with_options(&array, data_type, &options)
        .map_err(|error| invalid(name, format!("Parameter {name}: '{text}' isn't a {data_type}: {error}")))?;
    Ok(ScalarValue::try_from_array(&cast, 0)?)
}

fn from_hex(text: &str) -> Option<Vec<u8>> {
    let digits = text.as_bytes();
    if !digits.len().is_multiple_of(2) {
        return None;
    }
    digits
        .chunks(2)
        .map(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok())
        .collect()
}

fn plain_value(name: &str, value: &Value, expected: Option<&DataType>) -> Result<ScalarValue> {
    let natural = match value {
        Value::Null => ScalarValue::Null,
        Value::Bool(value) => ScalarValue::from(*value),
        Value::Number(number) => match (number.as_i64(), number.as_u64(), number.as_f64()) {
            (Some(integer), ..) => ScalarValue::from(integer),
            (None, Some(integer), _) => ScalarValue::from(integer),
            (None, None, Some(float)) => ScalarValue::from(float),
            (None, None, None) => return Err(invalid(name, format!("Parameter {name}: {number} is no number"))),
        },
        Value::String(text) => match expected {
            Some(expected) if !is_text(expected) => return from_text(name, text, expected),
            _ => ScalarValue::from(text.as_str()),
        },
        Value::Array(items) => return list(name, items, expected),
        Value::Object(_) => {
            let message = format!("Parameter {name}: an object is no value; write {{\"type\": …, \"value\": …}}");
            return Err(invalid(name, message));
        }
    };
    Ok(match expected {
        Some(expected) => exactly(&natural, expected).unwrap_or(natural),
        None => natural,
    })
}

fn is_text(data_type: &DataType) -> bool {
    matches!(data_type, DataType::Utf8 | DataType::LargeUtf8 | DataType::Utf8View)
}

/// The same value as another type, or nothing where the type can't hold it exactly: then SQL's own coercion decides.
fn exactly(value: &ScalarValue, data_type: &DataType) -> Option<ScalarValue> {
    let cast = value.cast_to(data_type).ok()?;
    let back = cast.cast_to(&value.data_type()).ok()?;
    (back == *value).then_some(cast)
}

fn list(name: &str, items: &[Value], expected: Option<&DataType>) -> Result<ScalarValue> {
    let element = match expected {
        Some(DataType::List(field)) => Some(field.data_type()),
        _ => None,
    };
    let values: Vec<_> = items
        .iter()
        .map(|item| plain_value(name, item, element))
        .collect::<Result<_>>()?;
    let data_type = element.cloned().unwrap_or_else(|| common_type(&values));
    let values: Vec<_> = values
        .iter()
        .map(|value| value.cast_to(&data_type))
        .collect::<Result<_, _>>()
        .map_err(|error| {
            invalid(
                name,
                format!("Parameter {name}: the list's values differ in type: {error}"),
            )
        })?;
    Ok(ScalarValue::List(ScalarValue::new_list_nullable(&values, &data_type)))
}

fn common_type(values: &[ScalarValue]) -> DataType {
    let types: Vec<_> = values
        .iter()
        .filter(|value| !value.is_null())
        .map(ScalarValue::data_type)
        .collect();
    match types.first() {
        Some(_) if types.contains(&DataType::Float64) => DataType::Float64,
        Some(first) => first.clone(),
        None => DataType::Null,
    }
}
