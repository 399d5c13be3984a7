//! The relations that a file has made so far: Delta tables, and views where Delta doesn't have a column's type.

use std::collections::{BTreeMap, BTreeSet};

use arrow_schema::{DataType, TimeUnit};

use crate::cells::rows;
use crate::fault::Fault;
use crate::reason::Reason;
use crate::server::{Answer, Server};
use crate::table::Table;

#[derive(Default)]
pub struct Relations {
    tables: BTreeMap<String, Table>,
    /// In the order in which they were made: later ones may read earlier ones.
    stored: Vec<(String, Stored)>,
    lost: BTreeSet<String>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Stored {
    Delta,
    View,
}

impl Relations {
    pub fn is_lost(&self, name: &str) -> bool {
        self.lost.contains(name)
    }

    pub fn is_made(&self, name: &str) -> bool {
        self.stored.iter().any(|(stored, _)| stored == name)
    }

    /// What reads it from now on has no answer.
    pub fn lose(&mut self, server: &Server, name: &str) {
        self.remove(server, name);
        self.lost.insert(name.to_owned());
    }

    pub fn table(&mut self, name: &str) -> Option<Table> {
        self.tables.remove(name)
    }

    pub fn put_table(&mut self, server: &Server, new: NewTable, session: Option<&str>) -> Result<Stored, Fault> {
        let NewTable { name, mut table } = new;
        let rows = server.query(&table.sql(), session)?;
        table.learn(&rows.schema);
        self.remove(server, &name);
        let stored = match store(server, &name, &table.sql(), &rows)? {
            true => Stored::Delta,
            // A view would be computed with the settings of whoever reads it.
            false if session.is_some() => return Err(Fault::Inapplicable(Reason::Uncarried)),
            false => carried(server.define_view(&name, &table.sql())).map(|()| Stored::View)?,
        };
        self.note(&name, stored);
        self.tables.insert(name, table);
        Ok(stored)
    }

    pub fn put_view(&mut self, server: &Server, name: &str, sql: &str) -> Result<Stored, Fault> {
        carried(server.define_view(name, sql))?;
        self.note(name, Stored::View);
        Ok(Stored::View)
    }

    /// A view that others read stays until they are gone.
    pub fn remove(&mut self, server: &Server, name: &str) {
        let stored = self.stored.iter().find(|(stored, _)| stored == name);
        let dropped = match stored {
            Some((_, Stored::Delta)) => server.drop_table(name),
            Some((_, Stored::View)) => server.drop_view(name),
            None => Ok(()),
        };
        if dropped.is_ok() {
            self.stored.retain(|(stored, _)| stored != name);
        }
        self.tables.remove(name);
        self.lost.remove(name);
    }

    pub fn clear(&mut self, server: &Server) {
        for (name, _) in self.stored.clone().into_iter().rev() {
            self.remove(server, &name);
        }
        for (name, _) in std::mem::take(&mut self.stored) {
            eprintln!("{name} could not be dropped");
        }
        self.lost.clear();
    }

    fn note(&mut self, name: &str, stored: Stored) {
        self.lost.remove(name);
        self.stored.retain(|(stored, _)| stored != name);
        self.stored.push((name.to_owned(), stored));
    }
}

pub struct NewTable {
    pub name: String,
    pub table: Table,
}

/// Whether the rows became a Delta table of the same types.
fn store(server: &Server, name: &str, sql: &str, answer: &Answer) -> Result<bool, Fault> {
    let may_be = answer
        .schema
        .fields()
        .iter()
        .all(|field| is_of_delta(field.data_type()));
    if !may_be || server.write(name, "create", answer).is_err() {
        return Ok(false);
    }
    let columns: Vec<&str> = answer
        .schema
        .fields()
        .iter()
        .map(|field| field.name().as_str())
        .collect();
    let stored = types(server, &format!("\"{}\"", name.replace('"', "\"\"")), &columns)?;
    let is_same = stored.is_some() && stored == types(server, &format!("({sql})"), &columns)?;
    if !is_same {
        carried(server.drop_table(name))?;
    }
    Ok(is_same)
}

/// What the columns are before they are sent, which has dictionaries and views of texts as plain values.
fn types(server: &Server, relation: &str, columns: &[&str]) -> Result<Option<Vec<Vec<String>>>, Fault> {
    let types: Vec<String> = columns
        .iter()
        .map(|column| format!("arrow_typeof(\"{}\")", column.replace('"', "\"\"")))
        .collect();
    let asked = format!("SELECT {} FROM {relation} AS r LIMIT 1", types.join(", "));
    match server.query(&asked, None) {
        Ok(answer) => Ok(Some(rows(&answer.batches).map_err(Fault::broken)?)),
        Err(_) => Ok(None),
    }
}

/// Whether Delta has the type, or one that may be read as it.
fn is_of_delta(data_type: &DataType) -> bool {
    use DataType as D;
    match data_type {
        D::Boolean | D::Int8 | D::Int16 | D::Int32 | D::Int64 | D::Float32 | D::Float64 => true,
        D::Utf8 | D::Utf8View | D::Binary | D::BinaryView | D::Date32 | D::Decimal128(..) => true,
        D::Timestamp(TimeUnit::Microsecond, _) => true,
        D::List(item) | D::Map(item, _) => is_of_delta(item.data_type()),
        D::Struct(fields) => fields.iter().all(|field| is_of_delta(field.data_type())),
        _ => false,
    }
}

/// What the routes of tables and views refuse says nothing about SQL.
fn carried(made: Result<(), Fault>) -> Result<(), Fault> {
    made.map_err(|fault| match fault {
        Fault::Refused { .. } => Fault::Inapplicable(Reason::Uncarried),
        other => other,
    })
}
