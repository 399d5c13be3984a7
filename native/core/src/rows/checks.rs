//! Rows that have to fulfil constraints, all of which are checked to the last row.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{Array, AsArray, BooleanArray, RecordBatch};
use arrow::compute::filter_record_batch;
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::tree_node::{Transformed, TreeNode};
use datafusion::common::{DFSchema, ScalarValue};
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::{Expr, cast, lit};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{Column, IsNotNullExpr};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};
use serde_json::{Value, json};

use super::sample::{SAMPLES, rows_as_json};
use super::source::{BatchResult, RowFailure, RowSource, noted};
use crate::entries::{Check, Contracts};
use crate::error::{Error, Result};
use crate::generated::{DeltaConstraintViolation, ErrorCode};
use crate::table::required_constraint;

/// A table's own constraints. Those may name columns that the rows don't have, which the library generates: they are
/// left to it.
#[derive(Default)]
pub struct Own {
    /// The columns that may not be null.
    pub required: Vec<String>,
    /// Name to SQL expression.
    pub named: BTreeMap<String, String>,
}

pub struct Checks {
    rows: RowSource,
    constraints: Arc<Vec<Constraint>>,
    are_complete: bool,
    contracts: Arc<Contracts>,
}

struct Constraint {
    name: String,
    sql: String,
    holds: Arc<dyn PhysicalExpr>,
    /// The rule that it is, and the place of its contract; none of a constraint of the table or the request.
    rule: Option<(usize, Check)>,
}

/// What breaks a constraint.
#[derive(Default, Clone)]
struct Broken {
    rows: usize,
    sample: Vec<BTreeMap<String, Value>>,
}

impl Checks {
    pub fn new(
        rows: RowSource,
        extra: &BTreeMap<String, String>,
        own: &Own,
        contracts: Arc<Contracts>,
        session: &SessionState,
    ) -> Result<Self> {
        let schema = DFSchema::try_from(rows.schema().as_ref().clone())?;
        let required = own.required.iter().map(|column| Constraint::required(column, &rows));
        let named = own.named.iter();
        let named = named.map(|(name, sql)| Constraint::new(name, sql, &schema, session));
        let mut constraints: Vec<_> = required.chain(named).flatten().collect();
        let are_complete = constraints.len() == own.required.len() + own.named.len();
        for (name, sql) in extra {
            constraints.push(Constraint::new(name, sql, &schema, session)?);
        }
        let columns = DFSchema::try_from(contracts.with_columns(rows.schema())?)?;
        for (index, check) in contracts.checks() {
            let holds = session.create_logical_expr(&check.holds, &columns)?;
            let holds = without_missing(holds, &columns, &schema)?;
            constraints.push(Constraint {
                name: check.rule.clone(),
                sql: check.holds.clone(),
                holds: session.create_physical_expr(cast(holds, DataType::Boolean), &schema)?,
                rule: Some((index, check)),
            });
        }
        let constraints = Arc::new(constraints);
        Ok(Self {
            rows,
            constraints,
            are_complete,
            contracts,
        })
    }

    /// Whether none of the table's own constraints is left to the library.
    pub fn are_complete(&self) -> bool {
        self.are_complete
    }

    pub fn failure(&self) -> RowFailure {
        self.rows.failure()
    }
}

impl Constraint {
    fn required(column: &str, rows: &RowSource) -> Result<Self> {
        let value = Arc::new(Column::new_with_schema(column, rows.schema())?);
        let (name, sql) = required_constraint(column);
        Ok(Self {
            name,
            sql,
            holds: Arc::new(IsNotNullExpr::new(value)),
            rule: None,
        })
    }

    fn new(name: &str, sql: &str, schema: &DFSchema, session: &SessionState) -> Result<Self> {
        let holds = session.create_logical_expr(sql, schema)?;
        let holds = session.create_physical_expr(cast(holds, DataType::Boolean), schema)?;
        Ok(Self {
            name: name.to_owned(),
            sql: sql.to_owned(),
            holds,
            rule: None,
        })
    }

    /// Adds the rows that break it: those for which it is false, and those for which it is null.
    fn count(&self, batch: &RecordBatch, broken: &mut Broken) -> std::result::Result<(), DataFusionError> {
        let values = self.holds.evaluate(batch)?.into_array(batch.num_rows())?;
        let holds = values.as_boolean();
        let rows = holds.len() - holds.true_count();
        broken.rows += rows;
        if rows > 0 && self.rule.is_some() && broken.sample.len() < SAMPLES {
            let is_broken = (0..holds.len()).map(|row| Some(holds.is_null(row) || !holds.value(row)));
            let shown = filter_record_batch(batch, &is_broken.collect::<BooleanArray>())?;
            let room = SAMPLES - broken.sample.len();
            broken
                .sample
                .extend(rows_as_json(&shown.slice(0, room.min(shown.num_rows())))?);
        }
        Ok(())
    }
}

/// The expression with nulls for the columns that the rows don't have.
fn without_missing(expression: Expr, columns: &DFSchema, rows: &DFSchema) -> Result<Expr> {
    let replaced = expression.transform(|part| match &part {
        Expr::Column(column) if !rows.has_column_with_unqualified_name(&column.name) => {
            let field = columns.field_with_unqualified_name(&column.name)?;
            Ok(Transformed::yes(lit(ScalarValue::try_from(field.data_type())?)))
        }
        _ => Ok(Transformed::no(part)),
    });
    Ok(replaced?.data)
}

impl fmt::Debug for Checks {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Checks({:?})", self.rows)
    }
}

impl PartitionStream for Checks {
    fn schema(&self) -> &SchemaRef {
        self.rows.schema()
    }

    fn execute(&self, task: Arc<TaskContext>) -> SendableRecordBatchStream {
        let constraints = self.constraints.clone();
        let contracts = self.contracts.clone();
        let failure = self.failure();
        let counts = vec![Broken::default(); constraints.len()];
        let rows = self.rows.execute(task);
        let checked = stream::unfold(Some((rows, counts)), move |state| {
            let (constraints, contracts, failure) = (constraints.clone(), contracts.clone(), failure.clone());
            async move {
                let (mut rows, mut counts) = state?;
                match rows.next().await {
                    Some(Ok(batch)) => match count(&constraints, &batch, &mut counts) {
                        Ok(()) => Some((Ok(batch), Some((rows, counts)))),
                        Err(error) => Some((Err(error), None)),
                    },
                    Some(Err(error)) => Some((Err(error), None)),
                    None => {
                        let error = refused(&constraints, counts, &contracts)?;
                        Some((BatchResult::Err(noted(&failure, error)), None))
                    }
                }
            }
        });
        Box::pin(RecordBatchStreamAdapter::new(self.schema().clone(), Box::pin(checked)))
    }
}

fn count(
    constraints: &[Constraint],
    batch: &RecordBatch,
    counts: &mut [Broken],
) -> std::result::Result<(), DataFusionError> {
    let mut counted = constraints.iter().zip(counts);
    counted.try_for_each(|(constraint, broken)| constraint.count(batch, broken))
}

/// Why the rows are refused when all are there; what breaks a contract that is not enforced is noted.
fn refused(constraints: &[Constraint], counts: Vec<Broken>, contracts: &Contracts) -> Option<Error> {
    let mut violations = Vec::new();
    for (constraint, broken) in constraints.iter().zip(counts).filter(|(_, broken)| broken.rows > 0) {
        match &constraint.rule {
            Some((index, check)) => contracts.note(
                *index,
                Vec::new(),
                vec![check.broken(broken.rows as i64, broken.sample)],
            ),
            None => violations.push(DeltaConstraintViolation {
                constraint: constraint.name.clone(),
                expression: constraint.sql.clone(),
                violating_rows: broken.rows as i64,
            }),
        }
    }
    match violations.is_empty() {
        true => contracts.refusal(),
        false => Some(constraint_violated(violations)),
    }
}

pub fn constraint_violated(violations: Vec<DeltaConstraintViolation>) -> Error {
    let names: Vec<_> = violations
        .iter()
        .map(|broken| match broken.violating_rows {
            1 => format!("{} (1 row)", broken.constraint),
            rows => format!("{} ({rows} rows)", broken.constraint),
        })
        .collect();
    let message = format!(
        "The rows break constraints, and nothing was written: {}",
        names.join(", ")
    );
    Error::new(ErrorCode::ConstraintViolated, message).with("violations", json!(violations))
}
