//! Which files a query has to read.

use std::collections::HashSet;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, BooleanArray, UInt64Array};
use arrow::compute::cast;
use arrow::datatypes::{DataType, Schema, SchemaRef};
use arrow::record_batch::{RecordBatch, RecordBatchOptions};
use datafusion::catalog::Session;
use datafusion::common::pruning::PruningStatistics;
use datafusion::common::{Column, DFSchema, Result};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_optimizer::pruning::PruningPredicateBuilder;
use datafusion::scalar::ScalarValue;

use super::columns::Columns;
use super::file_part::FilePart;
use super::files::{DataFiles, FileIndex};

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
    pub fn left_by(&self, filters: &[Expr], columns: &Columns, state: &dyn Session) -> Result<Vec<FileIndex>> {
        let (shared, others): (Vec<_>, Vec<_>) = filters.iter().cloned().partition(|filter| columns.is_shared(filter));
        let schema = Arc::new(Schema::new(columns.partition_fields()));
        let shared = physical(shared, schema.clone(), state)?;
        let others = physical(others, columns.schema.clone(), state)?;
        // None where statistics tell nothing of the filters.
        let bounds = others.and_then(|filter| {
            let builder = PruningPredicateBuilder::new().with_file_schema(columns.schema.clone());
            builder.build(filter)
        });
        let mut left = Vec::with_capacity(self.len());
        for (index, files) in self.parts().enumerate() {
            let matching = shared.as_ref().map(|filter| files.matching(filter, schema.clone()));
            let matching = matching.transpose()?;
            let bounded = bounds.as_ref().map(|bounds| bounds.prune(&Known { files, columns }));
            let bounded = bounded.transpose()?;
            left.extend(self.indices(index).filter(|FileIndex { row, .. }| {
                matching
                    .as_ref()
                    .is_none_or(|kept| kept.is_valid(*row) && kept.value(*row))
                    && bounded.as_ref().is_none_or(|kept| kept[*row])
            }));
        }
        Ok(left)
    }
}

/// All filters as one, over columns of the schema.
fn physical(filters: Vec<Expr>, schema: SchemaRef, state: &dyn Session) -> Result<Option<Arc<dyn PhysicalExpr>>> {
    let schema = DFSchema::try_from(schema)?;
    let filter = conjunction(filters).map(|filter| state.create_physical_expr(filter, &schema));
    filter.transpose()
}

impl FilePart {
    /// The filter's value for each file.
    fn matching(&self, filter: &Arc<dyn PhysicalExpr>, schema: SchemaRef) -> Result<BooleanArray> {
        let options = RecordBatchOptions::new().with_row_count(Some(self.files.len()));
        let values = RecordBatch::try_new_with_options(schema, self.partitions.clone(), &options)?;
        let kept = filter.evaluate(&values)?.into_array(self.files.len())?;
        Ok(kept.as_boolean().clone())
    }
}

/// What the log says of files, by the names that queries know.
struct Known<'a> {
    files: &'a FilePart,
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
