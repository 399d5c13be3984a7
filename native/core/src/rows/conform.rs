//! The columns that rows must have, and rows brought to them without loss.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::array::{ArrayRef, RecordBatch, new_null_array};
use arrow::compute::{CastOptions, cast_with_options};
use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use arrow::error::ArrowError;

use super::reader::{invalid, union};
use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::sql::closest;
use crate::type_name::type_name;

/// What is known of the columns before the rows are.
#[derive(Debug, Clone, Default)]
pub struct Shape {
    /// The table's columns; absent where the rows say theirs.
    pub table: Option<SchemaRef>,
    /// Whether the rows may have others.
    pub takes_new_columns: bool,
    /// Where columns may have nulls although the rows say that they have none: those whose types are fixed, and whether
    /// they may too. Else it is as the rows say.
    pub nulls: Option<BTreeMap<String, bool>>,
    /// Whether numbers and booleans of JSON are texts where the column is one.
    pub reads_texts: bool,
}

/// Where Delta keeps how a column follows from others.
const GENERATED: &str = "delta.generationExpression";

impl Shape {
    /// Every column that rows may have, where the table alone says them: generated ones are its own affair.
    pub fn all_columns(&self) -> Option<SchemaRef> {
        let table = self.table.as_ref().filter(|_| !self.takes_new_columns)?;
        let has_generated = table.fields().iter().any(is_generated);
        (!has_generated).then(|| Arc::new(all_nullable(table)))
    }

    /// What JSON rows are read as, given the columns that the first ones have.
    pub fn with_found(&self, found: &Schema) -> SchemaRef {
        let Some(table) = &self.table else {
            return Arc::new(found.clone());
        };
        let table = without(table, |field| {
            is_generated(field) && found.field_with_name(field.name()).is_err()
        });
        if self.takes_new_columns {
            return union(&all_nullable(&table), found);
        }
        Arc::new(all_nullable(&table))
    }

    /// The columns named in `found`, with the table's types for those it has.
    pub fn columns(&self, found: &Schema) -> Result<SchemaRef> {
        let fields: Result<Vec<FieldRef>> = found.fields().iter().map(|field| self.column(field)).collect();
        Ok(Arc::new(Schema::new(fields?)))
    }

    /// The columns that the rows come out with: where the table says them, those that are missing too, as nulls.
    pub fn target(&self, found: &Schema) -> Result<SchemaRef> {
        let columns = self.columns(found)?;
        match &self.table {
            Some(table) if !self.takes_new_columns => Ok(union(&columns, &all_nullable(&without(table, is_generated)))),
            _ => Ok(columns),
        }
    }

    fn with_nulls(&self, found: FieldRef) -> FieldRef {
        let Some(fixed) = &self.nulls else { return found };
        match fixed.get(found.name()) {
            Some(nullable) => Arc::new(found.as_ref().clone().with_nullable(found.is_nullable() || *nullable)),
            None => with_nulls_inside(&found),
        }
    }

    /// What is wrong with rows in the words of the table.
    pub fn explain(&self, error: &ArrowError) -> Error {
        let text = error.to_string();
        let unknown = text
            .split_once("column '")
            .and_then(|(_, rest)| rest.split_once("' missing from schema"));
        match (unknown, &self.table) {
            (Some((name, _)), Some(table)) => no_such_column(name, table),
            _ => invalid(text),
        }
    }

    fn column(&self, found: &FieldRef) -> Result<FieldRef> {
        let Some(table) = &self.table else {
            return Ok(self.with_nulls(plain(found)));
        };
        match table.field_with_name(found.name()) {
            Ok(field) => Ok(plain(&Arc::new(field.clone().with_nullable(true)))),
            Err(_) if self.takes_new_columns => Ok(plain(&Arc::new(found.as_ref().clone().with_nullable(true)))),
            Err(_) => Err(no_such_column(found.name(), table)),
        }
    }
}

/// A batch with the columns of `target`, in its types.
pub fn conform(batch: &RecordBatch, target: &SchemaRef) -> Result<RecordBatch> {
    let columns = target
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => convert(column, field),
            None => Ok(new_null_array(field.data_type(), batch.num_rows())),
        });
    let columns: Result<Vec<ArrayRef>> = columns.collect();
    RecordBatch::try_new(target.clone(), columns?).map_err(invalid)
}

fn without(schema: &Schema, leaves_out: impl Fn(&FieldRef) -> bool) -> Schema {
    let fields = schema.fields().iter().filter(|field| !leaves_out(field));
    Schema::new(fields.cloned().collect::<Vec<_>>())
}

fn is_generated(field: &FieldRef) -> bool {
    field.metadata().contains_key(GENERATED)
}

fn convert(column: &ArrayRef, field: &Field) -> Result<ArrayRef> {
    let (from, to) = (column.data_type(), field.data_type());
    if !is_lossless(from, to) {
        let message = format!(
            "Column '{}' is {}, but the table has {}: cast it first",
            field.name(),
            type_name(from),
            type_name(to)
        );
        return Err(Error::new(ErrorCode::InvalidRows, message).with("column", field.name().as_str()));
    }
    let options = CastOptions {
        safe: false,
        ..CastOptions::default()
    };
    cast_with_options(column, to, &options)
        .map_err(|error| invalid(format!("column '{}': {error}", field.name())).with("column", field.name().as_str()))
}

/// Whether every value of a type either has its like in another, or is refused by the cast.
fn is_lossless(from: &DataType, to: &DataType) -> bool {
    use DataType::*;
    match (from, to) {
        (Null, _) => true,
        (from, to) if from == to => true,
        (Dictionary(_, inner), to) => is_lossless(inner, to),
        (Utf8 | LargeUtf8 | Utf8View, Utf8 | LargeUtf8 | Utf8View) => true,
        (Binary | LargeBinary | BinaryView | FixedSizeBinary(_), Binary | LargeBinary | BinaryView) => true,
        (from, to) if from.is_integer() => {
            to.is_integer() || matches!(to, Decimal32(..) | Decimal64(..) | Decimal128(..) | Decimal256(..))
        }
        (Float16, Float32 | Float64) | (Float32, Float64) => true,
        (Decimal32(_, a) | Decimal64(_, a) | Decimal128(_, a) | Decimal256(_, a), Decimal128(_, b)) => b >= a,
        (Date32 | Date64, Date32) => true,
        (Timestamp(_, from), Timestamp(_, to)) => from.is_some() == to.is_some(),
        (
            List(from) | LargeList(from) | ListView(from) | LargeListView(from) | FixedSizeList(from, _),
            List(to) | LargeList(to) | ListView(to) | LargeListView(to),
        ) => is_lossless(from.data_type(), to.data_type()),
        (Map(from, _), Map(to, _)) => is_lossless(from.data_type(), to.data_type()),
        (Struct(from), Struct(to)) => {
            from.len() == to.len()
                && from
                    .iter()
                    .zip(to)
                    .all(|(from, to)| from.name() == to.name() && is_lossless(from.data_type(), to.data_type()))
        }
        _ => false,
    }
}

fn all_nullable(schema: &Schema) -> Schema {
    let fields = schema.fields().iter();
    Schema::new(
        fields
            .map(|field| plain(&Arc::new(field.as_ref().clone().with_nullable(true))))
            .collect::<Vec<_>>(),
    )
}

/// The field without metadata: ids of Parquet columns would end up in the table, and readers then find nothing.
fn plain(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(plain(item)),
        DataType::LargeList(item) => DataType::LargeList(plain(item)),
        DataType::Map(entries, sorted) => DataType::Map(plain(entries), *sorted),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(plain).collect::<Fields>()),
        other => other.clone(),
    };
    Arc::new(Field::new(field.name(), data_type, field.is_nullable()))
}

/// A field in which nulls may be wherever they can.
fn with_nulls_inside(field: &FieldRef) -> FieldRef {
    let data_type = match field.data_type() {
        DataType::List(item) => DataType::List(with_nulls_inside(item)),
        DataType::LargeList(item) => DataType::LargeList(with_nulls_inside(item)),
        DataType::FixedSizeList(item, size) => DataType::FixedSizeList(with_nulls_inside(item), *size),
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(with_nulls_inside).collect()),
        DataType::Map(entries, sorted) => DataType::Map(with_null_values(entries), *sorted),
        other => other.clone(),
    };
    Arc::new(field.as_ref().clone().with_data_type(data_type).with_nullable(true))
}

/// Neither the entries of a map nor their keys are ever null.
fn with_null_values(entries: &FieldRef) -> FieldRef {
    let DataType::Struct(fields) = entries.data_type() else {
        return entries.clone();
    };
    let fields = fields.iter().enumerate().map(|(place, field)| match place {
        0 => field.clone(),
        _ => with_nulls_inside(field),
    });
    let data_type = DataType::Struct(fields.collect());
    Arc::new(entries.as_ref().clone().with_data_type(data_type))
}

fn no_such_column(name: &str, table: &Schema) -> Error {
    let names = table.fields().iter().map(|field| field.name().as_str());
    let hint = match closest(name, names) {
        Some(near) => format!("did you mean '{near}'? "),
        None => String::new(),
    };
    let message = format!("The table has no column '{name}': {hint}schema_mode=merge adds new columns");
    Error::new(ErrorCode::InvalidRows, message).with("column", name)
}
