//! What is known of the values in one file, as plans take it.

use arrow::array::ArrayRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::scalar::ScalarValue;

use super::bounds::are_values;
use super::columns::Columns;
use super::files::DataFiles;

impl DataFiles {
    /// Of the columns at `places`; of the others nothing is told.
    pub fn statistics_of(&self, file: usize, columns: &Columns, places: &[usize]) -> Result<Statistics> {
        let fields = columns.table.table_schema().fields();
        let rows = self.rows_left(file).map_or(Precision::Absent, Precision::Exact);
        let mut told = vec![ColumnStatistics::new_unknown(); fields.len()];
        for place in places {
            told[*place] = match place.checked_sub(columns.in_files().len()) {
                Some(partition) => shared(&self.files[file].partition[partition], rows),
                None => self.column(file, *place, columns)?,
            };
        }
        Ok(Statistics {
            num_rows: rows,
            total_byte_size: Precision::Inexact(self.files[file].object.size as usize),
            column_statistics: told,
        })
    }

    fn column(&self, file: usize, place: usize, columns: &Columns) -> Result<ColumnStatistics> {
        let data_type = columns.in_files()[place].data_type();
        let statistics = &self.statistics.columns[place];
        let is_whole = self.files[file].deleted.is_none();
        let bound = |bounds: &Option<ArrayRef>| -> Result<Precision<ScalarValue>> {
            match bounds {
                None => Ok(Precision::Absent),
                Some(bounds) => match ScalarValue::try_from_array(bounds, file)? {
                    value if value.is_null() => Ok(Precision::Absent),
                    value => Ok(precision(value.cast_to(data_type)?, is_whole && are_values(data_type))),
                },
            }
        };
        Ok(ColumnStatistics {
            null_count: statistics
                .nulls_of(file)
                .map_or(Precision::Absent, |nulls| precision(nulls, is_whole)),
            min_value: bound(&statistics.min)?,
            max_value: bound(&statistics.max)?,
            ..ColumnStatistics::new_unknown()
        })
    }
}

fn precision<T: std::fmt::Debug + Clone + PartialEq + Eq + PartialOrd>(value: T, is_exact: bool) -> Precision<T> {
    match is_exact {
        true => Precision::Exact(value),
        false => Precision::Inexact(value),
    }
}

/// A value that all rows have.
fn shared(value: &ScalarValue, rows: Precision<usize>) -> ColumnStatistics {
    let (bound, null_count) = match value.is_null() {
        true => (Precision::Absent, rows),
        false => (Precision::Exact(value.clone()), Precision::Exact(0)),
    };
    ColumnStatistics {
        null_count,
        min_value: bound.clone(),
        max_value: bound,
        distinct_count: Precision::Exact(usize::from(!value.is_null())),
        ..ColumnStatistics::new_unknown()
    }
}
