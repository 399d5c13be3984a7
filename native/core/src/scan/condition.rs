//! One condition of several, with what it was measured to cost and to leave.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use arrow::array::AsArray;
use arrow::datatypes::SchemaRef;
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::{ColumnarValue, Operator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::{
    BinaryExpr, Column, InListExpr, IsNotNullExpr, IsNullExpr, LikeExpr, Literal, NotExpr,
};
use datafusion::physical_expr::utils::{collect_columns, reassign_expr_columns};

use super::rows_left::RowsLeft;
use super::tried_filter::TriedFilter;

/// Nanoseconds that a value takes to be gathered, roughly.
const GATHERED: f64 = 2.0;

#[derive(Debug)]
pub struct Condition {
    filter: Arc<dyn PhysicalExpr>,
    /// The columns that it is over, and itself over these alone.
    columns: Vec<usize>,
    narrow: Arc<dyn PhysicalExpr>,
    narrow_schema: SchemaRef,
    can_fail: bool,
    measured: Measured,
}

/// What it took for whole batches.
#[derive(Debug, Default)]
struct Measured {
    nanoseconds: AtomicU64,
    rows: AtomicU64,
    kept: AtomicU64,
}

impl Condition {
    pub fn new(filter: &Arc<dyn PhysicalExpr>, schema: &SchemaRef) -> Result<Self> {
        let mut columns: Vec<_> = collect_columns(filter).iter().map(Column::index).collect();
        columns.sort_unstable();
        columns.dedup();
        let narrow_schema = Arc::new(schema.project(&columns)?);
        Ok(Self {
            filter: filter.clone(),
            narrow: reassign_expr_columns(filter.clone(), &narrow_schema)?,
            columns,
            narrow_schema,
            can_fail: !cannot_fail(filter),
            measured: Measured::default(),
        })
    }

    pub fn filter(&self) -> &Arc<dyn PhysicalExpr> {
        &self.filter
    }

    pub fn cannot_fail(&self) -> bool {
        !self.can_fail
    }

    /// The rows that it leaves out in a nanosecond; it is the first to be asked until that is known.
    pub fn spares(&self) -> f64 {
        let [nanoseconds, rows, kept] = self.measured.all();
        match rows > 0.0 {
            true => (rows - kept) / nanoseconds.max(1.0),
            false => f64::INFINITY,
        }
    }

    /// Leaves of the rows those for which it is true; false where it is for none, whichever they are.
    pub fn ask(&self, batch: &RecordBatch, left: &mut RowsLeft) -> Result<bool> {
        let is_gathered = self.gathers(batch.num_rows(), left.count());
        let begun = Instant::now();
        let answers = match is_gathered {
            true => self.narrow.evaluate(&self.gathered(batch, left)?)?,
            false => self.filter.evaluate(batch)?,
        };
        let answers = match answers {
            ColumnarValue::Array(answers) => answers,
            ColumnarValue::Scalar(answer) => return Ok(answer == ScalarValue::from(true)),
        };
        let answers = answers.as_boolean();
        if !is_gathered {
            self.measured.count(begun, answers.len(), answers.true_count());
            left.keep(answers);
            return Ok(true);
        }
        left.keep_gathered(answers)?;
        Ok(true)
    }

    /// Whether it is cheaper to look at the rows that are left than at all; what can fail is never asked of others.
    fn gathers(&self, rows: usize, left: usize) -> bool {
        if left == rows {
            return false;
        }
        let [nanoseconds, measured, _] = self.measured.all();
        let one = nanoseconds / measured.max(1.0);
        let gathered = left as f64 * (GATHERED * (self.columns.len() + 1) as f64 + one);
        self.can_fail || gathered < rows as f64 * one
    }

    fn gathered(&self, batch: &RecordBatch, left: &mut RowsLeft) -> Result<RecordBatch> {
        let columns: Vec<_> = self
            .columns
            .iter()
            .map(|column| batch.column(*column).clone())
            .collect();
        let columns = left.gathered(&columns)?;
        let options = RecordBatchOptions::new().with_row_count(Some(left.count()));
        Ok(RecordBatch::try_new_with_options(
            self.narrow_schema.clone(),
            columns,
            &options,
        )?)
    }
}

impl Measured {
    fn all(&self) -> [f64; 3] {
        [&self.nanoseconds, &self.rows, &self.kept].map(|count| count.load(Ordering::Relaxed) as f64)
    }

    fn count(&self, begun: Instant, rows: usize, kept: usize) {
        self.nanoseconds
            .fetch_add(begun.elapsed().as_nanos() as u64, Ordering::Relaxed);
        self.rows.fetch_add(rows as u64, Ordering::Relaxed);
        self.kept.fetch_add(kept as u64, Ordering::Relaxed);
    }
}

/// Whether it has an answer for every row, so that it may be asked of rows that another condition leaves out.
fn cannot_fail(filter: &Arc<dyn PhysicalExpr>) -> bool {
    let is_plain = match filter.downcast_ref::<BinaryExpr>() {
        Some(binary) => binary.op().is_logic_operator() || is_comparison(*binary.op()),
        None => {
            let filter = filter.as_ref();
            filter.is::<Column>()
                || filter.is::<Literal>()
                || filter.is::<NotExpr>()
                || filter.is::<IsNullExpr>()
                || filter.is::<IsNotNullExpr>()
                || filter.is::<InListExpr>()
                || filter.is::<LikeExpr>()
        }
    };
    filter.is::<TriedFilter>() || (is_plain && filter.children().into_iter().all(cannot_fail))
}

fn is_comparison(operator: Operator) -> bool {
    matches!(
        operator,
        Operator::Eq
            | Operator::NotEq
            | Operator::Lt
            | Operator::LtEq
            | Operator::Gt
            | Operator::GtEq
            | Operator::IsDistinctFrom
            | Operator::IsNotDistinctFrom
    )
}
