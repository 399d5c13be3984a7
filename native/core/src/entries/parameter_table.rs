//! Parameter tables: checked before they are registered, and what they hold where they have no values.

use arrow::datatypes::Field;

use super::default_value::is_castable;
use super::faults::Faults;
use crate::error::Result;
use crate::generated::{EmptySemantics, EntryCheck, KeySource, ParameterTable};
use crate::schema::{plain_fields, to_arrow_field};
use crate::sql::{quoted, text_literal};
use crate::type_name::type_name;

/// Everything that is wrong with a parameter table.
pub fn check_parameter_table(table: &ParameterTable) -> EntryCheck {
    let mut faults = Faults::default();
    let names: Vec<_> = table.columns.iter().map(|column| column.name.as_str()).collect();
    faults.require_distinct(|index| format!("/columns/{index}/name"), names.iter().copied());
    for (index, column) in table.columns.iter().enumerate() {
        let pointer = format!("/columns/{index}/dtype");
        let field = faults.take(pointer.clone(), "type", to_arrow_field(column));
        if field.is_some_and(|field| !is_castable(field.data_type())) {
            faults.add(pointer, "type", "is no type of single values");
        }
    }
    faults.require_known("/key_column", "column", &table.key_column, &names);
    match (table.empty_semantics, &table.all_from) {
        (EmptySemantics::All, None) => faults.add("/all_from", "required", "is required with `all`"),
        (EmptySemantics::None | EmptySemantics::Error, Some(_)) => {
            faults.add("/all_from", "not", "goes with `all` alone");
        }
        _ => {}
    }
    faults.into_check()
}

/// The statement that stands for a parameter table without values.
pub fn empty_statement(table: &ParameterTable) -> Result<String> {
    let fields = plain_fields(&table.columns)?;
    let nothing = |field: &Field| value("NULL", field);
    let statement = |columns: Vec<String>, rest: String| format!("SELECT {}{rest}", columns.join(", "));
    let Some(KeySource { relation, column }) = &table.all_from else {
        return Ok(statement(
            fields.iter().map(nothing).collect(),
            " WHERE FALSE".to_owned(),
        ));
    };
    let columns = fields.iter().map(|field| match *field.name() == table.key_column {
        true => value("\"#key\"", field),
        false => nothing(field),
    });
    let keys = format!(
        " FROM (SELECT DISTINCT {0} AS \"#key\" FROM {1} WHERE {0} IS NOT NULL) AS keys",
        quoted(column),
        quoted(relation)
    );
    Ok(statement(columns.collect(), keys))
}

fn value(sql: &str, field: &Field) -> String {
    let name = text_literal(&type_name(field.data_type()));
    format!("arrow_cast({sql}, {name}) AS {}", quoted(field.name()))
}
