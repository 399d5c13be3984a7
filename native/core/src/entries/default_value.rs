//! The default value of a column, as text that is cast to its type.

use std::sync::Arc;

use arrow::array::{ArrayRef, StringArray};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::DataType;
use serde_json::Value;

use crate::type_name::{parse_type_name, type_name};

/// The text of a default value, or nothing where there is none.
pub fn default_text(value: &Value) -> Option<String> {
    match value {
        Value::Null => None,
        Value::String(text) => Some(text.clone()),
        other => Some(other.to_string()),
    }
}

/// Why a column of the type can't have the default value.
pub fn default_fault(value: &Value, data_type: &DataType) -> Option<String> {
    let text = default_text(value)?;
    if !is_castable(data_type) {
        return Some(format!(
            "a column of type {} has no default value",
            type_name(data_type)
        ));
    }
    let column: ArrayRef = Arc::new(StringArray::from(vec![text]));
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    let cast = cast_with_options(&column, data_type, &options);
    cast.err()
        .map(|_| format!("is no value of type {}", type_name(data_type)))
}

/// Whether SQL can name the type.
pub fn is_castable(data_type: &DataType) -> bool {
    !data_type.is_nested() && parse_type_name(&type_name(data_type)).is_ok_and(|parsed| parsed == *data_type)
}
