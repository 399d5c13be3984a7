//! Deleting a table with its files: whatever interrupts it, what is left is the table as it was, or none.

use std::fs::{self, File};
use std::path::Path as Folder;
use std::sync::Arc;

use futures::{StreamExt, TryStreamExt};
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use uuid::Uuid;

use super::location::Location;
use super::table_store::TableStore;
use crate::error::Result;

const LOG: &str = "_delta_log";

impl TableStore {
    /// Deletes everything below the table's place.
    pub async fn purge(&self) -> Result<()> {
        match &self.location {
            Location::Folder(folder) => {
                let folder = folder.clone();
                tokio::task::spawn_blocking(move || remove_folder(&folder)).await?
            }
            Location::S3 { .. } => remove_objects(&self.log.object_store(None)).await,
        }
    }
}

/// The folder has no table's name any more before the first file goes; hidden folders aren't served.
fn remove_folder(folder: &Folder) -> Result<()> {
    let parent = folder.parent().unwrap_or(folder);
    let hidden = parent.join(format!(".purged-{}", Uuid::new_v4()));
    fs::rename(folder, &hidden)?;
    File::open(parent)?.sync_all()?;
    fs::remove_dir_all(hidden)?;
    Ok(())
}

/// The log goes first, its newest file before the others.
async fn remove_objects(store: &Arc<dyn ObjectStore>) -> Result<()> {
    let mut log: Vec<_> = store
        .list(Some(&Path::from(LOG)))
        .map_ok(|meta| meta.location)
        .try_collect()
        .await?;
    log.sort();
    for path in log.iter().rev() {
        store.delete(path).await?;
    }
    let rest = store.list(None).map_ok(|meta| meta.location).boxed();
    store.delete_stream(rest).try_collect::<Vec<_>>().await?;
    Ok(())
}
