//! The statements that look at the rows of a relation for a contract.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field};
use serde_json::Value;

use super::default_value::{default_text, is_castable};
use crate::error::Result;
use crate::generated::{
    ColumnOrder, ContractPolicy, FieldSpec, RelationShape, RowCheck, RowCheckPlan, RowRule, RowViolation, RuleSeverity,
    SchemaContract,
};
use crate::schema::plain_fields;
use crate::sql::{quoted, text_literal};
use crate::type_name::type_name;

/// What every row must fulfil: one rule, in SQL.
#[derive(Debug, Clone)]
pub struct Check {
    pub rule: String,
    pub column: Option<String>,
    pub severity: RuleSeverity,
    /// True for a good row.
    pub holds: String,
}

impl Check {
    /// What is told of rows that break it.
    pub fn broken(&self, count: i64, sample: Vec<BTreeMap<String, Value>>) -> RowViolation {
        RowViolation {
            rule: self.rule.clone(),
            column: self.column.clone(),
            severity: self.severity,
            count,
            sample,
        }
    }
}

pub struct RowPlan {
    pub statements: RowCheckPlan,
    /// The columns whose values are brought to other types.
    pub coerced: Vec<String>,
}

/// What the rows of a contract's columns must fulfil as they are, and its own rules.
pub fn column_checks(contract: &SchemaContract) -> Vec<Check> {
    let required = contract.columns.iter().filter(|column| !column.nullable);
    required
        .map(|column| not_null(&column.name))
        .chain(own_checks(contract))
        .collect()
}

pub fn row_check_plan(contract: &SchemaContract, shape: &RelationShape, check: &RowCheck) -> Result<RowPlan> {
    let given = shape.columns.as_deref().unwrap_or_default();
    let columns = columns(contract, given, check.coerce)?;
    let first: Vec<Check> = columns.iter().flat_map(|column| column.checks.clone()).collect();
    let later: Vec<Check> = key_check(contract).into_iter().chain(own_checks(contract)).collect();
    let source = source(&shape.name, &columns, &first, &later);
    let checks: Vec<Check> = first.into_iter().chain(later).collect();
    let shown = columns
        .iter()
        .map(|column| format!("{} AS {}", column.given(), quoted(&column.name)));
    let shown = shown.collect::<Vec<_>>().join(", ");
    let rules = checks.iter().enumerate().map(|(index, check_of)| RowRule {
        rule: check_of.rule.clone(),
        column: check_of.column.clone(),
        severity: check_of.severity,
        count_name: flag_name(index),
        sample: format!(
            "SELECT {shown} FROM {source} WHERE {} IS NOT TRUE LIMIT {}",
            flag(index),
            check.samples
        ),
    });
    Ok(RowPlan {
        statements: RowCheckPlan {
            rules: rules.collect(),
            counts: counts(&source, &checks),
            good: good(contract, given, &source, &checks),
        },
        coerced: columns
            .into_iter()
            .filter(|column| column.is_cast)
            .map(|column| column.name)
            .collect(),
    })
}

/// A column of the relation on its way to what the contract says.
struct Column {
    name: String,
    value: String,
    /// True where the value is another than the given one.
    changed: Option<String>,
    is_cast: bool,
    checks: Vec<Check>,
}

impl Column {
    /// The name of the given value, beside the one that it becomes.
    fn given(&self) -> String {
        quoted(&format!("={}", self.name))
    }
}

fn columns(contract: &SchemaContract, given: &[FieldSpec], coerce: bool) -> Result<Vec<Column>> {
    let expected = plain_fields(&contract.columns)?;
    let specs = contract.columns.iter().zip(&expected);
    let column = |field: Field| {
        let wanted = specs.clone().find(|(spec, _)| spec.name == *field.name());
        match wanted {
            Some((spec, wanted)) if coerce => coerced(spec, &field, wanted.data_type()),
            Some((spec, _)) => as_it_is(&field, (!spec.nullable).then(|| not_null(&spec.name))),
            None => as_it_is(&field, None),
        }
    };
    Ok(plain_fields(given)?.into_iter().map(column).collect())
}

fn as_it_is(field: &Field, check: Option<Check>) -> Column {
    Column {
        name: field.name().clone(),
        value: quoted(field.name()),
        changed: None,
        is_cast: false,
        checks: check.into_iter().collect(),
    }
}

/// The values brought to the type, and the default in the place of nulls.
fn coerced(spec: &FieldSpec, given: &Field, wanted: &DataType) -> Column {
    let name = quoted(given.name());
    let is_cast = given.data_type() != wanted && is_castable(wanted);
    let cast = format!("arrow_try_cast({name}, {})", type_literal(wanted));
    let value = if is_cast { &cast } else { &name };
    let default = default_text(&spec.default_value)
        .map(|text| format!("arrow_cast({}, {})", text_literal(&text), type_literal(wanted)));
    let fits = is_cast.then(|| check("type", &spec.name, fits(&name, &cast, given.data_type())));
    let required = (!spec.nullable && default.is_none()).then(|| not_null(&spec.name));
    Column {
        name: given.name().clone(),
        changed: match (is_cast, &default) {
            (true, Some(_)) => Some("TRUE".to_owned()),
            (true, None) => Some(format!("{name} IS NOT NULL")),
            (false, Some(_)) => Some(format!("{name} IS NULL")),
            (false, None) => None,
        },
        value: match &default {
            Some(default) => format!("CASE WHEN {name} IS NULL THEN {default} ELSE {value} END"),
            None => value.clone(),
        },
        is_cast,
        checks: fits.into_iter().chain(required).collect(),
    }
}

/// Text fits a type that can read it; any other value one that gives it back.
fn fits(name: &str, cast: &str, given: &DataType) -> String {
    if given.is_string() || !is_castable(given) {
        return format!("{name} IS NULL OR {cast} IS NOT NULL");
    }
    format!(
        "{name} IS NOT DISTINCT FROM arrow_try_cast({cast}, {})",
        type_literal(given)
    )
}

fn not_null(column: &str) -> Check {
    check("not_null", column, format!("{} IS NOT NULL", quoted(column)))
}

fn check(rule: &str, column: &str, holds: String) -> Check {
    Check {
        rule: rule.to_owned(),
        column: Some(column.to_owned()),
        severity: RuleSeverity::Error,
        holds,
    }
}

/// What keeps the key of the contract from standing for two rows.
pub fn key_check(contract: &SchemaContract) -> Option<Check> {
    let keys: Vec<String> = contract.key_fields.iter().map(|name| quoted(name)).collect();
    (!keys.is_empty()).then(|| Check {
        rule: "unique_key".to_owned(),
        column: match &contract.key_fields[..] {
            [only] => Some(only.clone()),
            _ => None,
        },
        severity: RuleSeverity::Error,
        holds: format!("count(*) OVER (PARTITION BY {}) = 1", keys.join(", ")),
    })
}

fn own_checks(contract: &SchemaContract) -> impl Iterator<Item = Check> {
    contract.rules.iter().map(|rule| Check {
        rule: rule.name.clone(),
        column: None,
        severity: rule.severity,
        // A comment at the end of the expression ends with its line.
        holds: format!("({}\n)", rule.expression),
    })
}

/// The rows with a flag for each check: those of the first are of the given values, the later ones of what these become.
fn source(relation: &str, columns: &[Column], first: &[Check], later: &[Check]) -> String {
    let values = columns
        .iter()
        .map(|column| format!("{} AS {}", column.value, quoted(&column.name)));
    let given = columns
        .iter()
        .map(|column| format!("{} AS {}", quoted(&column.name), column.given()));
    let changed: Vec<_> = columns.iter().filter_map(|column| column.changed.clone()).collect();
    let changed = if changed.is_empty() {
        "FALSE".to_owned()
    } else {
        changed.join(" OR ")
    };
    let flags = |checks: &[Check], start: usize| {
        let flags = checks.iter().enumerate();
        flags
            .map(|(index, check)| format!("({}) AS {}", check.holds, flag(start + index)))
            .collect::<Vec<_>>()
    };
    let inner: Vec<_> = values
        .chain(given)
        .chain(flags(first, 0))
        .chain([format!("({changed}) AS \"#changed\"")])
        .collect();
    let outer = [vec!["*".to_owned()], flags(later, first.len())].concat();
    format!(
        "(SELECT {} FROM (SELECT {} FROM {}) AS given) AS checked",
        outer.join(", "),
        inner.join(", "),
        quoted(relation)
    )
}

fn counts(source: &str, checks: &[Check]) -> String {
    let broken = (0..checks.len()).map(|index| format!("count(*) FILTER (WHERE {0} IS NOT TRUE) AS {0}", flag(index)));
    let figures = [
        "count(*) AS \"checked\"".to_owned(),
        "count(*) FILTER (WHERE \"#changed\") AS \"coerced\"".to_owned(),
        format!("count(*) FILTER (WHERE {}) AS \"good\"", all_hold(checks)),
    ];
    let figures: Vec<_> = figures.into_iter().chain(broken).collect();
    format!("SELECT {} FROM {source}", figures.join(", "))
}

/// The columns of the contract in its order, then those that it allows besides.
fn good(contract: &SchemaContract, given: &[FieldSpec], source: &str, checks: &[Check]) -> String {
    let own = contract.columns.iter().map(|column| &column.name);
    let is_extra = |name: &&String| contract.columns.iter().all(|column| column.name != **name);
    let extra = given.iter().map(|column| &column.name).filter(is_extra);
    let extra = extra.filter(|_| contract.policy != ContractPolicy::Strict);
    let names: Vec<_> = own.chain(extra).map(|name| quoted(name)).collect();
    let statement = format!("SELECT {} FROM {source} WHERE {}", names.join(", "), all_hold(checks));
    let ordering: Vec<_> = contract.ordering.iter().map(order).collect();
    match ordering.is_empty() {
        true => statement,
        false => format!("{statement} ORDER BY {}", ordering.join(", ")),
    }
}

fn order(order: &ColumnOrder) -> String {
    let direction = if order.descending { "DESC" } else { "ASC" };
    let nulls = if order.nulls_first { "FIRST" } else { "LAST" };
    format!("{} {direction} NULLS {nulls}", quoted(&order.column))
}

fn all_hold(checks: &[Check]) -> String {
    let errors = checks
        .iter()
        .enumerate()
        .filter(|(_, check)| check.severity == RuleSeverity::Error);
    let flags: Vec<_> = errors.map(|(index, _)| flag(index)).collect();
    if flags.is_empty() {
        "TRUE".to_owned()
    } else {
        flags.join(" AND ")
    }
}

fn flag(index: usize) -> String {
    quoted(&flag_name(index))
}

fn flag_name(index: usize) -> String {
    format!("#{index}")
}

fn type_literal(data_type: &DataType) -> String {
    text_literal(&type_name(data_type))
}
