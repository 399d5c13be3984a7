//! The schemas that the engine gives what it keeps of itself.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};

/// An entry of a map, with the kind that its value has where `with_kind`.
pub fn map_entry_type(with_kind: bool) -> DataType {
    let kind = with_kind.then(|| Field::new("value_kind", DataType::Utf8, false));
    let fields = [
        Some(Field::new("key", DataType::Utf8, false)),
        kind,
        Some(Field::new("value", DataType::Utf8, true)),
    ];
    DataType::Struct(fields.into_iter().flatten().collect())
}

/// Entries at the versions of what they describe.
pub fn versioned_entries_schema(entry: DataType) -> Schema {
    let entries = DataType::List(Arc::new(Field::new_list_field(entry, true)));
    Schema::new(vec![
        Field::new("version", DataType::Int32, false),
        Field::new("entries", entries, true),
    ])
}

pub fn string_list_schema() -> Schema {
    let strings = DataType::List(Arc::new(Field::new_list_field(DataType::Utf8, true)));
    Schema::new(vec![Field::new("values", strings, true)])
}
