//! What new commits do to the files of a table.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use delta_kernel::actions::deletion_vector::DeletionVectorDescriptor;
use deltalake_core::DeltaTableError;
use deltalake_core::kernel::{Add, Remove};
use object_store::path::Path;

use super::logged_file::located_below;
use crate::storage::TableStore;

/// What the log knows a file by: with another deletion vector it is another one.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct FileKey {
    pub location: Path,
    pub vector: Option<String>,
}

#[derive(Debug, Clone)]
pub enum FileAction {
    Add(Box<Add>),
    Remove(Box<Remove>),
}

pub struct FileChanges {
    /// Those that are still there, in the order in which a replay of the log finds them: newest first.
    pub added: Vec<Arc<Add>>,
    /// All that were added or removed; what an older commit says of them holds no more.
    pub named: HashSet<FileKey>,
}

impl FileChanges {
    /// None where a file isn't one of the table's own folder. `commits`: oldest first.
    pub fn of(commits: Vec<Vec<FileAction>>, store: &TableStore) -> Result<Option<Self>> {
        let mut changes = Self {
            added: Vec::new(),
            named: HashSet::new(),
        };
        for action in commits.into_iter().rev().flatten() {
            let Some(key) = action.key(store)? else {
                return Ok(None);
            };
            if changes.named.insert(key)
                && let FileAction::Add(add) = action
            {
                changes.added.push(Arc::from(add));
            }
        }
        Ok(Some(changes))
    }
}

impl FileAction {
    fn key(&self, store: &TableStore) -> Result<Option<FileKey>> {
        let (path, vector) = match self {
            Self::Add(add) => (&add.path, &add.deletion_vector),
            Self::Remove(remove) => (&remove.path, &remove.deletion_vector),
        };
        let vector = vector.clone().map(TryInto::try_into).transpose();
        let vector: Option<DeletionVectorDescriptor> = vector.map_err(DeltaTableError::from)?;
        let location = located_below(path, store);
        Ok(location.map(|location| FileKey {
            location,
            vector: vector.map(|vector| vector.unique_id()),
        }))
    }
}
