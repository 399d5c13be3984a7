//! An object store that answers for one table's folder only.

use std::fmt;
use std::ops::Range;
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::{self, BoxStream};
use futures::{StreamExt, TryFutureExt, TryStreamExt};
use object_store::path::Path;
use object_store::{
    CopyOptions, Error, GetOptions, GetResult, ListResult, MultipartUpload, ObjectMeta, ObjectStore,
    PutMultipartOptions, PutOptions, PutPayload, PutResult, RenameOptions, Result,
};

use crate::error;
use crate::generated::ErrorCode;

/// Refuses every path outside `root`: a table's log may name files anywhere, and the library follows it.
#[derive(Debug)]
pub struct RootedStore {
    inner: Arc<dyn ObjectStore>,
    root: Path,
    sorts: bool,
}

impl RootedStore {
    /// `sorts`: whether lists of `inner` come in any order.
    pub fn new(inner: Arc<dyn ObjectStore>, root: Path, sorts: bool) -> Self {
        Self { inner, root, sorts }
    }

    fn check(&self, path: &Path) -> Result<()> {
        if path.prefix_matches(&self.root) {
            return Ok(());
        }
        let message = "The table's log names a file outside the table's folder";
        Err(Error::Generic {
            store: "table",
            source: Box::new(error::Error::new(ErrorCode::LocationNotAllowed, message)),
        })
    }

    /// The kernel takes lists to be in order, and sorts them itself only for `file://`.
    fn in_order(&self, list: BoxStream<'static, Result<ObjectMeta>>) -> BoxStream<'static, Result<ObjectMeta>> {
        if !self.sorts {
            return list;
        }
        let sorted = list.try_collect::<Vec<_>>().map_ok(|mut files| {
            files.sort_unstable_by(|one, other| one.location.cmp(&other.location));
            stream::iter(files.into_iter().map(Ok))
        });
        sorted.try_flatten_stream().boxed()
    }

    fn check_prefix(&self, prefix: Option<&Path>) -> Result<()> {
        self.check(prefix.unwrap_or(&Path::default()))
    }
}

impl fmt::Display for RootedStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RootedStore({})", self.inner)
    }
}

#[async_trait]
impl ObjectStore for RootedStore {
    async fn put_opts(&self, path: &Path, payload: PutPayload, options: PutOptions) -> Result<PutResult> {
        self.check(path)?;
        self.inner.put_opts(path, payload, options).await
    }

    async fn put_multipart_opts(&self, path: &Path, options: PutMultipartOptions) -> Result<Box<dyn MultipartUpload>> {
        self.check(path)?;
        self.inner.put_multipart_opts(path, options).await
    }

    async fn get_opts(&self, path: &Path, options: GetOptions) -> Result<GetResult> {
        self.check(path)?;
        self.inner.get_opts(path, options).await
    }

    async fn get_ranges(&self, path: &Path, ranges: &[Range<u64>]) -> Result<Vec<Bytes>> {
        self.check(path)?;
        self.inner.get_ranges(path, ranges).await
    }

    fn delete_stream(&self, paths: BoxStream<'static, Result<Path>>) -> BoxStream<'static, Result<Path>> {
        let root = Self::new(self.inner.clone(), self.root.clone(), self.sorts);
        let checked = paths.map(move |path| path.and_then(|path| root.check(&path).map(|()| path)));
        self.inner.delete_stream(checked.boxed())
    }

    fn list(&self, prefix: Option<&Path>) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check_prefix(prefix) {
            Ok(()) => self.in_order(self.inner.list(prefix)),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    fn list_with_offset(&self, prefix: Option<&Path>, offset: &Path) -> BoxStream<'static, Result<ObjectMeta>> {
        match self.check_prefix(prefix) {
            Ok(()) => self.in_order(self.inner.list_with_offset(prefix, offset)),
            Err(error) => stream::iter([Err(error)]).boxed(),
        }
    }

    async fn list_with_delimiter(&self, prefix: Option<&Path>) -> Result<ListResult> {
        self.check_prefix(prefix)?;
        self.inner.list_with_delimiter(prefix).await
    }

    async fn copy_opts(&self, from: &Path, to: &Path, options: CopyOptions) -> Result<()> {
        self.check(from)?;
        self.check(to)?;
        self.inner.copy_opts(from, to, options).await
    }

    async fn rename_opts(&self, from: &Path, to: &Path, options: RenameOptions) -> Result<()> {
        self.check(from)?;
        self.check(to)?;
        self.inner.rename_opts(from, to, options).await
    }
}
