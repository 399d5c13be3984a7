//! Which files a query has to read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::scalar::ScalarValue;

use super::columns::Columns;
use super::files::DataFiles;

impl Columns {
    /// Whether a filter is the same for all rows of a file.
    pub fn is_shared(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        let is_partition = |column: &&Column| self.partition_columns.contains(&column.name);
        !columns.is_empty() && columns.iter().all(is_partition) && !filter.is_volatile()
    }
}

impl DataFiles {
    /// The files that may have rows for which all filters are true.
    pub fn left_by(&self, filters: &[Expr], columns: &Columns, state: &dyn Session) -> Result<Vec<usize>> {
        let (shared, others): (Vec<_>, Vec<_>) = filters.iter().cloned().partition(|filter| columns.is_shared(filter));
        let mut left: Vec<usize> = (0..self.files.len()).collect();
        if let Some(filter) = conjunction(shared) {
            let kept = self.matching(&filter, columns, state)?;
            left.retain(|file| kept.is_valid(*file) && kept.value(*file));
        }
        if let Some(filter) = conjunction(others) {
            let kept = self.not_excluded(&filter, columns, state)?;
            left.retain(|file| kept.as_ref().is_none_or(|kept| kept[*file]));
        }
        Ok(left)
    }

    /// The filter's value for each file.
    fn matching(&self, filter: &Expr, columns: &Columns, state: &dyn Session) -> Result<BooleanArray> {
        let schema = Arc::new(Schema::new(columns.partition_fields()));
        let options = RecordBatchOptions::new().with_row_count(Some(self.files.len()));
        let values = RecordBatch::try_new_with_options(schema.clone(), self.partitions.clone(), &options)?;
        let filter = state.create_physical_expr(filter.clone(), &DFSchema::try_from(schema)?)?;
        let kept = filter.evaluate(&values)?.into_array(self.files.len())?;
        Ok(kept.as_boolean().clone())
    }

    /// None where statistics tell nothing of the filter.
    fn not_excluded(&self, filter: &Expr, columns: &Columns, state: &dyn Session) -> Result<Option<Vec<bool>>> {
        let schema = DFSchema::try_from(columns.schema.clone())?;
        let filter = state.create_physical_expr(filter.clone(), &schema)?;
        let schema = columns.schema.clone();
        let Some(predicate) = PruningPredicateBuilder::new().with_file_schema(schema).build(filter) else {
            return Ok(None);
        };
        predicate.prune(&Known { files: self, columns }).map(Some)
    }
}

/// What the log says of all files, by the names that queries know.
struct Known<'a> {
    files: &'a DataFiles,
    columns: &'a Columns,
}

enum Values<'a> {
    Shared(&'a ArrayRef),
    Bounded(&'a super::log_statistics::ColumnStatistics),
}

impl Known<'_> {
    fn values(&self, column: &Column) -> Option<Values<'_>> {
        let place = self.columns.place(&column.name)?;
        match place.checked_sub(self.columns.in_files().len()) {
            Some(partition) => Some(Values::Shared(&self.files.partitions[partition])),
            None => Some(Values::Bounded(&self.files.statistics.columns[place])),
        }
    }

    fn counts(&self, counts: impl Iterator<Item = Option<u64>>) -> ArrayRef {
        Arc::new(UInt64Array::from_iter(counts))
    }
}

impl PruningStatistics for Known<'_> {
    fn min_values(&self, column: &Column) -> Option<ArrayRef> {
        match self.values(column)? {
            Values::Shared(values) => Some(values.clone()),
            Values::Bounded(column) => column.min.clone(),
        }
    }

    fn max_values(&self, column: &Column) -> Option<ArrayRef> {
        match self.values(column)? {
            Values::Shared(values) => Some(values.clone()),
            Values::Bounded(column) => column.max.clone(),
        }
    }

    fn num_containers(&self) -> usize {
        self.files.files.len()
    }

    fn null_counts(&self, column: &Column) -> Option<ArrayRef> {
        match self.values(column)? {
            Values::Bounded(column) => cast(column.nulls.as_ref()?, &DataType::UInt64).ok(),
            Values::Shared(values) => {
                let all = (0..values.len()).map(|file| match values.is_null(file) {
                    true => self.files.statistics.rows_of(file).map(|rows| rows as u64),
                    false => Some(0),
                });
                Some(self.counts(all))
            }
        }
    }

    /// Deleted rows among them, as in the counts of nulls.
    fn row_counts(&self) -> Option<ArrayRef> {
        cast(&self.files.statistics.rows, &DataType::UInt64).ok()
    }

    fn contained(&self, _: &Column, _: &HashSet<ScalarValue>) -> Option<BooleanArray> {
        None
    }
}
