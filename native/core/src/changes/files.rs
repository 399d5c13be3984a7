//! Whether the files that hold changes are still there.

use deltalake_core::kernel::DeletionVectorDescriptor;
use futures::{StreamExt, TryStreamExt, stream};
use object_store::ObjectStoreExt;
use object_store::path::Path;

use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::storage::TableStore;
use crate::table::{Commit, CommitFile};

/// Files asked for at once.
const AHEAD: usize = 32;

/// Refuses commits of which a file was vacuumed: found while rows are sent already, it would break the answer.
pub async fn require_files(store: &TableStore, commits: &[(i64, Commit)]) -> Result<()> {
    let mut files = Vec::new();
    for (version, commit) in commits {
        for file in holding_changes(commit) {
            files.push((*version, data_file(file)?));
            files.extend(deletion_vector(store, file)?.map(|path| (*version, path)));
        }
    }
    let looks = files
        .into_iter()
        .map(|(version, path)| async move { look(store, version, &path).await });
    stream::iter(looks).buffer_unordered(AHEAD).try_collect().await
}

/// The changes themselves where they were written, else the files that rows came in and went with.
fn holding_changes(commit: &Commit) -> &[CommitFile] {
    match commit.recorded.is_empty() {
        true => &commit.changed,
        false => &commit.recorded,
    }
}

fn data_file(file: &CommitFile) -> Result<Path> {
    Ok(Path::from_url_path(&file.path).map_err(object_store::Error::from)?)
}

/// The file of the rows that are deleted, below the table.
fn deletion_vector(store: &TableStore, file: &CommitFile) -> Result<Option<Path>> {
    let Some(vector) = &file.deletion_vector else {
        return Ok(None);
    };
    let url = kernel_vector(vector).and_then(|vector| vector.absolute_path(store.url()));
    let url = url.map_err(|error| Error::new(ErrorCode::TableCorrupt, error.to_string()))?;
    let below = url
        .as_ref()
        .and_then(|url| url.as_str().strip_prefix(store.url().as_str()));
    match below {
        Some(below) => Ok(Some(Path::from_url_path(below).map_err(object_store::Error::from)?)),
        None => Ok(None),
    }
}

fn kernel_vector(
    vector: &DeletionVectorDescriptor,
) -> Result<delta_kernel::actions::deletion_vector::DeletionVectorDescriptor, delta_kernel::Error> {
    vector.clone().try_into()
}

async fn look(store: &TableStore, version: i64, path: &Path) -> Result<()> {
    match store.log.object_store(None).head(path).await {
        Ok(_) => Ok(()),
        Err(object_store::Error::NotFound { .. }) => {
            let message = format!("The changes of version {version} are gone: the file {path} was vacuumed");
            Err(Error::new(ErrorCode::ChangeDataExpired, message).with("version", version))
        }
        Err(error) => Err(error.into()),
    }
}
