//! Rows that have to fulfil constraints, all of which are checked to the last row.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use arrow::array::{AsArray, RecordBatch};
use arrow::datatypes::{DataType, SchemaRef};
use datafusion::common::DFSchema;
use datafusion::error::DataFusionError;
use datafusion::execution::{SendableRecordBatchStream, SessionState, TaskContext};
use datafusion::logical_expr::cast;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::{StreamExt, stream};
use serde_json::json;

use super::source::{BatchResult, RowFailure, RowSource, noted};
use crate::error::{Error, Result};
use crate::generated::{DeltaConstraintViolation, ErrorCode};

pub struct Checks {
    rows: RowSource,
    constraints: Arc<Vec<Constraint>>,
    are_complete: bool,
}

struct Constraint {
    name: String,
    sql: String,
    holds: Arc<dyn PhysicalExpr>,
}

impl Checks {
    /// Name to SQL expression. A table's own constraints may name columns that the rows don't have, which the library
    /// generates: those are left to it.
    pub fn new(
        rows: RowSource,
        extra: &BTreeMap<String, String>,
        own: &BTreeMap<String, String>,
        session: &SessionState,
    ) -> Result<Self> {
        let schema = DFSchema::try_from(rows.schema().as_ref().clone())?;
        let constraints = own
            .iter()
            .map(|(name, sql)| Constraint::new(name, sql, &schema, session));
        let mut constraints: Vec<_> = constraints.flatten().collect();
        let are_complete = constraints.len() == own.len();
        for (name, sql) in extra {
            constraints.push(Constraint::new(name, sql, &schema, session)?);
        }
        let constraints = Arc::new(constraints);
        Ok(Self {
            rows,
            constraints,
            are_complete,
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
    fn new(name: &str, sql: &str, schema: &DFSchema, session: &SessionState) -> Result<Self> {
        let holds = session.create_logical_expr(sql, schema)?;
        let holds = session.create_physical_expr(cast(holds, DataType::Boolean), schema)?;
        Ok(Self {
            name: name.to_owned(),
            sql: sql.to_owned(),
            holds,
        })
    }

    /// Rows that break it: those for which it is false, and those for which it is null.
    fn broken_by(&self, batch: &RecordBatch) -> std::result::Result<usize, DataFusionError> {
        let values = self.holds.evaluate(batch)?.into_array(batch.num_rows())?;
        let holds = values.as_boolean();
        Ok(holds.len() - holds.true_count())
    }
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
        let failure = self.failure();
        let counts = vec![0usize; constraints.len()];
        let rows = self.rows.execute(task);
        let checked = stream::unfold(Some((rows, counts)), move |state| {
            let (constraints, failure) = (constraints.clone(), failure.clone());
            async move {
                let (mut rows, mut counts) = state?;
                match rows.next().await {
                    Some(Ok(batch)) => match count(&constraints, &batch, &mut counts) {
                        Ok(()) => Some((Ok(batch), Some((rows, counts)))),
                        Err(error) => Some((Err(error), None)),
                    },
                    Some(Err(error)) => Some((Err(error), None)),
                    None => {
                        let error = violated(&constraints, &counts)?;
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
    counts: &mut [usize],
) -> std::result::Result<(), DataFusionError> {
    for (constraint, count) in constraints.iter().zip(counts) {
        *count += constraint.broken_by(batch)?;
    }
    Ok(())
}

fn violated(constraints: &[Constraint], counts: &[usize]) -> Option<Error> {
    let broken = constraints.iter().zip(counts).filter(|(_, count)| **count > 0);
    let violations: Vec<_> = broken
        .map(|(constraint, count)| DeltaConstraintViolation {
            constraint: constraint.name.clone(),
            expression: constraint.sql.clone(),
            violating_rows: *count as i64,
        })
        .collect();
    (!violations.is_empty()).then(|| constraint_violated(violations))
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
