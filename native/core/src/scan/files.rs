//! The data files of a table at one version.

use std::collections::HashMap;
use std::sync::Arc;

use datafusion::common::Result;
use deltalake_core::kernel::EagerSnapshot;

use super::columns::Columns;
use super::deleted_rows::DeletedRows;
use super::file_changes::{FileChanges, FileKey};
use super::file_part::{DataFile, FilePart};
use super::logged_file::LoggedFile;
use crate::storage::TableStore;

/// Files that commits may have added, or all that the library read, before the library reads the log again.
const ADDED: usize = 1024;

/// In parts that versions share: what the library read of a version, and what was added since, newest first.
#[derive(Debug)]
pub struct DataFiles {
    parts: Vec<Part>,
}

#[derive(Debug, Clone)]
struct Part {
    files: Arc<FilePart>,
    /// Which of them are still there; all when there is none.
    left: Option<Arc<Vec<bool>>>,
    count: usize,
}

/// A file by its part and its row there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileIndex {
    pub part: usize,
    pub row: usize,
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
        let read = FilePart::read(state, columns, store, known)?;
        Ok(read.map(|read| Self {
            parts: vec![Part::whole(read)],
        }))
    }

    /// None where a file isn't one that is read as the others are, or so many came that they are to be read together.
    pub fn advanced(&self, changes: &FileChanges, columns: &Columns, store: &TableStore) -> Result<Option<Self>> {
        let mut parts = self.parts.clone();
        for key in &changes.named {
            // It is in one of them at most.
            let _ = parts.iter_mut().any(|part| part.remove(key));
        }
        if !changes.added.is_empty() {
            let Some(added) = FilePart::added(changes.added.clone(), columns, store)? else {
                return Ok(None);
            };
            parts.insert(0, Part::whole(added));
        }
        parts.retain(|part| part.count > 0);
        while let [newer, older, ..] = parts.as_slice()
            && newer.is_added()
            && older.is_added()
            && older.count <= 2 * newer.count
        {
            let merged = FilePart::merged(&[newer.files_left(), older.files_left()], columns)?;
            parts.drain(..2);
            parts.insert(0, Part::whole(merged));
        }
        let count = |added: bool| -> usize {
            let parts = parts.iter().filter(|part| part.is_added() == added);
            parts.map(|part| part.count).sum()
        };
        let is_small = count(true) <= count(false).max(ADDED);
        Ok(is_small.then_some(Self { parts }))
    }

    /// The same files as other columns; none where they can't be.
    pub fn with_columns(&self, columns: &Columns, store: &TableStore) -> Result<Option<Self>> {
        let parts = self.parts.iter().map(|part| {
            let files = part.files.with_columns(columns, store)?;
            Ok(files.map(|files| Part {
                files: Arc::new(files),
                ..part.clone()
            }))
        });
        let parts: Option<Vec<_>> = parts.collect::<Result<_>>()?;
        Ok(parts.map(|parts| Self { parts }))
    }

    pub fn len(&self) -> usize {
        self.parts.iter().map(|part| part.count).sum()
    }

    pub fn parts(&self) -> impl Iterator<Item = &FilePart> {
        self.parts.iter().map(|part| part.files.as_ref())
    }

    pub fn part(&self, index: FileIndex) -> &FilePart {
        &self.parts[index.part].files
    }

    pub fn file(&self, index: FileIndex) -> &Arc<DataFile> {
        &self.part(index).files[index.row]
    }

    /// Of one part.
    pub fn indices(&self, part: usize) -> impl Iterator<Item = FileIndex> + '_ {
        let rows = self.parts[part].rows();
        rows.map(move |row| FileIndex { part, row })
    }

    pub fn all(&self) -> impl Iterator<Item = FileIndex> + '_ {
        (0..self.parts.len()).flat_map(|part| self.indices(part))
    }

    pub fn logged(&self) -> impl Iterator<Item = LoggedFile> + '_ {
        self.parts.iter().flat_map(|part| {
            let logged = part.files.logged().enumerate();
            logged.filter(|(row, _)| part.has(*row)).map(|(_, file)| file)
        })
    }

    pub fn rows_of(&self, index: FileIndex) -> Option<usize> {
        self.part(index).statistics.rows_of(index.row)
    }

    /// The rows of a file that aren't deleted.
    pub fn rows_left(&self, index: FileIndex) -> Option<usize> {
        self.part(index).rows_left(index.row)
    }

    pub fn by_location(&self) -> HashMap<&str, FileIndex> {
        let files = self.all();
        files
            .map(|index| (self.file(index).object.location.as_ref(), index))
            .collect()
    }
}

impl Part {
    fn whole(files: FilePart) -> Self {
        Self {
            count: files.files.len(),
            files: Arc::new(files),
            left: None,
        }
    }

    fn is_added(&self) -> bool {
        self.files.is_added()
    }

    fn has(&self, row: usize) -> bool {
        self.left.as_ref().is_none_or(|left| left[row])
    }

    fn rows(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.files.files.len()).filter(|row| self.has(*row))
    }

    fn files_left(&self) -> (&FilePart, Vec<usize>) {
        (&self.files, self.rows().collect())
    }

    /// Whether the file was here.
    fn remove(&mut self, key: &FileKey) -> bool {
        let Some(row) = self.files.row_of(key).filter(|row| self.has(*row)) else {
            return false;
        };
        let all = self.files.files.len();
        let left = self.left.get_or_insert_with(|| Arc::new(vec![true; all]));
        Arc::make_mut(left)[row] = false;
        self.count -= 1;
        true
    }
}

impl DataFile {
    pub fn key(&self) -> FileKey {
        let vector = self.deleted.as_ref().map(DeletedRows::vector);
        FileKey {
            location: self.object.location.clone(),
            vector: vector.map(|vector| vector.unique_id()),
        }
    }
}
