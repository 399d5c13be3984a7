//! Whether this engine reads and writes a table, feature by feature.

use std::collections::BTreeMap;

use serde_json::json;

use super::features::{FEATURES, IMPLIED_FOR_WRITERS, MAX_READER_VERSION, MAX_WRITER_VERSION, support_of};
use crate::error::{Error, Result};
use crate::generated::{
    DeltaProtocolSnapshot, DeltaProtocolSupport, EngineSupport, ErrorCode, FeatureSupport, TableAccess,
};

/// What this engine covers.
pub fn engine_support() -> EngineSupport {
    let features: Vec<_> = FEATURES
        .iter()
        .map(|row| support_of(row.name, row.binds_readers))
        .collect();
    let names = |wanted: fn(&FeatureSupport) -> bool, readers: bool| {
        let rows = FEATURES.iter().zip(&features);
        let kept = rows.filter(|(row, support)| wanted(support) && (row.binds_readers || !readers));
        kept.map(|(row, _)| row.name.to_owned()).collect()
    };
    EngineSupport {
        support: DeltaProtocolSupport {
            max_reader_version: Some(MAX_READER_VERSION),
            max_writer_version: Some(MAX_WRITER_VERSION),
            supported_reader_features: names(|support| support.readable, true),
            supported_writer_features: names(|support| support.writable, false),
        },
        features,
    }
}

/// What this engine does with a table of the protocol.
pub fn access(protocol: &DeltaProtocolSnapshot) -> TableAccess {
    let obstacles: Vec<_> = features(protocol)
        .into_iter()
        .map(|(feature, binds_readers)| support_of(feature, binds_readers))
        .filter(|support| !support.readable || !support.writable)
        .collect();
    let versions = protocol.min_reader_version <= Some(MAX_READER_VERSION);
    let readable = versions && obstacles.iter().all(|obstacle| obstacle.readable);
    TableAccess {
        readable,
        writable: readable && obstacles.is_empty() && protocol.min_writer_version <= Some(MAX_WRITER_VERSION),
        obstacles,
    }
}

/// Refuses a table whose rows can't be read; `details` name every feature that is in the way, with the reason.
pub fn require_readable(protocol: &DeltaProtocolSnapshot) -> Result<()> {
    let access = access(protocol);
    if access.readable {
        return Ok(());
    }
    let blocking = access.obstacles.into_iter().filter(|obstacle| !obstacle.readable);
    Err(refused(
        ErrorCode::TableUnsupported,
        "read",
        protocol,
        blocking.collect(),
    ))
}

/// Refuses a table that can't be written; `details` name every feature that is in the way, with the reason.
pub fn require_writable(protocol: &DeltaProtocolSnapshot) -> Result<()> {
    let access = access(protocol);
    if access.writable {
        return Ok(());
    }
    Err(refused(
        ErrorCode::TableNotWritable,
        "write",
        protocol,
        access.obstacles,
    ))
}

fn refused(code: ErrorCode, verb: &str, protocol: &DeltaProtocolSnapshot, obstacles: Vec<FeatureSupport>) -> Error {
    let names: Vec<_> = obstacles.iter().map(|obstacle| obstacle.feature.clone()).collect();
    let message = match names.is_empty() {
        true => format!(
            "The table's protocol versions are {} and {}; Lakegate can {verb} up to {MAX_READER_VERSION} and {MAX_WRITER_VERSION}",
            protocol.min_reader_version.unwrap_or_default(),
            protocol.min_writer_version.unwrap_or_default()
        ),
        false => format!(
            "The table uses features that Lakegate can't {verb}: {}",
            names.join(", ")
        ),
    };
    Error::new(code, message)
        .with("features", names)
        .with("obstacles", json!(obstacles))
}

/// The features by name and whether readers must know them: those listed, or those that the versions imply.
fn features(protocol: &DeltaProtocolSnapshot) -> BTreeMap<&str, bool> {
    let writer_version = protocol.min_writer_version.unwrap_or_default();
    let mut features: BTreeMap<&str, bool> = BTreeMap::new();
    if writer_version < MAX_WRITER_VERSION {
        let implied = IMPLIED_FOR_WRITERS.iter().filter(|(from, _)| *from <= writer_version);
        features.extend(implied.map(|(_, name)| (*name, false)));
    }
    features.extend(protocol.writer_features.iter().map(|name| (name.as_str(), false)));
    features.extend(protocol.reader_features.iter().map(|name| (name.as_str(), true)));
    features
}
