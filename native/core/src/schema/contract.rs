//! Whether the columns of a relation keep a schema contract; each way in which they may differ is a row of one table.

use std::collections::BTreeMap;

use arrow::datatypes::{DataType, Field, Schema};

use super::field_spec::to_arrow_field;
use super::widening::is_widened;
use crate::error::Result;
use crate::generated::ContractPolicy::{self, Additive, Relaxed, Strict};
use crate::generated::{ContractViolation, ContractViolationType as Kind, FieldSpec, RelationShape, SchemaContract};
use crate::normalize::normalized_schema;
use crate::type_name::type_name;

/// A way in which a relation may differ from its contract, and the policies that don't allow it.
struct Rule {
    kind: Kind,
    policies: &'static [ContractPolicy],
    find: fn(&Comparison) -> Vec<Difference>,
}

/// The column, what the contract has and what the relation has.
type Difference = (Option<String>, Option<String>, Option<String>);

const ALL: &[ContractPolicy] = &[Strict, Additive, Relaxed];

/// In the order in which they are listed.
const RULES: [Rule; 8] = [
    Rule {
        kind: Kind::MissingColumn,
        policies: ALL,
        find: missing_columns,
    },
    Rule {
        kind: Kind::ExtraColumn,
        policies: &[Strict],
        find: extra_columns,
    },
    Rule {
        kind: Kind::TypeMismatch,
        policies: &[Strict, Additive],
        find: |it| types(it, |expected, actual| expected == actual),
    },
    Rule {
        kind: Kind::TypeMismatch,
        policies: &[Relaxed],
        find: |it| types(it, is_widened),
    },
    Rule {
        kind: Kind::NullabilityMismatch,
        policies: &[Strict, Additive],
        find: nullability,
    },
    Rule {
        kind: Kind::MetadataMismatch,
        policies: &[Strict],
        find: metadata,
    },
    Rule {
        kind: Kind::MetadataMismatch,
        policies: &[Strict],
        find: order,
    },
    Rule {
        kind: Kind::MetadataMismatch,
        policies: &[Strict],
        find: partitions,
    },
];

/// Every difference that the policy of the contract does not allow.
pub fn contract_violations(contract: &SchemaContract, shape: &RelationShape) -> Result<Vec<ContractViolation>> {
    let Some(columns) = &shape.columns else {
        return Ok(vec![violation(
            Kind::MissingTable,
            (None, Some(shape.name.clone()), None),
        )]);
    };
    let partitions = (!shape.tells_itself).then_some(shape.partition_columns.as_slice());
    let comparison = Comparison::new(contract, columns, partitions)?;
    let rules = RULES.iter().filter(|rule| rule.policies.contains(&contract.policy));
    let violations = rules.flat_map(|rule| {
        let found = (rule.find)(&comparison).into_iter();
        found.map(|difference| violation(rule.kind, difference))
    });
    Ok(violations.collect())
}

/// The columns of both sides in types that clients see, so that views and dictionaries are no difference.
struct Comparison<'a> {
    contract: &'a SchemaContract,
    expected: Vec<Field>,
    actual: Vec<Field>,
    /// None of what isn't partitioned yet.
    partition_columns: Option<&'a [String]>,
}

impl<'a> Comparison<'a> {
    fn new(
        contract: &'a SchemaContract,
        columns: &[FieldSpec],
        partition_columns: Option<&'a [String]>,
    ) -> Result<Self> {
        Ok(Self {
            contract,
            expected: plain_fields(&contract.columns)?,
            actual: plain_fields(columns)?,
            partition_columns,
        })
    }

    /// The columns that both have.
    fn pairs(&self) -> impl Iterator<Item = (&Field, &Field)> {
        let pair = |expected| named(&self.actual, expected).map(|actual| (expected, actual));
        self.expected.iter().filter_map(pair)
    }
}

/// The fields of columns, in plain types.
pub fn plain_fields(columns: &[FieldSpec]) -> Result<Vec<Field>> {
    let fields: Result<Vec<Field>> = columns.iter().map(to_arrow_field).collect();
    let fields = fields?;
    let plain = normalized_schema(&Schema::new(fields.clone()));
    let typed = fields.into_iter().zip(plain.fields());
    Ok(typed
        .map(|(field, plain)| field.with_data_type(plain.data_type().clone()))
        .collect())
}

fn missing_columns(it: &Comparison) -> Vec<Difference> {
    let missing = it.expected.iter().filter(|field| named(&it.actual, field).is_none());
    missing
        .map(|field| (Some(field.name().clone()), Some(type_name(field.data_type())), None))
        .collect()
}

fn extra_columns(it: &Comparison) -> Vec<Difference> {
    let extra = it.actual.iter().filter(|field| named(&it.expected, field).is_none());
    extra
        .map(|field| (Some(field.name().clone()), None, Some(type_name(field.data_type()))))
        .collect()
}

fn types(it: &Comparison, keeps: fn(&DataType, &DataType) -> bool) -> Vec<Difference> {
    let others = it
        .pairs()
        .filter(|(expected, actual)| !keeps(expected.data_type(), actual.data_type()));
    others
        .map(|(expected, actual)| differs(expected, type_name(expected.data_type()), type_name(actual.data_type())))
        .collect()
}

fn nullability(it: &Comparison) -> Vec<Difference> {
    let others = it
        .pairs()
        .filter(|(expected, actual)| expected.is_nullable() != actual.is_nullable());
    let word = |field: &Field| if field.is_nullable() { "nullable" } else { "not null" }.to_owned();
    others
        .map(|(expected, actual)| differs(expected, word(expected), word(actual)))
        .collect()
}

/// A contract that says nothing of a column's metadata leaves it open.
fn metadata(it: &Comparison) -> Vec<Difference> {
    let says = |field: &&Field| !field.metadata().is_empty();
    let others = it
        .pairs()
        .filter(|(expected, actual)| says(expected) && expected.metadata() != actual.metadata());
    let text = |field: &Field| format!("{:?}", field.metadata().iter().collect::<BTreeMap<_, _>>());
    others
        .map(|(expected, actual)| differs(expected, text(expected), text(actual)))
        .collect()
}

fn order(it: &Comparison) -> Vec<Difference> {
    let names = |fields: &[Field], others: &[Field]| {
        let common = fields.iter().filter(|field| named(others, field).is_some());
        common.map(|field| field.name().clone()).collect::<Vec<_>>()
    };
    let (expected, actual) = (names(&it.expected, &it.actual), names(&it.actual, &it.expected));
    if expected == actual {
        return Vec::new();
    }
    let text = |names: Vec<String>| Some(format!("columns in the order {}", names.join(", ")));
    vec![(None, text(expected), text(actual))]
}

fn partitions(it: &Comparison) -> Vec<Difference> {
    let text = |columns: &[String]| match columns {
        [] => "no partitions".to_owned(),
        columns => format!("partitioned by {}", columns.join(", ")),
    };
    match (&it.contract.partition_columns, it.partition_columns) {
        (Some(expected), Some(actual)) if expected != actual => {
            vec![(None, Some(text(expected)), Some(text(actual)))]
        }
        _ => Vec::new(),
    }
}

fn named<'a>(fields: &'a [Field], like: &Field) -> Option<&'a Field> {
    fields.iter().find(|field| field.name() == like.name())
}

fn differs(field: &Field, expected: String, actual: String) -> Difference {
    (Some(field.name().clone()), Some(expected), Some(actual))
}

fn violation(violation_type: Kind, (column_name, expected, actual): Difference) -> ContractViolation {
    ContractViolation {
        violation_type,
        column_name,
        expected,
        actual,
    }
}
