//! The data files of a table at one version, with all that its log says of them.

use std::collections::HashMap;
use std::sync::Arc;

use arrow::array::ArrayRef;
use chrono::{DateTime, Utc};
use datafusion::common::Result;
use datafusion::scalar::ScalarValue;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
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
    pub files: Vec<Arc<DataFile>>,
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
    /// None where a file isn't one that is read as the others are. `known`: files of another version with these columns,
    /// of which nothing is read again.
    pub fn of(
        state: &EagerSnapshot,
        columns: &Columns,
        store: &TableStore,
        known: Option<&Self>,
    ) -> Result<Option<Self>> {
        let mut files = Vec::new();
        let mut texts = Vec::new();
        let mut sources = Vec::new();
        let by_path = known.map(Self::by_path).unwrap_or_default();
        for view in state.log_data().iter() {
            let Some(location) = location(&view, store) else {
                return Ok(None);
            };
            let vector = vector(&view)?;
            let same = |(file, _): &(&Arc<DataFile>, usize)| file.is(&view, vector.as_ref());
            if let Some((file, row)) = by_path.get::<str>(location.as_ref()).copied().filter(same) {
                files.push(file.clone());
                sources.push((0, row));
                continue;
            }
            let Some(file) = data_file(&view, location, vector, columns)? else {
                return Ok(None);
            };
            files.push(Arc::new(file));
            sources.push((1, texts.len()));
            texts.push(view.stats());
        }
        let read = LogStatistics::parse(&texts, columns.in_files())?;
        let statistics = match known {
            Some(known) => LogStatistics::picked([&known.statistics, &read], &sources)?,
            None => read,
        };
        let files = Self {
            partitions: shared_values(&files, columns)?,
            files,
            statistics,
        };
        Ok(files.are_countable().then_some(files))
    }

    /// The rows of a file that aren't deleted.
    pub fn rows_left(&self, file: usize) -> Option<usize> {
        let deleted = self.files[file].deleted.as_ref().map_or(0, DeletedRows::count);
        self.statistics.rows_of(file)?.checked_sub(deleted)
    }

    fn by_path(&self) -> HashMap<&str, (&Arc<DataFile>, usize)> {
        let files = self.files.iter().enumerate();
        files
            .map(|(row, file)| (file.object.location.as_ref(), (file, row)))
            .collect()
    }

    /// Rows can only be left out of files whose rows are counted.
    fn are_countable(&self) -> bool {
        let mut files = self.files.iter().enumerate();
        files.all(|(index, file)| file.deleted.is_none() || self.rows_left(index).is_some())
    }
}

impl DataFile {
    fn is(&self, view: &LogicalFileView, vector: Option<&DeletionVectorDescriptor>) -> bool {
        let same_vector = self.deleted.as_ref().map(DeletedRows::vector) == vector;
        same_vector && self.object.last_modified.timestamp_millis() == view.modification_time()
    }
}

/// A path that isn't below the table is left to the library to refuse.
fn location(view: &LogicalFileView, store: &TableStore) -> Option<object_store::path::Path> {
    let path = view.path();
    let is_below = !path.starts_with('/') && Url::parse(&path).is_err();
    is_below.then(|| store.locate(&view.object_store_path()))
}

fn vector(view: &LogicalFileView) -> Result<Option<DeletionVectorDescriptor>> {
    let vector = view.deletion_vector_descriptor().map(TryInto::try_into).transpose();
    vector.map_err(|error: delta_kernel::Error| deltalake_core::DeltaTableError::from(error).into())
}

fn data_file(
    view: &LogicalFileView,
    location: object_store::path::Path,
    vector: Option<DeletionVectorDescriptor>,
    columns: &Columns,
) -> Result<Option<DataFile>> {
    let (Ok(size), Some(partition)) = (u64::try_from(view.size()), partition_values(view, columns)?) else {
        return Ok(None);
    };
    Ok(Some(DataFile {
        object: ObjectMeta {
            location,
            last_modified: DateTime::<Utc>::from_timestamp_millis(view.modification_time()).unwrap_or_default(),
            size,
            e_tag: None,
            version: None,
        },
        partition,
        deleted: vector.map(DeletedRows::new),
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

fn shared_values(files: &[Arc<DataFile>], columns: &Columns) -> Result<Vec<ArrayRef>> {
    let fields = columns.partition_fields();
    let arrays = fields.iter().enumerate().map(|(column, field)| match files.is_empty() {
        true => Ok(arrow::array::new_empty_array(field.data_type())),
        false => ScalarValue::iter_to_array(files.iter().map(|file| file.partition[column].clone())),
    });
    arrays.collect()
}
