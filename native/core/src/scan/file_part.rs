//! Data files that were read of the log together, with all that it says of them.

use std::collections::HashMap;
use std::sync::{Arc, OnceLock};

use arrow::array::ArrayRef;
use chrono::{DateTime, Utc};
use datafusion::common::Result;
use datafusion::scalar::ScalarValue;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::{Add, EagerSnapshot};
use object_store::ObjectMeta;
use object_store::path::Path;

use super::columns::Columns;
use super::deleted_rows::DeletedRows;
use super::file_changes::FileKey;
use super::files::DataFiles;
use super::log_statistics::LogStatistics;
use super::logged_file::{LoggedFile, located_below};
use super::partition_value::partition_value;
use crate::storage::TableStore;

#[derive(Debug)]
pub struct FilePart {
    source: Source,
    pub files: Vec<Arc<DataFile>>,
    pub statistics: LogStatistics,
    /// The values that all rows of a file share: an array a partition column, a value a file.
    pub partitions: Vec<ArrayRef>,
    rows: OnceLock<HashMap<FileKey, usize>>,
}

#[derive(Debug)]
pub struct DataFile {
    pub object: ObjectMeta,
    pub partition: Vec<ScalarValue>,
    pub deleted: Option<DeletedRows>,
}

/// What the log says of the files, in their order.
#[derive(Debug, Clone)]
enum Source {
    Read(EagerSnapshot),
    Added(Vec<Arc<Add>>),
}

impl Source {
    fn logged(&self) -> Box<dyn Iterator<Item = LoggedFile> + '_> {
        match self {
            Self::Read(state) => Box::new(state.log_data().into_iter().map(LoggedFile::Read)),
            Self::Added(adds) => Box::new(adds.iter().cloned().map(LoggedFile::Added)),
        }
    }
}

impl FilePart {
    pub fn read(
        state: &EagerSnapshot,
        columns: &Columns,
        store: &TableStore,
        known: Option<&DataFiles>,
    ) -> Result<Option<Self>> {
        Self::of(Source::Read(state.clone()), columns, store, known)
    }

    pub fn added(adds: Vec<Arc<Add>>, columns: &Columns, store: &TableStore) -> Result<Option<Self>> {
        Self::of(Source::Added(adds), columns, store, None)
    }

    pub fn with_columns(&self, columns: &Columns, store: &TableStore) -> Result<Option<Self>> {
        Self::of(self.source.clone(), columns, store, None)
    }

    fn of(source: Source, columns: &Columns, store: &TableStore, known: Option<&DataFiles>) -> Result<Option<Self>> {
        let mut files = Vec::new();
        let mut texts = Vec::new();
        let by_location = known.map(DataFiles::by_location).unwrap_or_default();
        let parts = known.iter().flat_map(|known| known.parts());
        let mut statistics: Vec<_> = parts.map(|part| &part.statistics).collect();
        let mut sources = Vec::new();
        for logged in source.logged() {
            let Some(location) = located_below(&logged.path(), store) else {
                return Ok(None);
            };
            let vector = logged.vector()?;
            let same = by_location.get::<str>(location.as_ref()).zip(known);
            let same = same.map(|(index, known)| (*index, known.file(*index)));
            if let Some((index, file)) = same.filter(|(_, file)| file.is(&logged, vector.as_ref())) {
                files.push(file.clone());
                sources.push((index.part, index.row));
                continue;
            }
            let Some(file) = data_file(&logged, location, vector, columns)? else {
                return Ok(None);
            };
            files.push(Arc::new(file));
            sources.push((statistics.len(), texts.len()));
            texts.push(logged.stats());
        }
        let read = LogStatistics::parse(&texts, columns.in_files())?;
        let statistics = match statistics.is_empty() {
            true => read,
            false => {
                statistics.push(&read);
                LogStatistics::picked(&statistics, &sources)?
            }
        };
        let part = Self::new(source, files, statistics, columns)?;
        Ok(part.are_countable().then_some(part))
    }

    /// Added ones of several parts: of each those that are left.
    pub fn merged(parts: &[(&Self, Vec<usize>)], columns: &Columns) -> Result<Self> {
        let indices = parts.iter().enumerate();
        let indices = indices.flat_map(|(part, (_, rows))| rows.iter().map(move |row| (part, *row)));
        let indices: Vec<_> = indices.collect();
        let statistics: Vec<_> = parts.iter().map(|(part, _)| &part.statistics).collect();
        let adds = parts.iter().flat_map(|(part, rows)| {
            let adds: &[Arc<Add>] = match &part.source {
                Source::Added(adds) => adds,
                Source::Read(_) => &[],
            };
            rows.iter().map(|row| adds[*row].clone())
        });
        let files = indices.iter().map(|(part, row)| parts[*part].0.files[*row].clone());
        Self::new(
            Source::Added(adds.collect()),
            files.collect(),
            LogStatistics::picked(&statistics, &indices)?,
            columns,
        )
    }

    fn new(source: Source, files: Vec<Arc<DataFile>>, statistics: LogStatistics, columns: &Columns) -> Result<Self> {
        Ok(Self {
            source,
            partitions: shared_values(&files, columns)?,
            files,
            statistics,
            rows: OnceLock::new(),
        })
    }

    pub fn is_added(&self) -> bool {
        matches!(self.source, Source::Added(_))
    }

    pub fn logged(&self) -> impl Iterator<Item = LoggedFile> + '_ {
        self.source.logged()
    }

    pub fn row_of(&self, key: &FileKey) -> Option<usize> {
        let rows = self.rows.get_or_init(|| {
            let files = self.files.iter().enumerate();
            files.map(|(row, file)| (file.key(), row)).collect()
        });
        rows.get(key).copied()
    }

    /// The rows of a file that aren't deleted.
    pub fn rows_left(&self, row: usize) -> Option<usize> {
        let deleted = self.files[row].deleted.as_ref().map_or(0, DeletedRows::count);
        self.statistics.rows_of(row)?.checked_sub(deleted)
    }

    /// Rows can only be left out of files whose rows are counted.
    fn are_countable(&self) -> bool {
        let mut files = self.files.iter().enumerate();
        files.all(|(row, file)| file.deleted.is_none() || self.rows_left(row).is_some())
    }
}

impl DataFile {
    fn is(&self, logged: &LoggedFile, vector: Option<&DeletionVectorDescriptor>) -> bool {
        let same_vector = self.deleted.as_ref().map(DeletedRows::vector) == vector;
        same_vector && self.object.last_modified.timestamp_millis() == logged.modification_time()
    }
}

fn data_file(
    logged: &LoggedFile,
    location: Path,
    vector: Option<DeletionVectorDescriptor>,
    columns: &Columns,
) -> Result<Option<DataFile>> {
    let (Ok(size), Some(partition)) = (u64::try_from(logged.size()), partition_values(logged, columns)?) else {
        return Ok(None);
    };
    Ok(Some(DataFile {
        object: ObjectMeta {
            location,
            last_modified: DateTime::<Utc>::from_timestamp_millis(logged.modification_time()).unwrap_or_default(),
            size,
            e_tag: None,
            version: None,
        },
        partition,
        deleted: vector.map(DeletedRows::new),
    }))
}

/// None where a column has no type that values are parsed to.
fn partition_values(logged: &LoggedFile, columns: &Columns) -> Result<Option<Vec<ScalarValue>>> {
    if columns.partition_columns.is_empty() {
        return Ok(Some(Vec::new()));
    }
    let texts = logged.partition_values();
    let fields = columns.partition_fields();
    let names = columns.table.table_partition_cols();
    let mut values = Vec::with_capacity(fields.len());
    for ((field, stored), kind) in fields.iter().zip(names).zip(&columns.partition_types) {
        let text = texts.get(stored.name()).and_then(Option::as_deref);
        let value = match (text, kind) {
            (_, None) => return Ok(None),
            (None, _) => Some(ScalarValue::try_from(field.data_type())?),
            (Some(text), Some(kind)) => {
                let value = kind.parse_scalar(text).map_err(DeltaTableError::from)?;
                partition_value(&value, field.data_type())?
            }
        };
        let Some(value) = value else { return Ok(None) };
        values.push(value);
    }
    Ok(Some(values))
}

fn shared_values(files: &[Arc<DataFile>], columns: &Columns) -> Result<Vec<ArrayRef>> {
    let fields = columns.partition_fields();
    let arrays = fields.iter().enumerate().map(|(column, field)| match files.is_empty() {
        true => Ok(arrow::array::new_empty_array(field.data_type())),
        false => ScalarValue::iter_to_array(files.iter().map(|file| file.partition[column].clone())),
    });
    arrays.collect()
}
