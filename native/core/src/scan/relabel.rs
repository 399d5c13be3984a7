//! A value under the names that the table has for what is inside it.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::datatypes::{FieldRef, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::Result;
use datafusion::logical_expr::ColumnarValue;
use datafusion::physical_expr::PhysicalExpr;

use crate::normalize::plain;

/// The values stay as they are; names inside them, and what may be null, become those of the field.
#[derive(Debug, Eq)]
pub struct Relabel {
    value: Arc<dyn PhysicalExpr>,
    field: FieldRef,
}

impl Relabel {
    pub fn new(value: Arc<dyn PhysicalExpr>, field: FieldRef) -> Self {
        Self { value, field }
    }
}

impl PartialEq for Relabel {
    fn eq(&self, other: &Self) -> bool {
        self.value.eq(&other.value) && self.field == other.field
    }
}

impl Hash for Relabel {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.value.hash(state);
        self.field.hash(state);
    }
}

impl fmt::Display for Relabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.value)
    }
}

impl PhysicalExpr for Relabel {
    fn return_field(&self, _: &Schema) -> Result<FieldRef> {
        Ok(self.field.clone())
    }

    fn evaluate(&self, batch: &RecordBatch) -> Result<ColumnarValue> {
        let values = self.value.evaluate(batch)?.into_array(batch.num_rows())?;
        Ok(ColumnarValue::Array(plain(&values, self.field.data_type())?))
    }

    fn children(&self) -> Vec<&Arc<dyn PhysicalExpr>> {
        vec![&self.value]
    }

    fn with_new_children(self: Arc<Self>, children: Vec<Arc<dyn PhysicalExpr>>) -> Result<Arc<dyn PhysicalExpr>> {
        Ok(Arc::new(Self::new(children[0].clone(), self.field.clone())))
    }

    fn fmt_sql(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt_sql(f)
    }
}
