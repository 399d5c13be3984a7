//! A data file as the log tells of it, whoever read the log.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::{Add, LogicalFileView};
use object_store::path::Path;
use serde::Deserialize;
use url::Url;

use crate::storage::TableStore;

#[derive(Clone)]
pub enum LoggedFile {
    /// By the library.
    Read(LogicalFileView),
    /// In a commit since.
    Added(Arc<Add>),
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RowCount {
    num_records: Option<i64>,
}

impl LoggedFile {
    pub fn path(&self) -> Cow<'_, str> {
        match self {
            Self::Read(view) => view.path(),
            Self::Added(add) => Cow::Borrowed(&add.path),
        }
    }

    pub fn size(&self) -> i64 {
        match self {
            Self::Read(view) => view.size(),
            Self::Added(add) => add.size,
        }
    }

    pub fn modification_time(&self) -> i64 {
        match self {
            Self::Read(view) => view.modification_time(),
            Self::Added(add) => add.modification_time,
        }
    }

    pub fn stats(&self) -> Option<String> {
        match self {
            Self::Read(view) => view.stats(),
            Self::Added(add) => add.stats.clone(),
        }
    }

    /// Rows in the file, those that are deleted among them.
    pub fn rows(&self) -> Option<i64> {
        match self {
            Self::Read(view) => view.num_records().and_then(|rows| rows.try_into().ok()),
            Self::Added(add) => {
                serde_json::from_str::<RowCount>(add.stats.as_deref()?)
                    .ok()?
                    .num_records
            }
        }
    }

    pub fn deleted_rows(&self) -> i64 {
        let vector = match self {
            Self::Read(view) => view.deletion_vector_descriptor(),
            Self::Added(add) => add.deletion_vector.clone(),
        };
        vector.map_or(0, |vector| vector.cardinality)
    }

    pub fn vector(&self) -> Result<Option<DeletionVectorDescriptor>> {
        let vector = match self {
            Self::Read(view) => view.deletion_vector_descriptor(),
            Self::Added(add) => add.deletion_vector.clone(),
        };
        let vector = vector.map(TryInto::try_into).transpose();
        vector.map_err(|error: delta_kernel::Error| DeltaTableError::from(error).into())
    }

    /// By the names that the files have for the columns.
    pub fn partition_values(&self) -> HashMap<String, Option<String>> {
        match self {
            Self::Read(view) => view.partition_values_map(),
            Self::Added(add) => add.partition_values.clone(),
        }
    }

    pub fn add(&self) -> Add {
        match self {
            #[expect(deprecated, reason = "nothing else gives the tags")]
            Self::Read(view) => view.add_action(),
            Self::Added(add) => Add {
                // As the library has it for every file of a version.
                data_change: true,
                ..Add::clone(add)
            },
        }
    }
}

/// Where plans find the file that the log has at a decoded `path`.
pub fn located(path: &str, store: &TableStore) -> Path {
    store.locate(&Path::parse(path).unwrap_or_else(|_| Path::from(path)))
}

/// The same; a path that isn't below the table is left to the library to refuse.
pub fn located_below(path: &str, store: &TableStore) -> Option<Path> {
    let is_below = !path.starts_with('/') && Url::parse(path).is_err();
    is_below.then(|| located(path, store))
}
