//! The bytes of many commits.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use delta_kernel::{DeltaResult, Error, FileMeta};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};

use super::log_folder::LogFolder;

/// Requests to a remote store at once.
const REQUESTS: usize = 64;
/// Bytes that are kept for who reads the same commits again.
const KEPT: usize = 64 << 20;

/// Read from the folder itself where there is one: an object store takes two hops to other threads for each file.
pub struct CommitFiles {
    folder: Option<LogFolder>,
    store: Arc<dyn ObjectStore>,
    kept: Mutex<Kept>,
}

/// By the names of the first and the last commit of those that were read together.
#[derive(Default)]
struct Kept {
    commits: HashMap<(String, String), Arc<Vec<Bytes>>>,
    bytes: usize,
}

impl CommitFiles {
    /// `folder`: where it is on this machine; `store`: by whole paths.
    pub fn new(folder: Option<LogFolder>, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            folder,
            store,
            kept: Mutex::default(),
        }
    }

    /// What need not be waited for where commits lie in a folder, or were read before. In the order of `files`.
    pub async fn fetched(&self, files: &[FileMeta]) -> DeltaResult<Option<Arc<Vec<Bytes>>>> {
        let kept = self
            .kept
            .lock()
            .expect("no holder panics")
            .commits
            .remove(&range(files));
        if let Some(kept) = kept.filter(|kept| kept.len() == files.len()) {
            return Ok(Some(kept));
        }
        if self.folder.is_some() {
            return Ok(None);
        }
        let requests = files.to_vec().into_iter().map(async |file| {
            let path = Path::from_url_path(file.location.path())?;
            Ok::<_, Error>(self.store.get(&path).await?.bytes().await?)
        });
        let commits = stream::iter(requests).buffered(REQUESTS).try_collect().await?;
        Ok(Some(self.keep(files, commits)))
    }

    /// Those of a folder.
    pub fn read(&self, files: &[FileMeta]) -> DeltaResult<Arc<Vec<Bytes>>> {
        let folder = self
            .folder
            .as_ref()
            .ok_or_else(|| Error::generic("The log is in no folder"))?;
        Ok(self.keep(files, read_files(folder, files)?))
    }

    /// For the second time, when they need not be read.
    fn keep(&self, files: &[FileMeta], commits: Vec<Bytes>) -> Arc<Vec<Bytes>> {
        let bytes = commits.iter().map(Bytes::len).sum::<usize>();
        let commits = Arc::new(commits);
        let mut kept = self.kept.lock().expect("no holder panics");
        if kept.bytes + bytes <= KEPT {
            kept.bytes += bytes;
            kept.commits.insert(range(files), commits.clone());
        }
        commits
    }
}

fn range(files: &[FileMeta]) -> (String, String) {
    let named = |file: Option<&FileMeta>| file.map(|file| file.location.to_string()).unwrap_or_default();
    (named(files.first()), named(files.last()))
}

fn read_files(folder: &LogFolder, files: &[FileMeta]) -> DeltaResult<Vec<Bytes>> {
    let read = files.iter().map(|file| match folder.read(name(file)) {
        Ok(bytes) => Ok(Bytes::from(bytes)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Err(Error::file_not_found(&file.location)),
        Err(error) => Err(error.into()),
    });
    read.collect()
}

fn name(file: &FileMeta) -> &str {
    file.location.path().rsplit('/').next().unwrap_or_default()
}

/// Whether the file is one of a single version.
pub fn is_commit(file: &FileMeta) -> bool {
    let digits = name(file).strip_suffix(".json").unwrap_or_default();
    digits.len() == 20 && digits.bytes().all(|digit| digit.is_ascii_digit())
}
