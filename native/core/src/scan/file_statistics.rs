//! What is known of the values in files, as plans take it.

use arrow::array::ArrayRef;
use datafusion::common::stats::Precision;
use datafusion::common::{ColumnStatistics, Result, Statistics};
use datafusion::scalar::ScalarValue;

use super::bounds::are_values;
use super::columns::Columns;
use super::files::{DataFiles, FileIndex};

impl DataFiles {
    /// Of one file, of the columns at `places`.
    pub fn statistics_of(&self, file: FileIndex, columns: &Columns, places: &[usize]) -> Result<Statistics> {
        let mut statistics = Statistics {
            num_rows: self.rows(file),
            total_byte_size: self.bytes(file),
            column_statistics: untold(columns),
        };
        for place in places {
            statistics.column_statistics[*place] = self.told(file, *place, columns)?;
        }
        Ok(statistics)
    }

    /// Of one file without its columns.
    pub fn size_of(&self, file: FileIndex) -> Statistics {
        Statistics {
            num_rows: self.rows(file),
            total_byte_size: self.bytes(file),
            column_statistics: Vec::new(),
        }
    }

    /// Of `files` together.
    pub fn statistics_of_all(&self, files: &[FileIndex], columns: &Columns, places: &[usize]) -> Result<Statistics> {
        let mut statistics = Statistics {
            num_rows: sum(files.iter().map(|file| self.rows(*file))),
            total_byte_size: sum(files.iter().map(|file| self.bytes(*file))),
            column_statistics: untold(columns),
        };
        for place in places {
            let told = files.iter().map(|file| self.told(*file, *place, columns));
            let merged = told.reduce(|one, other| Ok(merged(one?, &other?)));
            statistics.column_statistics[*place] = merged.unwrap_or_else(|| Ok(ColumnStatistics::new_unknown()))?;
        }
        Ok(statistics)
    }

    fn rows(&self, file: FileIndex) -> Precision<usize> {
        self.rows_left(file).map_or(Precision::Absent, Precision::Exact)
    }

    fn bytes(&self, file: FileIndex) -> Precision<usize> {
        Precision::Inexact(self.file(file).object.size as usize)
    }

    fn told(&self, file: FileIndex, place: usize, columns: &Columns) -> Result<ColumnStatistics> {
        match place.checked_sub(columns.in_files().len()) {
            Some(partition) => Ok(shared(&self.file(file).partition[partition], self.rows(file))),
            None => self.column(file, place, columns),
        }
    }

    fn column(&self, file: FileIndex, place: usize, columns: &Columns) -> Result<ColumnStatistics> {
        let data_type = columns.in_files()[place].data_type();
        let statistics = &self.part(file).statistics.columns[place];
        let is_whole = self.file(file).deleted.is_none();
        let bound = |bounds: &Option<ArrayRef>| -> Result<Precision<ScalarValue>> {
            let Some(bounds) = bounds else {
                return Ok(Precision::Absent);
            };
            match ScalarValue::try_from_array(bounds, file.row)? {
                value if value.is_null() => Ok(Precision::Absent),
                value => Ok(precision(value.cast_to(data_type)?, is_whole && are_values(data_type))),
            }
        };
        let nulls = statistics.nulls_of(file.row);
        Ok(ColumnStatistics {
            null_count: nulls.map_or(Precision::Absent, |nulls| precision(nulls, is_whole)),
            min_value: bound(&statistics.min)?,
            max_value: bound(&statistics.max)?,
            ..ColumnStatistics::new_unknown()
        })
    }
}

fn untold(columns: &Columns) -> Vec<ColumnStatistics> {
    vec![ColumnStatistics::new_unknown(); columns.table.table_schema().fields().len()]
}

fn sum(values: impl Iterator<Item = Precision<usize>>) -> Precision<usize> {
    values
        .reduce(|sum, value| sum.add(&value))
        .unwrap_or(Precision::Exact(0))
}

fn merged(one: ColumnStatistics, other: &ColumnStatistics) -> ColumnStatistics {
    ColumnStatistics {
        null_count: one.null_count.add(&other.null_count),
        min_value: one.min_value.min(&other.min_value),
        max_value: one.max_value.max(&other.max_value),
        ..ColumnStatistics::new_unknown()
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
        ..ColumnStatistics::new_unknown()
    }
}
