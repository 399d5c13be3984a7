//! Turns table features on.

use deltalake_core::kernel::TableFeatures;
use serde_json::Value;

use super::protocol::list;
use super::report::Report;
use super::task::{Base, Task};
use crate::commit::{CommitRecord, Isolation};
use crate::error::{Error, Result};
use crate::gate::{IMPLIED_FOR_WRITERS, MAX_WRITER_VERSION};
use crate::generated::{DeltaAddFeaturesRequest, DeltaProtocolSnapshot, ErrorCode};

/// Features that leave a table writable by this engine.
const ALLOWED: [&str; 10] = [
    "appendOnly",
    "changeDataFeed",
    "checkConstraints",
    "columnMapping",
    "deletionVectors",
    "generatedColumns",
    "invariants",
    "timestampNtz",
    "v2Checkpoint",
    "variantType",
];

pub async fn add_features(task: &Task, request: &DeltaAddFeaturesRequest) -> Result<Report> {
    let features: Result<Vec<TableFeatures>> = request.features.iter().map(|name| feature(name)).collect();
    let features = features?;
    let newest = task.table.snapshot(None).await?;
    let implied = implied_features(&newest.protocol());
    let plan = async |base: Base| {
        let builder = base
            .table()
            .await?
            .add_feature()
            .with_features(features.clone())
            .with_allow_protocol_versions_increase(request.allow_protocol_versions_increase);
        builder.with_commit_properties(base.properties).await.map(drop)
    };
    let done = task.commit_edited(Isolation::Append, true, plan, |record| add_implied(record, &implied));
    Ok(done.await?.maintenance())
}

/// The features that a protocol without a list stands for by its writer version.
fn implied_features(protocol: &DeltaProtocolSnapshot) -> Vec<&'static str> {
    let version = protocol
        .min_writer_version
        .filter(|version| *version < MAX_WRITER_VERSION)
        .unwrap_or_default();
    IMPLIED_FOR_WRITERS
        .iter()
        .filter(|(since, _)| *since <= version)
        .map(|(_, name)| *name)
        .collect()
}

/// A protocol that lists its features lists those that the table had before too.
fn add_implied(record: &mut CommitRecord, implied: &[&str]) {
    record.edit("protocol", |protocol| {
        if protocol.get("writerFeatures").is_some_and(Value::is_array) {
            list(protocol, implied.iter().copied());
        }
    });
}

fn feature(name: &str) -> Result<TableFeatures> {
    if let Some(feature) = ALLOWED.contains(&name).then(|| name.parse().ok()).flatten() {
        return Ok(feature);
    }
    let message = format!(
        "The feature {name} can't be turned on: this engine could not write the table any more, and a feature is never \
         turned off. Features: {}",
        ALLOWED.join(", ")
    );
    Err(Error::new(ErrorCode::PropertyNotAllowed, message).with("feature", name))
}
