//! The local file system, with writes that survive a loss of power.

use std::collections::HashSet;
use std::fmt;
use std::fs::File;
use std::io::Write;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::{Path as FilePath, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use futures::TryFutureExt;
use futures::future::{try_join, try_join_all};
use futures::stream::BoxStream;
use object_store::local::LocalFileSystem;
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore, ObjectStoreExt,
    PutMode, PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result, UploadPart,
};
use tempfile::{Builder, NamedTempFile};
use tokio::task::spawn_blocking;

/// What unfinished files are called; nothing that lists a table takes them for its own.
pub const UNFINISHED: &str = ".lakegate-";

/// So many bytes are read sooner than another thread takes that up.
const READ_AT_ONCE: u64 = 256 << 10;

/// A file is there once all of it is on the disk, and its folder too: `LocalFileSystem` leaves both to the system.
///
/// Data files are brought there together, by the next file of the log: the commit that names them.
#[derive(Debug, Clone, Default)]
pub struct DurableStore {
    inner: Arc<LocalFileSystem>,
    unsynced: Arc<Unsynced>,
}

#[derive(Debug, Default)]
struct Unsynced {
    files: Mutex<HashSet<PathBuf>>,
    /// Held while files are brought to the disk: whoever finds none left must not go on before they are there.
    syncing: tokio::sync::Mutex<()>,
    /// Folders whose own entries are on the disk.
    folders: Mutex<HashSet<PathBuf>>,
}

impl Unsynced {
    fn add(&self, file: PathBuf) {
        self.files.lock().expect("no holder panics").insert(file);
    }

    /// Brings all files to the disk that were added until now; those that can't be brought there stay.
    async fn sync(self: &Arc<Self>) -> std::io::Result<()> {
        let _alone = self.syncing.lock().await;
        let files = std::mem::take(&mut *self.files.lock().expect("no holder panics"));
        let syncing = files.iter().cloned().map(|file| {
            let unsynced = self.clone();
            spawn_blocking(move || match sync_file(&file) {
                Ok(()) => unsynced.sync_above(&file),
                // Whoever wrote it has given it up.
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
                Err(error) => Err(error),
            })
        });
        let synced = try_join_all(syncing).await.map_err(std::io::Error::other);
        let synced = synced.and_then(|results| results.into_iter().collect());
        if synced.is_err() {
            self.files.lock().expect("no holder panics").extend(files);
        }
        synced
    }

    /// Makes the entry of `file` durable, and those of the folders above it that are new.
    fn sync_above(&self, file: &FilePath) -> std::io::Result<()> {
        let mut folder = file.parent();
        while let Some(path) = folder {
            sync_file(path)?;
            let is_new = self.folders.lock().expect("no holder panics").insert(path.to_owned());
            folder = is_new.then(|| path.parent()).flatten();
        }
        Ok(())
    }
}

fn sync_file(path: &FilePath) -> std::io::Result<()> {
    File::open(path)?.sync_all()
}

impl DurableStore {
    async fn blocking<T: Send + 'static>(
        &self,
        path: &Path,
        work: impl FnOnce(&FilePath) -> std::io::Result<T> + Send + 'static,
    ) -> Result<T> {
        let file = self.inner.path_to_filesystem(path)?;
        let done = spawn_blocking(move || work(&file)).await?;
        done.map_err(|error| store_error(path, error))
    }
}

/// Parts of a file, read without another thread; whoever reads them anew is told why they can't be.
fn read_parts(file: &FilePath, ranges: &[Range<u64>]) -> std::io::Result<Vec<Bytes>> {
    let file = File::open(file)?;
    let parts = ranges.iter().map(|range| {
        let mut part = vec![0; (range.end - range.start) as usize];
        file.read_exact_at(&mut part, range.start)?;
        Ok(part.into())
    });
    parts.collect()
}

fn is_of_log(path: &Path) -> bool {
    path.parts().any(|part| part.as_ref() == "_delta_log")
}

fn store_error(path: &Path, error: std::io::Error) -> Error {
    let (path, source) = (path.to_string(), Box::new(error));
    match source.kind() {
        std::io::ErrorKind::AlreadyExists => Error::AlreadyExists { path, source },
        std::io::ErrorKind::PermissionDenied => Error::PermissionDenied { path, source },
        _ => Error::Generic {
            store: "DurableStore",
            source,
        },
    }
}

/// Writes a file under another name, to be given its own once it is on the disk.
fn write_unfinished(file: &FilePath, payload: &PutPayload) -> std::io::Result<NamedTempFile> {
    let folder = file.parent().unwrap_or(FilePath::new("/"));
    std::fs::create_dir_all(folder)?;
    let mut unfinished = Builder::new().prefix(UNFINISHED).tempfile_in(folder)?;
    for part in payload.iter() {
        unfinished.write_all(part)?;
    }
    let permissions = std::os::unix::fs::PermissionsExt::from_mode(0o644);
    unfinished.as_file().set_permissions(permissions)?;
    unfinished.as_file().sync_all()?;
    Ok(unfinished)
}

fn give_name(unfinished: NamedTempFile, file: &FilePath, mode: &PutMode, unsynced: &Unsynced) -> std::io::Result<()> {
    match mode {
        PutMode::Create => unfinished.persist_noclobber(file)?,
        _ => unfinished.persist(file)?,
    };
    unsynced.sync_above(file)
}

impl fmt::Display for DurableStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DurableStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for DurableStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        if matches!(options.mode, PutMode::Update(_)) {
            return self.inner.put_opts(path, payload, options).await;
        }
        if !is_of_log(path) {
            let written = self.inner.put_opts(path, payload, options).await?;
            self.unsynced.add(self.inner.path_to_filesystem(path)?);
            return Ok(written);
        }
        let mode = options.mode;
        let synced = self.unsynced.sync().map_err(|error| store_error(path, error));
        let writing = self.blocking(path, move |file| write_unfinished(file, &payload));
        let (_, unfinished) = try_join(synced, writing).await?;
        let unsynced = self.unsynced.clone();
        self.blocking(path, move |file| give_name(unfinished, file, &mode, &unsynced))
            .await?;
        let written = self.inner.head(path).await?;
        Ok(PutResult {
            e_tag: written.e_tag,
            version: None,
        })
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        Ok(Box::new(DurableUpload {
            inner: self.inner.put_multipart_opts(path, options).await?,
            store: self.clone(),
            path: path.clone(),
        }))
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        let mut lengths = ranges.iter().map(|range| range.end.checked_sub(range.start));
        let length = lengths.try_fold(0, |sum: u64, length| sum.checked_add(length?));
        if length.is_some_and(|length| length <= READ_AT_ONCE)
            && let Ok(parts) = read_parts(&self.inner.path_to_filesystem(path)?, ranges)
        {
            return Ok(parts);
        }
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        self.inner.delete_stream(paths)
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list(prefix)
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        self.inner.list_with_offset(prefix, offset)
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.inner.rename_opts(from, to, options).await
    }
}

#[derive(Debug)]
struct DurableUpload {
    inner: Box<dyn MultipartUpload>,
    store: DurableStore,
    path: Path,
}

#[async_trait]
impl MultipartUpload for DurableUpload {
    fn put_part(&mut self, data: PutPayload) -> UploadPart {
        self.inner.put_part(data)
    }

    async fn complete(&mut self) -> Result<PutResult> {
        let written = self.inner.complete().await?;
        self.store
            .unsynced
            .add(self.store.inner.path_to_filesystem(&self.path)?);
        Ok(written)
    }

    async fn abort(&mut self) -> Result<()> {
        self.inner.abort().await
    }
}
