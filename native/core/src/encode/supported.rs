//! What a format can't carry: types that it lacks, and names that would hide each other.

use std::fmt;

use arrow::datatypes::{DataType, Field, Fields, Schema};
use arrow::error::ArrowError;

use super::{Format, RowFormat};
use crate::type_name::type_name;

/// A schema that a format can't carry without losing something.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unsupported {
    /// The format has no such type.
    Type {
        format: Format,
        column: String,
        data_type: String,
    },
    /// Two columns, or two fields of a struct, have one name, which the format's readers take for one of them.
    Name { format: Format, column: String },
    /// The format's writer refuses the schema as a whole.
    Schema { format: Format, message: String },
}

impl Unsupported {
    pub(super) fn schema(format: Format, error: impl fmt::Display) -> Self {
        Self::Schema {
            format,
            message: error.to_string(),
        }
    }
}

impl fmt::Display for Unsupported {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Type {
                format,
                column,
                data_type,
            } => {
                write!(
                    f,
                    "column {column:?} has the type {data_type}, which {format} can't carry"
                )
            }
            Self::Name { format, column } => {
                write!(
                    f,
                    "{format} can't carry two columns named {column:?} in one row; give one of them an alias"
                )
            }
            Self::Schema { format, message } => write!(f, "{format} can't carry the result: {message}"),
        }
    }
}

impl std::error::Error for Unsupported {}

/// Refuses the first column that `check` fails for.
pub(super) fn check_types(
    format: Format,
    schema: &Schema,
    check: impl Fn(&Field) -> Result<(), ArrowError>,
) -> Result<(), Unsupported> {
    let refused = |field: &Field| Unsupported::Type {
        format,
        column: field.name().clone(),
        data_type: type_name(field.data_type()),
    };
    schema
        .fields()
        .iter()
        .try_for_each(|field| check(field).map_err(|_| refused(field)))
}

/// Refuses names that would be one key twice. Arrow and CSV have positions; their nested JSON has keys.
pub(super) fn check_names(format: Format, schema: &Schema, rows: RowFormat) -> Result<(), Unsupported> {
    let keyed = match format {
        Format::Arrow => return Ok(()),
        Format::Csv => false,
        Format::Parquet => true,
        Format::Json | Format::Ndjson | Format::Msgpack => rows == RowFormat::Object,
    };
    let among = if keyed { repeated(schema.fields()) } else { None };
    let inside = || {
        schema
            .fields()
            .iter()
            .find_map(|field| repeated_inside(field.data_type()))
    };
    match among.or_else(inside) {
        Some(column) => Err(Unsupported::Name { format, column }),
        None => Ok(()),
    }
}

fn repeated(fields: &Fields) -> Option<String> {
    let mut names: Vec<_> = fields.iter().map(|field| field.name()).collect();
    names.sort_unstable();
    names
        .windows(2)
        .find(|pair| pair[0] == pair[1])
        .map(|pair| pair[0].clone())
}

fn repeated_inside(data_type: &DataType) -> Option<String> {
    use DataType::*;
    let fields: Vec<&Field> = match data_type {
        Struct(fields) => {
            if let Some(name) = repeated(fields) {
                return Some(name);
            }
            fields.iter().map(AsRef::as_ref).collect()
        }
        Union(fields, _) => fields.iter().map(|(_, field)| field.as_ref()).collect(),
        List(item) | LargeList(item) | ListView(item) | LargeListView(item) => vec![item],
        FixedSizeList(item, _) | Map(item, _) | RunEndEncoded(_, item) => vec![item],
        Dictionary(_, values) => return repeated_inside(values),
        _ => Vec::new(),
    };
    fields.into_iter().find_map(|field| repeated_inside(field.data_type()))
}
