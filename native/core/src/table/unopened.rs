//! Why a table can't be opened, where its protocol tells.

use deltalake_core::logstore::commit_uri_from_version;
use object_store::ObjectStoreExt;
use serde::Deserialize;

use super::commit_log::commit_files;
use crate::error::{Error, Result};
use crate::gate::require_readable;
use crate::generated::{DeltaProtocolSnapshot, ErrorCode};
use crate::storage::TableStore;

/// The error with the features that are in the way, in place of what the library says of them.
pub async fn explain_unopened(store: &TableStore, error: Error) -> Error {
    let may_be_protocol = matches!(error.code, ErrorCode::TableUnsupported | ErrorCode::TableCorrupt);
    if !may_be_protocol || error.details.contains_key("obstacles") {
        return error;
    }
    match newest_protocol(store).await {
        Ok(Some(protocol)) => require_readable(&protocol).err().unwrap_or(error),
        // A log that can't be read is what the first error is about.
        Ok(None) | Err(_) => error,
    }
}

/// The protocol of the newest commit that has one; commits that were cleaned up are not looked for in checkpoints.
async fn newest_protocol(store: &TableStore) -> Result<Option<DeltaProtocolSnapshot>> {
    for (version, _) in commit_files(store, i64::MAX).await?.into_iter().rev() {
        let path = commit_uri_from_version(Some(version as u64));
        let bytes = store.log.object_store(None).get(&path).await?.bytes().await?;
        let lines = bytes.split(|byte| *byte == b'\n');
        let mut protocols = lines.filter_map(|line| serde_json::from_slice::<Line>(line).ok()?.protocol);
        if let Some(protocol) = protocols.next() {
            return Ok(Some(protocol.into()));
        }
    }
    Ok(None)
}

#[derive(Deserialize)]
struct Line {
    protocol: Option<Protocol>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Protocol {
    min_reader_version: i32,
    min_writer_version: i32,
    #[serde(default)]
    reader_features: Vec<String>,
    #[serde(default)]
    writer_features: Vec<String>,
}

impl From<Protocol> for DeltaProtocolSnapshot {
    fn from(protocol: Protocol) -> Self {
        Self {
            min_reader_version: Some(protocol.min_reader_version),
            min_writer_version: Some(protocol.min_writer_version),
            reader_features: protocol.reader_features,
            writer_features: protocol.writer_features,
        }
    }
}
