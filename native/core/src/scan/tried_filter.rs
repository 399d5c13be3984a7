//! A filter that only spares work: it is tried on the first rows, and left alone where it keeps most of them.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::array::{Array, AsArray};
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::{Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::DynamicFilterTracking;

use super::key_table::KeyTable;

/// Rows that it is tried on.
const TRIED: usize = 1 << 15;

#[derive(Debug)]
pub struct TriedFilter {
    filter: Arc<dyn PhysicalExpr>,
    tried: Arc<Tried>,
    keys: Option<Arc<KeyTable>>,
}

#[derive(Debug, Default)]
struct Tried {
    rows: AtomicUsize,
    kept: AtomicUsize,
}

impl TriedFilter {
    /// `keys`: those that the filter may be asked of, where they are few.
    pub fn new(filter: Arc<dyn PhysicalExpr>, keys: Option<KeyTable>) -> Self {
        Self {
            filter,
            tried: Arc::default(),
            keys: keys.map(Arc::new),
        }
    }

    /// Whether the join that it is of has learned it.
    fn is_known(&self) -> bool {
        !matches!(
            DynamicFilterTracking::classify(&self.filter),
            DynamicFilterTracking::Watching(_)
        )
    }
}

impl Tried {
    fn is_over(&self) -> bool {
        self.rows.load(Ordering::Relaxed) >= TRIED
    }

    fn keeps_most(&self) -> bool {
        let rows = self.rows.load(Ordering::Relaxed);
        rows >= TRIED && self.kept.load(Ordering::Relaxed) * 2 > rows
    }

    fn count(&self, rows: usize, kept: usize) {
        self.rows.fetch_add(rows, Ordering::Relaxed);
        self.kept.fetch_add(kept, Ordering::Relaxed);
    }
}

impl PhysicalExpr for TriedFilter {
    fn data_type(&self, _: &Schema) -> Result<DataType> {
        Ok(DataType::Boolean)
    }

    fn nullable(&self, schema: &Schema) -> Result<bool> {
        self.filter.nullable(schema)
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        if self.tried.keeps_most() || !self.is_known() {
            return Ok(ColumnarValue::Scalar(ScalarValue::from(true)));
        }
        let keys = self.keys.as_ref().filter(|_| self.tried.is_over());
        if let Some(kept) = keys.and_then(|keys| keys.answers(&self.filter, batch)) {
            return Ok(ColumnarValue::Array(Arc::new(kept)));
        }
        let kept = self.filter.evaluate(batch)?.into_array(batch.num_rows())?;
        self.tried.count(kept.len(), kept.as_boolean().true_count());
        Ok(ColumnarValue::Array(kept))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.filter]
    }

    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        let filter = children.pop().unwrap_or_else(|| self.filter.clone());
        Ok(Arc::new(Self {
            filter,
            tried: self.tried.clone(),
            keys: self.keys.clone(),
        }))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.filter.fmt_sql(f)
    }
}

impl fmt::Display for TriedFilter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "tried({})", self.filter)
    }
}

impl PartialEq for TriedFilter {
    fn eq(&self, other: &Self) -> bool {
        self.filter.eq(&other.filter)
    }
}

impl Eq for TriedFilter {}

impl Hash for TriedFilter {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.filter.hash(state);
    }
}
