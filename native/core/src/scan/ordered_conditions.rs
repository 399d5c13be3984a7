//! Conditions of a filter, asked in the order in which they spare most work, each only of the rows that those before it left
//! where that is cheaper. What they cost and leave is measured while they run: no statistics tell it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use super::condition::Condition;
use super::rows_left::RowsLeft;

/// Of so many batches in a row, each condition is the first in one, to be measured on all rows.
const BATCHES: usize = 128;

#[derive(Debug)]
pub struct OrderedConditions {
    /// Those that can't fail, which may be asked in any order.
    free: Vec<Condition>,
    /// The others, asked after them and in their own order.
    fixed: Vec<Condition>,
    schema: SchemaRef,
    batches: Arc<AtomicUsize>,
}

impl OrderedConditions {
    /// `schema`: of the rows that are asked about.
    pub fn new(conditions: &[Arc<dyn PhysicalExpr>], schema: &SchemaRef) -> Result<Self> {
        let conditions = conditions.iter().map(|condition| Condition::new(condition, schema));
        let conditions = conditions.collect::<Result<Vec<_>>>()?;
        let (free, fixed) = conditions.into_iter().partition(Condition::cannot_fail);
        Ok(Self {
            free,
            fixed,
            schema: schema.clone(),
            batches: Arc::default(),
        })
    }

    fn all(&self) -> impl Iterator<Item = &Condition> {
        self.free.iter().chain(&self.fixed)
    }

    fn in_order(&self) -> Vec<&Condition> {
        let mut order: Vec<_> = self.free.iter().collect();
        order.sort_by(|one, other| other.spares().total_cmp(&one.spares()));
        let turn = self.batches.fetch_add(1, Ordering::Relaxed) % BATCHES;
        if let Some(tried) = self.free.get(turn) {
            order.retain(|condition| !std::ptr::eq(*condition, tried));
            order.insert(0, tried);
        }
        order.extend(&self.fixed);
        order
    }
}

impl PhysicalExpr for OrderedConditions {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, _: &Schema) -> Result<bool> {
        Ok(false)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let mut left = RowsLeft::all(batch.num_rows());
        for condition in self.in_order() {
            if left.count() == 0 {
                break;
            }
            if !condition.ask(batch, &mut left)? {
                return Ok(ColumnarValue::Scalar(ScalarValue::from(false)));
            }
        }
        Ok(ColumnarValue::Array(left.into_answers()))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        self.all().map(Condition::filter).collect()
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self::new(&children, &self.schema)?))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, condition) in self.all().enumerate() {
            if place > 0 {
                f.write_str(" AND ")?;
            }
            condition.filter().fmt_sql(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for OrderedConditions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ordered(")?;
        for (place, condition) in self.all().enumerate() {
            let separator = if place > 0 { ", " } else { "" };
            write!(f, "{separator}{}", condition.filter())?;
        }
        f.write_str(")")
    }
}

impl PartialEq for OrderedConditions {
    fn eq(&self, other: &Self) -> bool {
        self.all().map(Condition::filter).eq(other.all().map(Condition::filter))
    }
}

impl Eq for OrderedConditions {}

impl Hash for OrderedConditions {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.all().for_each(|condition| condition.filter().hash(state));
    }
}
