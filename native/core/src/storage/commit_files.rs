//! The bytes of many commits.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use delta_kernel::{DeltaResult, Error, FileMeta};
use futures::{StreamExt, TryStreamExt, stream};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use tokio::task::spawn_blocking;

/// Requests to a remote store at once.
const REQUESTS: usize = 64;
/// Bytes that are kept for who reads the same commits again.
const KEPT: usize = 64 << 20;

/// Read from the folder itself where there is one: an object store takes two hops to other threads for each file.
pub struct CommitFiles {
    folder: Option<PathBuf>,
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
    /// `folder`: the table's, on this machine; `store`: by whole paths.
    pub fn new(folder: Option<PathBuf>, store: Arc<dyn ObjectStore>) -> Self {
        Self {
            folder,
            store,
            kept: Mutex::default(),
        }
    }

    /// In the order of `files`; the second time they need not be read.
    pub async fn read(&self, files: Vec<FileMeta>) -> DeltaResult<Arc<Vec<Bytes>>> {
        let named = |file: Option<&FileMeta>| file.map(|file| file.location.to_string()).unwrap_or_default();
        let range = (named(files.first()), named(files.last()));
        let kept = self.kept.lock().expect("no holder panics").commits.remove(&range);
        if let Some(kept) = kept.filter(|kept| kept.len() == files.len()) {
            return Ok(kept);
        }
        let commits = Arc::new(match self.folder.clone() {
            Some(folder) => spawn_blocking(move || read_files(&folder.join("_delta_log"), &files))
                .await
                .map_err(Error::generic_err)??,
            None => self.request(files).await?,
        });
        let bytes = commits.iter().map(Bytes::len).sum::<usize>();
        let mut kept = self.kept.lock().expect("no holder panics");
        if kept.bytes + bytes <= KEPT {
            kept.bytes += bytes;
            kept.commits.insert(range, commits.clone());
        }
        Ok(commits)
    }

    async fn request(&self, files: Vec<FileMeta>) -> DeltaResult<Vec<Bytes>> {
        let requests = files.into_iter().map(async |file| {
            let path = Path::from_url_path(file.location.path())?;
            Ok::<_, Error>(self.store.get(&path).await?.bytes().await?)
        });
        stream::iter(requests).buffered(REQUESTS).try_collect().await
    }
}

fn read_files(log: &std::path::Path, files: &[FileMeta]) -> DeltaResult<Vec<Bytes>> {
    let read = files.iter().map(|file| match std::fs::read(log.join(name(file))) {
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
