//! A table's columns as queries see them, and as they lie in its files.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, FieldRef, Fields, Schema, SchemaRef};
use datafusion::datasource::table_schema::TableSchema;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::{ProjectionExpr, ProjectionExprs};
use delta_kernel::schema::{PrimitiveType, StructType};

use super::relabel::Relabel;

/// What a field of a mapped table is called in the files.
const PHYSICAL_NAME: &str = "delta.columnMapping.physicalName";

/// The columns in the order of the table's schema, each with its place in the order that files are read in: those of the
/// files first, then those that all rows of a file share.
#[derive(Debug)]
pub struct Columns {
    pub schema: SchemaRef,
    pub table: TableSchema,
    pub partition_columns: Vec<String>,
    /// What their values are parsed to; none where they can't be.
    pub partition_types: Vec<Option<PrimitiveType>>,
    places: Vec<usize>,
    exprs: Vec<ProjectionExpr>,
}

impl Columns {
    /// `delta`: the table's schema, as Delta has it; `mapped`: whether the files have names of their own for the columns.
    pub fn new(schema: SchemaRef, delta: &StructType, partition_columns: &[String], mapped: bool) -> Self {
        let stored: Vec<_> = schema
            .fields()
            .iter()
            .map(|field| stored_field(field, mapped))
            .collect();
        let is_partition = |index: &usize| partition_columns.contains(schema.field(*index).name());
        let all = 0..schema.fields().len();
        let in_files: Vec<_> = all.filter(|index| !is_partition(index)).collect();
        let shared: Vec<_> = partition_columns
            .iter()
            .filter_map(|name| schema.index_of(name).ok())
            .collect();
        let table = TableSchema::builder(Arc::new(Schema::new(pick(&stored, &in_files))))
            .with_table_partition_cols(pick(&stored, &shared))
            .build();
        let mut places = vec![0; stored.len()];
        for (place, index) in in_files.into_iter().chain(shared).enumerate() {
            places[index] = place;
        }
        let fields = stored.iter().zip(schema.fields()).zip(&places);
        let exprs = fields
            .map(|((stored, field), place)| shown(stored, field, *place))
            .collect();
        Self {
            table,
            partition_columns: partition_columns.to_vec(),
            partition_types: partition_columns.iter().map(|name| primitive(delta, name)).collect(),
            places,
            exprs,
            schema,
        }
    }

    /// Whether files are read for `other` as for this.
    pub fn are(&self, other: &Self) -> bool {
        self.schema == other.schema
            && self.partition_columns == other.partition_columns
            && self.in_files() == other.in_files()
    }

    /// Where a column lies among those that are read.
    pub fn place(&self, name: &str) -> Option<usize> {
        Some(self.places[self.schema.index_of(name).ok()?])
    }

    pub fn in_files(&self) -> &Fields {
        self.table.file_schema().fields()
    }

    /// The fields of the partition columns, by the names that queries know.
    pub fn partition_fields(&self) -> Vec<FieldRef> {
        let named = self.partition_columns.iter();
        named
            .filter_map(|name| Some(self.schema.fields().find(name)?.1.clone()))
            .collect()
    }

    pub fn indices(&self, projection: Option<&Vec<usize>>) -> Vec<usize> {
        projection.cloned().unwrap_or_else(|| (0..self.places.len()).collect())
    }

    pub fn places(&self, indices: &[usize]) -> Vec<usize> {
        indices.iter().map(|index| self.places[*index]).collect()
    }

    /// What makes of the columns that are read those that the query sees.
    pub fn projection(&self, indices: &[usize]) -> ProjectionExprs {
        indices.iter().map(|index| self.exprs[*index].clone()).collect()
    }
}

fn primitive(schema: &StructType, name: &str) -> Option<PrimitiveType> {
    match schema.field(name)?.data_type() {
        delta_kernel::schema::DataType::Primitive(primitive) => Some(primitive.clone()),
        _ => None,
    }
}

fn pick(fields: &[FieldRef], indices: &[usize]) -> Vec<FieldRef> {
    indices.iter().map(|index| fields[*index].clone()).collect()
}

fn shown(stored: &FieldRef, field: &FieldRef, place: usize) -> ProjectionExpr {
    let column: Arc<dyn PhysicalExpr> = Arc::new(Column::new(stored.name(), place));
    let expr = match stored.data_type() == field.data_type() {
        true => column,
        false => Arc::new(Relabel::new(column, field.clone())),
    };
    ProjectionExpr::new(expr, field.name())
}

/// What a column of a table is called in its files, where these have names of their own.
pub fn stored_name(field: &Field) -> &str {
    field.metadata().get(PHYSICAL_NAME).unwrap_or(field.name())
}

/// Files may hold what may not be null as if it might: that it isn't, the writer saw to. What lies inside another value
/// is read as they have it.
fn stored_field(field: &FieldRef, mapped: bool) -> FieldRef {
    let name = match mapped {
        true => stored_name(field),
        false => field.name(),
    };
    let stored = stored_type(field.data_type(), mapped);
    Arc::new(Field::clone(field).with_name(name).with_data_type(stored))
}

fn stored_type(data_type: &DataType, mapped: bool) -> DataType {
    let inner = |field: &FieldRef| Arc::new(Field::clone(&stored_field(field, mapped)).with_nullable(true));
    match data_type {
        DataType::Struct(fields) => DataType::Struct(fields.iter().map(inner).collect()),
        DataType::List(item) => DataType::List(inner(item)),
        DataType::LargeList(item) => DataType::LargeList(inner(item)),
        DataType::Map(entries, sorted) => DataType::Map(stored_entries(entries, mapped), *sorted),
        plain => plain.clone(),
    }
}

/// Entries of a map and their keys are never null.
fn stored_entries(entries: &FieldRef, mapped: bool) -> FieldRef {
    let DataType::Struct(fields) = entries.data_type() else {
        return entries.clone();
    };
    let stored = fields.iter().enumerate().map(|(index, field)| match index {
        0 => stored_field(field, mapped),
        _ => Arc::new(Field::clone(&stored_field(field, mapped)).with_nullable(true)),
    });
    Arc::new(Field::clone(entries).with_data_type(DataType::Struct(stored.collect())))
}
