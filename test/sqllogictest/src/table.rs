//! A table that a file makes: the rows of its statements, brought to its columns' types, as one query.

use std::fmt::Write;

use arrow_schema::Schema;
use sqlparser::ast::{ColumnOption, CreateTable, Insert, ObjectName, TableObject};

use crate::reason::Reason;

pub struct Table {
    columns: Vec<Column>,
    /// Queries and the columns that they fill.
    parts: Vec<(String, Vec<usize>)>,
}

struct Column {
    name: String,
    /// A type in SQL, or that of Arrow which a query gave it.
    cast: Cast,
}

enum Cast {
    Sql(String),
    Arrow(String),
}

impl Table {
    /// Without keys and defaults, which mean something to the statements that follow.
    pub fn of(made: &CreateTable) -> Result<Self, Reason> {
        let is_plain = |option: &ColumnOption| matches!(option, ColumnOption::Null | ColumnOption::NotNull);
        let options = made.columns.iter().flat_map(|column| &column.options);
        let is_empty = made.columns.is_empty() && made.query.is_none();
        if is_empty || !made.constraints.is_empty() || !options.map(|option| &option.option).all(is_plain) {
            return Err(Reason::Uncarried);
        }
        let column = |column: &sqlparser::ast::ColumnDef| Column {
            name: column.name.value.clone(),
            cast: Cast::Sql(column.data_type.to_string()),
        };
        let columns: Vec<Column> = made.columns.iter().map(column).collect();
        let filled = (0..columns.len()).collect();
        let part = made.query.as_ref().map(|query| (query.to_string(), filled));
        Ok(Self {
            columns,
            parts: part.into_iter().collect(),
        })
    }

    /// The columns that a query without declared ones turned out to have.
    pub fn learn(&mut self, schema: &Schema) {
        if self.columns.is_empty() {
            let column = |field: &arrow_schema::FieldRef| Column {
                name: field.name().clone(),
                cast: Cast::Arrow(field.data_type().to_string()),
            };
            self.columns = schema.fields().iter().map(column).collect();
            self.parts[0].1 = (0..self.columns.len()).collect();
        }
    }

    pub fn insert(&mut self, insert: &Insert) -> Result<(), Reason> {
        let source = insert.source.as_ref().ok_or(Reason::Uncarried)?;
        let filled: Option<Vec<usize>> = match insert.columns.as_slice() {
            [] => Some((0..self.columns.len()).collect()),
            named => named.iter().map(|name| self.position(name)).collect(),
        };
        self.parts.push((source.to_string(), filled.ok_or(Reason::Uncarried)?));
        Ok(())
    }

    fn position(&self, name: &ObjectName) -> Option<usize> {
        let name = relation(name)?;
        self.columns.iter().position(|column| column.name == name)
    }

    pub fn sql(&self) -> String {
        match self.parts.as_slice() {
            [] => format!("SELECT {} WHERE false", self.selected(&[])),
            [(query, _)] if !matches!(self.columns.first(), Some(Column { cast: Cast::Sql(_), .. })) => query.clone(),
            parts => parts
                .iter()
                .map(|part| self.brought(part))
                .collect::<Vec<_>>()
                .join(" UNION ALL "),
        }
    }

    fn brought(&self, (query, filled): &(String, Vec<usize>)) -> String {
        let names = (0..filled.len())
            .map(|index| format!("c{index}"))
            .collect::<Vec<_>>()
            .join(", ");
        format!("SELECT {} FROM ({query}) AS part({names})", self.selected(filled))
    }

    fn selected(&self, filled: &[usize]) -> String {
        let mut sql = String::new();
        for (index, column) in self.columns.iter().enumerate() {
            let value = match filled.iter().position(|filled| *filled == index) {
                Some(place) => format!("c{place}"),
                None => "NULL".to_owned(),
            };
            let value = match &column.cast {
                Cast::Sql(data_type) => format!("CAST({value} AS {data_type})"),
                Cast::Arrow(data_type) => format!("arrow_cast({value}, '{}')", data_type.replace('\'', "''")),
            };
            let separator = if index == 0 { "" } else { ", " };
            let name = column.name.replace('"', "\"\"");
            write!(sql, "{separator}{value} AS \"{name}\"").expect("a text takes everything");
        }
        sql
    }
}

pub fn inserted(insert: &Insert) -> Option<String> {
    match &insert.table {
        TableObject::TableName(name) => relation(name),
        _ => None,
    }
}

/// A name of one part.
pub fn relation(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| ident.value.clone()),
        _ => None,
    }
}
