//! Turns table features on.

use deltalake_core::kernel::TableFeatures;
use serde_json::{Value, json};

use super::report::Report;
use super::task::{Base, Task};
use crate::commit::{CommitRecord, Isolation};
use crate::error::{Error, Result};
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
            .table
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
    const SINCE: [(i32, &str); 6] = [
        (2, "appendOnly"),
        (2, "invariants"),
        (3, "checkConstraints"),
        (4, "changeDataFeed"),
        (4, "generatedColumns"),
        (5, "columnMapping"),
    ];
    let version = protocol
        .min_writer_version
        .filter(|version| *version < 7)
        .unwrap_or_default();
    SINCE
        .iter()
        .filter(|(since, _)| *since <= version)
        .map(|(_, name)| *name)
        .collect()
}

/// A protocol that lists its features lists those that the table had before too.
fn add_implied(record: &mut CommitRecord, implied: &[&str]) {
    record.edit("protocol", |protocol| {
        if let Some(features) = protocol.get_mut("writerFeatures").and_then(Value::as_array_mut) {
            for name in implied {
                if !features.contains(&json!(name)) {
                    features.push(json!(name));
                }
            }
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
