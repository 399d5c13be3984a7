//! The names of Arrow types in requests and answers: `Utf8`, `Timestamp(Microsecond, "UTC")`, `List(Int64)`.

use arrow::datatypes::{DataType, Field, TimeUnit};

/// Longest and deepest type names that are parsed: Arrow's parser recurses without a limit of its own.
const LONGEST: usize = 1024;
const DEEPEST: usize = 16;

/// The name of a type, with its parameters: `Decimal128(10, 2)`, `Struct(a Int64, b Utf8)`, `Map(Utf8, Int64)`.
pub fn type_name(data_type: &DataType) -> String {
    use DataType::*;
    match data_type {
        Timestamp(unit, None) => format!("Timestamp({})", unit_name(unit)),
        Timestamp(unit, Some(zone)) => format!("Timestamp({}, {zone:?})", unit_name(unit)),
        Time32(unit) => format!("Time32({})", unit_name(unit)),
        Time64(unit) => format!("Time64({})", unit_name(unit)),
        Duration(unit) => format!("Duration({})", unit_name(unit)),
        List(item) => format!("List({})", type_name(item.data_type())),
        LargeList(item) => format!("LargeList({})", type_name(item.data_type())),
        ListView(item) => format!("ListView({})", type_name(item.data_type())),
        LargeListView(item) => format!("LargeListView({})", type_name(item.data_type())),
        FixedSizeList(item, size) => format!("FixedSizeList({size} x {})", type_name(item.data_type())),
        Struct(fields) => format!("Struct({})", members(fields.iter().map(AsRef::as_ref))),
        Union(fields, _) => format!("Union({})", members(fields.iter().map(|(_, field)| field.as_ref()))),
        Map(entries, _) => map_name(entries),
        Dictionary(key, value) => format!("Dictionary({}, {})", type_name(key), type_name(value)),
        RunEndEncoded(_, values) => format!("RunEndEncoded({})", type_name(values.data_type())),
        plain => plain.to_string(),
    }
}

/// The type that a name stands for: every name that [`type_name`] gives to a scalar or a list, and Arrow's own spellings.
pub fn parse_type_name(name: &str) -> Result<DataType, String> {
    if name.len() > LONGEST || depth(name) > DEEPEST {
        return Err(format!(
            "a type name has at most {LONGEST} characters and {DEEPEST} levels"
        ));
    }
    name.trim().parse().map_err(|_| {
        format!(
            "{name:?} is not an Arrow type; write for instance Int64, Utf8, Float64, Boolean, Date32, \
             Decimal128(10, 2), Timestamp(Microsecond, \"UTC\") or List(Int64)"
        )
    })
}

fn unit_name(unit: &TimeUnit) -> &'static str {
    match unit {
        TimeUnit::Second => "Second",
        TimeUnit::Millisecond => "Millisecond",
        TimeUnit::Microsecond => "Microsecond",
        TimeUnit::Nanosecond => "Nanosecond",
    }
}

fn map_name(entries: &Field) -> String {
    let DataType::Struct(fields) = entries.data_type() else {
        return "Map".into();
    };
    let types: Vec<_> = fields.iter().map(|field| type_name(field.data_type())).collect();
    format!("Map({})", types.join(", "))
}

fn members<'a>(fields: impl Iterator<Item = &'a Field>) -> String {
    let members: Vec<_> = fields
        .map(|field| format!("{} {}", member_name(field.name()), type_name(field.data_type())))
        .collect();
    members.join(", ")
}

fn member_name(name: &str) -> String {
    let plain = !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_');
    if plain { name.into() } else { format!("{name:?}") }
}

fn depth(name: &str) -> usize {
    name.bytes().filter(|byte| *byte == b'(').count()
}
