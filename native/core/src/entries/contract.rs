//! Schema contracts: checked before they are registered, and what relations are held to.

use std::sync::Arc;

use arrow::datatypes::{Field, Schema};
use datafusion::common::DFSchema;
use datafusion::common::tree_node::TreeNode;
use datafusion::execution::SessionState;
use datafusion::logical_expr::Expr;

use super::default_value::default_fault;
use super::faults::Faults;
use super::row_check::row_check_plan;
use crate::engine::Engine;
use crate::error::Result;
use crate::generated::ContractViolationType::{MissingColumn, MissingTable, NullabilityMismatch, TypeMismatch};
use crate::generated::{
    ContractVerdict, ContractViolation, EngineLimits, EntryCheck, FieldSpec, RelationShape, RowCheck, SchemaContract,
};
use crate::schema::{contract_violations, plain_fields, to_arrow_field};
use crate::sql::{Macros, parse_predicate};

/// Everything that is wrong with a contract.
pub fn check_contract(engine: &Arc<Engine>, contract: &SchemaContract) -> Result<EntryCheck> {
    let mut faults = Faults::default();
    let names = contract.columns.iter().map(|column| column.name.as_str());
    faults.require_distinct(|index| format!("/columns/{index}/name"), names.clone());
    for (index, column) in contract.columns.iter().enumerate() {
        check_column(&mut faults, index, column);
    }
    check_references(&mut faults, contract, &names.collect::<Vec<_>>());
    let rules = contract.rules.iter().map(|rule| rule.name.as_str());
    faults.require_distinct(|index| format!("/rules/{index}/name"), rules);
    if faults.are_none() {
        let fields = plain_fields(&contract.columns)?;
        check_rules(
            &mut faults,
            contract,
            fields,
            engine.operation_settings()?,
            &engine.config.limits,
        )?;
    }
    Ok(faults.into_check())
}

fn check_column(faults: &mut Faults, index: usize, column: &FieldSpec) {
    let field = faults.take(format!("/columns/{index}/dtype"), "type", to_arrow_field(column));
    let Some(field) = field else { return };
    if let Some(fault) = default_fault(&column.default_value, field.data_type()) {
        faults.add(format!("/columns/{index}/default_value"), "type", fault);
    }
}

fn check_references(faults: &mut Faults, contract: &SchemaContract, names: &[&str]) {
    let partitions = contract.partition_columns.iter().flatten().enumerate();
    for (index, name) in partitions {
        faults.require_known(format!("/partition_columns/{index}"), "column", name, names);
    }
    for (index, name) in contract.key_fields.iter().enumerate() {
        faults.require_known(format!("/key_fields/{index}"), "column", name, names);
    }
    for (index, order) in contract.ordering.iter().enumerate() {
        faults.require_known(format!("/ordering/{index}/column"), "column", &order.column, names);
    }
}

fn check_rules(
    faults: &mut Faults,
    contract: &SchemaContract,
    fields: Vec<Field>,
    state: &SessionState,
    limits: &EngineLimits,
) -> Result<()> {
    let schema = DFSchema::try_from(Schema::new(fields))?;
    for (index, rule) in contract.rules.iter().enumerate() {
        let pointer = format!("/rules/{index}/expression");
        let parsed = parse_predicate(&rule.expression, &schema, state, &Macros::default(), limits);
        let parsed = faults.take(pointer.clone(), "expression", parsed);
        if parsed.is_some_and(|parsed| !is_of_one_row(&parsed)) {
            faults.add(pointer, "expression", "looks at several rows: a rule is about one");
        }
    }
    Ok(())
}

fn is_of_one_row(expression: &Expr) -> bool {
    let looks_at_several = |part: &Expr| Ok(matches!(part, Expr::AggregateFunction(_) | Expr::WindowFunction(_)));
    !expression.exists(looks_at_several).expect("the look can't fail")
}

/// What is wrong with a relation, and the statements that look at its rows where these are to be looked at and can be.
pub fn contract_verdict(
    contract: &SchemaContract,
    shape: &RelationShape,
    check: Option<&RowCheck>,
) -> Result<ContractVerdict> {
    let mut violations = contract_violations(contract, shape)?;
    violations.retain(|violation| !(shape.tells_itself && violation.violation_type == NullabilityMismatch));
    let leaves = |check: &&RowCheck| {
        let is_coerced = check.coerce || !shape.tells_itself;
        violations
            .iter()
            .all(|violation| leaves_rows(violation) && (is_coerced || violation.violation_type != TypeMismatch))
    };
    // Of rows that are brought to their types the values decide, which nobody has looked at.
    let is_open = shape.tells_itself && check.is_some_and(|check| check.coerce);
    let Some(check) = check.filter(leaves) else {
        violations.retain(|violation| !(is_open && violation.violation_type == TypeMismatch));
        return Ok(ContractVerdict { violations, rows: None });
    };
    let plan = row_check_plan(contract, shape, check)?;
    violations.retain(|violation| !(check.coerce && is_left_to_rows(violation, &plan.coerced)));
    Ok(ContractVerdict {
        violations,
        rows: Some(plan.statements),
    })
}

/// Whether rows can be looked at although a relation is as the violation says.
fn leaves_rows(violation: &ContractViolation) -> bool {
    !matches!(violation.violation_type, MissingTable | MissingColumn)
}

/// Whether values are to be brought to what the column should be, so that they decide.
fn is_left_to_rows(violation: &ContractViolation, coerced: &[String]) -> bool {
    match (violation.violation_type, &violation.column_name) {
        (TypeMismatch, Some(column)) => coerced.contains(column),
        (violation_type, _) => violation_type == NullabilityMismatch,
    }
}
