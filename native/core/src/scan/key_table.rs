//! What a filter says of each key that a column may have: found out once, and looked up for every row after that.

use std::sync::{Arc, OnceLock};

use arrow::array::{Array, ArrayRef, ArrowPrimitiveType, AsArray, BooleanArray, BooleanBufferBuilder, Int64Array};
use arrow::buffer::BooleanBuffer;
use arrow::compute::{cast, prep_null_mask_filter};
use arrow::datatypes::{DataType, Date32Type, Field, Int32Type, Int64Type, Schema};
use arrow::record_batch::RecordBatch;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, Statistics};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::scalar::ScalarValue;

/// Rows for each key: with fewer the filter is as soon asked for every row.
const ROWS: usize = 8;
const MOST: usize = 1 << 23;
/// Keys that a filter is asked of at once.
const BATCH: usize = 8192;

/// The keys between the bounds of a column, and the filter's answers once they are known.
#[derive(Debug)]
pub struct KeyTable {
    data_type: DataType,
    first: i64,
    count: usize,
    /// None where the filter can't be asked.
    kept: OnceLock<Option<BooleanBuffer>>,
}

impl KeyTable {
    /// For a filter over one column of whole numbers or days, whose values are few beside the rows; `statistics`: of the
    /// columns that it is over.
    pub fn of(filter: &Arc<dyn PhysicalExpr>, statistics: &Statistics) -> Option<Self> {
        let column = statistics.column_statistics.get(only_column(filter)?.index())?;
        let (least, most) = (column.min_value.get_value()?, column.max_value.get_value()?);
        let (first, last) = (key(least)?, key(most)?);
        let count = usize::try_from(last.checked_sub(first)?).ok()?.checked_add(1)?;
        let rows = *statistics.num_rows.get_value()?;
        (count <= MOST && count <= rows / ROWS).then(|| Self {
            data_type: least.data_type(),
            first,
            count,
            kept: OnceLock::new(),
        })
    }

    /// The filter's answers; none for keys that aren't known, or null.
    pub fn answers(&self, filter: &Arc<dyn PhysicalExpr>, batch: &RecordBatch) -> Option<BooleanArray> {
        let column = only_column(filter)?;
        let keys = batch.columns().get(column.index())?;
        let kept = self.kept.get_or_init(|| self.asked(filter, &column).ok()).as_ref()?;
        if keys.null_count() > 0 || *keys.data_type() != self.data_type {
            return None;
        }
        match self.data_type {
            DataType::Int32 => self.looked_up::<Int32Type>(keys, kept),
            DataType::Date32 => self.looked_up::<Date32Type>(keys, kept),
            _ => self.looked_up::<Int64Type>(keys, kept),
        }
    }

    fn looked_up<T: ArrowPrimitiveType>(&self, keys: &ArrayRef, kept: &BooleanBuffer) -> Option<BooleanArray>
    where
        T::Native: Into<i64>,
    {
        let keys = keys.as_primitive_opt::<T>()?.values();
        let mut is_known = true;
        let answers = BooleanBuffer::collect_bool(keys.len(), |row| {
            let place = keys[row].into().wrapping_sub(self.first) as u64;
            let is_inside = place < self.count as u64;
            is_known &= is_inside;
            is_inside && kept.value(place as usize)
        });
        is_known.then(|| BooleanArray::new(answers, None))
    }

    fn asked(&self, filter: &Arc<dyn PhysicalExpr>, column: &Column) -> Result<BooleanBuffer> {
        let schema = Arc::new(Schema::new(vec![Field::new(
            column.name(),
            self.data_type.clone(),
            false,
        )]));
        let alone = filter.clone().transform_down(|part| {
            Ok(match part.downcast_ref::<Column>() {
                Some(column) => Transformed::yes(Arc::new(Column::new(column.name(), 0)) as _),
                None => Transformed::no(part),
            })
        });
        let alone = alone.data()?;
        let mut kept = BooleanBufferBuilder::new(self.count);
        for start in (0..self.count).step_by(BATCH) {
            let end = (start + BATCH).min(self.count);
            let keys = Int64Array::from_iter_values((start..end).map(|place| self.first + place as i64));
            let batch = RecordBatch::try_new(schema.clone(), vec![of_type(keys, &self.data_type)?])?;
            let answers = alone.evaluate(&batch)?.into_array(end - start)?;
            let answers = match answers.as_boolean() {
                known if known.null_count() == 0 => known.clone(),
                unknown => prep_null_mask_filter(unknown),
            };
            kept.append_buffer(answers.values());
        }
        Ok(kept.finish())
    }
}

fn only_column(filter: &Arc<dyn PhysicalExpr>) -> Option<Column> {
    let mut columns = collect_columns(filter).into_iter();
    let only = columns.next()?;
    columns.next().is_none().then_some(only)
}

fn key(value: &ScalarValue) -> Option<i64> {
    match value {
        ScalarValue::Int32(key) | ScalarValue::Date32(key) => key.map(i64::from),
        ScalarValue::Int64(key) => *key,
        _ => None,
    }
}

fn of_type(keys: Int64Array, data_type: &DataType) -> Result<ArrayRef> {
    let keys: ArrayRef = Arc::new(keys);
    Ok(match data_type {
        DataType::Int64 => keys,
        // There is no cast from long numbers to days.
        DataType::Date32 => cast(&cast(&keys, &DataType::Int32)?, &DataType::Date32)?,
        other => cast(&keys, other)?,
    })
}
