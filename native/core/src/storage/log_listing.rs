//! Lists a log in a folder of this machine for the kernel.

use std::sync::Arc;

use bytes::Bytes;
use delta_kernel::{DeltaResult, FileMeta, FileSlice, StorageHandler};
use object_store::path::Path;
use url::Url;

use super::log_folder::LogFolder;

/// The library's handler hands file after file from another thread, which takes most of the time of opening a long log.
pub struct LogListing {
    inner: Arc<dyn StorageHandler>,
    folder: LogFolder,
    /// As the store has it.
    path: Path,
}

impl LogListing {
    /// `root`: the table's, as the store has it.
    pub fn new(inner: Arc<dyn StorageHandler>, folder: LogFolder, root: &Path) -> Self {
        Self {
            inner,
            folder,
            path: root.clone().join("_delta_log"),
        }
    }
}

impl StorageHandler for LogListing {
    fn list_from(&self, path: &Url) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<FileMeta>>>> {
        let first = path.path().rsplit_once("/_delta_log/").map(|(_, name)| name);
        // What is wrong with the folder the library says in its own words.
        let (Some(first), Ok(Some(files))) = (first, self.folder.list()) else {
            return self.inner.list_from(path);
        };
        let after = files.into_iter().filter(|file| file.name.as_str() > first);
        let listed = after.map(|file| {
            let mut location = path.clone();
            location.set_path(&format!("/{}/{}", self.path, file.name));
            FileMeta::new(location, file.modified.timestamp_millis(), file.size)
        });
        let listed: Vec<_> = listed.map(Ok).collect();
        Ok(Box::new(listed.into_iter()))
    }

    fn read_files(&self, files: Vec<FileSlice>) -> DeltaResult<Box<dyn Iterator<Item = DeltaResult<Bytes>>>> {
        self.inner.read_files(files)
    }

    fn copy_atomic(&self, from: &Url, to: &Url) -> DeltaResult<()> {
        self.inner.copy_atomic(from, to)
    }

    fn put(&self, path: &Url, data: Bytes, overwrite: bool) -> DeltaResult<()> {
        self.inner.put(path, data, overwrite)
    }

    fn head(&self, path: &Url) -> DeltaResult<FileMeta> {
        self.inner.head(path)
    }

    fn delete(&self, path: &Url) -> DeltaResult<()> {
        self.inner.delete(path)
    }
}
