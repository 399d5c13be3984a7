//! The contracts that what is written to a table is held to.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use arrow::datatypes::{Field, Schema};
use serde_json::json;

use super::row_check::{Check, column_checks, key_check};
use crate::error::{Error, Result};
use crate::generated::{
    ContractBreach, ContractViolation, ContractViolationType, EnforcedContract, ErrorCode, FieldSpec, RelationShape,
    RowViolation, RuleSeverity, SchemaValidation,
};
use crate::schema::{contract_violations, from_arrow_field, plain_fields};

/// Those that are not off, and how they were broken so far.
#[derive(Debug)]
pub struct Contracts {
    contracts: Vec<EnforcedContract>,
    breaches: Mutex<Vec<ContractBreach>>,
}

impl Contracts {
    pub fn new(contracts: &[EnforcedContract]) -> Arc<Self> {
        let is_on = |contract: &&EnforcedContract| contract.validation != SchemaValidation::Off;
        Arc::new(Self {
            contracts: contracts.iter().filter(is_on).cloned().collect(),
            breaches: Mutex::default(),
        })
    }

    pub fn are_some(&self) -> bool {
        !self.contracts.is_empty()
    }

    /// Refuses the columns that a table would have, or notes what is wrong with them.
    pub fn judge(&self, columns: &[FieldSpec], partition_columns: &[String]) -> Result<()> {
        self.judge_but(columns, partition_columns, |_| true)
    }

    /// As [`Self::judge`], for columns whose rows are looked at too: these tell about nulls.
    pub fn judge_rows_of(&self, schema: &Schema, partition_columns: &[String]) -> Result<()> {
        let columns: Vec<_> = schema.fields().iter().map(|field| from_arrow_field(field)).collect();
        self.judge_but(&columns, partition_columns, |violation| {
            violation.violation_type != ContractViolationType::NullabilityMismatch
        })
    }

    fn judge_but(
        &self,
        columns: &[FieldSpec],
        partition_columns: &[String],
        counts: impl Fn(&ContractViolation) -> bool,
    ) -> Result<()> {
        for index in 0..self.contracts.len() {
            let EnforcedContract { name, contract, .. } = &self.contracts[index];
            let shape = RelationShape {
                name: contract.table.clone().unwrap_or_else(|| name.clone()),
                columns: Some(columns.to_vec()),
                partition_columns: partition_columns.to_vec(),
                tells_itself: false,
            };
            let mut violations = contract_violations(contract, &shape)?;
            violations.retain(&counts);
            self.note(index, violations, Vec::new());
        }
        self.refusal().map_or(Ok(()), Err)
    }

    /// What rows must fulfil, with the place of the contract that says so.
    pub fn checks(&self) -> Vec<(usize, Check)> {
        let contracts = self.contracts.iter().enumerate();
        let checks = contracts.flat_map(|(index, enforced)| {
            let checks = column_checks(&enforced.contract).into_iter();
            checks.map(move |check| (index, check))
        });
        checks.collect()
    }

    /// The keys that no two rows of the table may share, with the place of the contract that says so.
    pub fn keys(&self) -> Vec<(usize, &[String], Check)> {
        let contracts = self.contracts.iter().enumerate();
        let keys = contracts.filter_map(|(index, enforced)| {
            let check = key_check(&enforced.contract)?;
            Some((index, enforced.contract.key_fields.as_slice(), check))
        });
        keys.collect()
    }

    /// The columns that contracts have, and whether all of these let them have nulls.
    pub fn nulls(&self) -> BTreeMap<String, bool> {
        let mut nulls = BTreeMap::new();
        for column in self.contracts.iter().flat_map(|enforced| &enforced.contract.columns) {
            *nulls.entry(column.name.clone()).or_insert(true) &= column.nullable;
        }
        nulls
    }

    /// The columns with those that contracts have besides, which rows without them have as nulls.
    pub fn with_columns(&self, schema: &Schema) -> Result<Schema> {
        let mut all = schema.clone();
        for enforced in &self.contracts {
            all = with_new_columns(&all, &Schema::new(plain_fields(&enforced.contract.columns)?));
        }
        Ok(all)
    }

    pub fn note(&self, index: usize, violations: Vec<ContractViolation>, rows: Vec<RowViolation>) {
        if violations.is_empty() && rows.is_empty() {
            return;
        }
        let contract = &self.contracts[index].name;
        let mut breaches = self.breaches.lock().expect("no holder panics");
        match breaches.iter_mut().find(|breach| breach.contract == *contract) {
            Some(breach) => {
                breach.violations.extend(violations);
                rows.into_iter().for_each(|row| add(&mut breach.rows, row));
            }
            None => breaches.push(ContractBreach {
                contract: contract.clone(),
                violations,
                rows,
            }),
        }
    }

    /// Forgets what was noted, for what is planned again.
    pub fn forget(&self) {
        self.breaches.lock().expect("no holder panics").clear();
    }

    /// Why nothing may be written, where an enforced contract is broken.
    pub fn refusal(&self) -> Option<Error> {
        let breaches = self.breaches.lock().expect("no holder panics");
        let refused: Vec<_> = breaches.iter().filter(|breach| self.refuses(breach)).collect();
        if refused.is_empty() {
            return None;
        }
        let names: Vec<_> = refused.iter().map(|breach| sentence(breach)).collect();
        let message = format!("Nothing was written, since it breaks a contract: {}", names.join("; "));
        Some(Error::new(ErrorCode::ContractViolated, message).with("breaches", json!(refused)))
    }

    /// What was broken and written nevertheless.
    pub fn warnings(&self) -> Vec<ContractBreach> {
        self.breaches.lock().expect("no holder panics").clone()
    }

    fn refuses(&self, breach: &ContractBreach) -> bool {
        let enforced = self.contracts.iter().find(|contract| contract.name == breach.contract);
        let is_wrong = |row: &RowViolation| row.severity == RuleSeverity::Error;
        enforced.is_some_and(|contract| contract.validation == SchemaValidation::Enforce)
            && (!breach.violations.is_empty() || breach.rows.iter().any(is_wrong))
    }
}

/// Rows that break the same rule are told together.
fn add(rows: &mut Vec<RowViolation>, row: RowViolation) {
    let known = rows
        .iter_mut()
        .find(|known| (&known.rule, &known.column) == (&row.rule, &row.column));
    match known {
        Some(known) => known.count += row.count,
        None => rows.push(row),
    }
}

fn sentence(breach: &ContractBreach) -> String {
    let columns = breach.violations.iter().map(|violation| {
        let kind = json!(violation.violation_type);
        let kind = kind.as_str().unwrap_or_default().replace('_', " ");
        match &violation.column_name {
            Some(column) => format!("{kind} '{column}'"),
            None => kind,
        }
    });
    let rows = breach.rows.iter().map(|row| match &row.column {
        Some(column) => format!("{} of '{column}' ({} rows)", row.rule, row.count),
        None => format!("{} ({} rows)", row.rule, row.count),
    });
    let faults: Vec<_> = columns.chain(rows).collect();
    format!("{}: {}", breach.contract, faults.join(", "))
}

/// The columns of a table with those that rows add.
pub fn with_new_columns(table: &Schema, rows: &Schema) -> Schema {
    let is_new = |field: &&Arc<Field>| table.field_with_name(field.name()).is_err();
    let fields = table.fields().iter().chain(rows.fields().iter().filter(is_new));
    Schema::new(fields.cloned().collect::<Vec<_>>())
}
