//! The data files of a table at one version, with all that its log says of them.

use arrow::array::ArrayRef;
use chrono::{DateTime, Utc};
use datafusion::common::Result;
use datafusion::scalar::ScalarValue;
use deltalake_core::kernel::{EagerSnapshot, LogicalFileView};
use object_store::ObjectMeta;
use url::Url;

use super::columns::Columns;
use super::deleted_rows::DeletedRows;
use super::log_statistics::LogStatistics;
use super::partition_value::partition_value;
use crate::storage::TableStore;

#[derive(Debug)]
pub struct DataFiles {
    pub files: Vec<DataFile>,
    pub statistics: LogStatistics,
    /// The values that all rows of a file share: an array a partition column, a value a file.
    pub partitions: Vec<ArrayRef>,
}

#[derive(Debug)]
pub struct DataFile {
    pub object: ObjectMeta,
    pub partition: Vec<ScalarValue>,
    pub deleted: Option<DeletedRows>,
}

impl DataFiles {
    /// None where a file isn't one that is read as the others are.
    pub fn of(state: &EagerSnapshot, columns: &Columns, store: &TableStore) -> Result<Option<Self>> {
        let mut files = Vec::new();
        let mut texts = Vec::new();
        for view in state.log_data().iter() {
            let Some(file) = data_file(&view, columns, store)? else {
                return Ok(None);
            };
            files.push(file);
            texts.push(view.stats());
        }
        let statistics = LogStatistics::parse(&texts, columns.in_files())?;
        let is_countable =
            |(index, file): (usize, &DataFile)| file.deleted.is_none() || statistics.rows_of(index).is_some();
        if !files.iter().enumerate().all(is_countable) {
            return Ok(None);
        }
        let fields = columns.partition_fields();
        let partitions = fields.iter().enumerate().map(|(column, field)| match files.is_empty() {
            true => Ok(arrow::array::new_empty_array(field.data_type())),
            false => ScalarValue::iter_to_array(files.iter().map(|file| file.partition[column].clone())),
        });
        Ok(Some(Self {
            partitions: partitions.collect::<Result<_>>()?,
            files,
            statistics,
        }))
    }

    /// The rows of a file that aren't deleted.
    pub fn rows_left(&self, file: usize) -> Option<usize> {
        let deleted = self.files[file].deleted.as_ref().map_or(0, DeletedRows::count);
        self.statistics.rows_of(file)?.checked_sub(deleted)
    }

    pub fn memory_size(&self) -> usize {
        let each = self.files.iter().enumerate().map(|(index, file)| {
            let mask = file.deleted.as_ref().and_then(|_| self.statistics.rows_of(index));
            let values: usize = file.partition.iter().map(ScalarValue::size).sum();
            size_of::<DataFile>() + file.object.location.as_ref().len() + values + mask.unwrap_or_default() / 8
        });
        let partitions = self.partitions.iter().map(|array| array.get_array_memory_size());
        each.sum::<usize>() + partitions.sum::<usize>() + self.statistics.memory_size()
    }
}

/// A path that isn't below the table is left to the library to refuse.
fn data_file(view: &LogicalFileView, columns: &Columns, store: &TableStore) -> Result<Option<DataFile>> {
    let path = view.path();
    if path.starts_with('/') || Url::parse(&path).is_ok() {
        return Ok(None);
    }
    let Ok(size) = u64::try_from(view.size()) else {
        return Ok(None);
    };
    let Some(partition) = partition_values(view, columns)? else {
        return Ok(None);
    };
    let deleted = match view.deletion_vector_descriptor() {
        None => None,
        Some(vector) => match vector.try_into() {
            Ok(vector) => Some(DeletedRows::new(vector)),
            Err(_) => return Ok(None),
        },
    };
    Ok(Some(DataFile {
        object: ObjectMeta {
            location: store.locate(&view.object_store_path()),
            last_modified: DateTime::<Utc>::from_timestamp_millis(view.modification_time()).unwrap_or_default(),
            size,
            e_tag: None,
            version: None,
        },
        partition,
        deleted,
    }))
}

fn partition_values(view: &LogicalFileView, columns: &Columns) -> Result<Option<Vec<ScalarValue>>> {
    let fields = columns.partition_fields();
    if fields.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let Some(values) = view.partition_values() else {
        return Ok(None);
    };
    let value = |(index, name): (usize, &String)| match values.fields().iter().position(|field| field.name() == name) {
        Some(place) => partition_value(&values.values()[place], fields[index].data_type()),
        None => Ok(None),
    };
    columns.partition_columns.iter().enumerate().map(value).collect()
}
