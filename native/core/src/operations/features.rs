//! Turns table features on.

use deltalake_core::kernel::TableFeatures;

use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::{Error, Result};
use crate::generated::{DeltaAddFeaturesRequest, ErrorCode};

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
    let done = task.commit(Isolation::Append, true, async |base| {
        let builder = base
            .table
            .add_feature()
            .with_features(features.clone())
            .with_allow_protocol_versions_increase(request.allow_protocol_versions_increase);
        builder.with_commit_properties(base.properties).await.map(drop)
    });
    Ok(done.await?.maintenance())
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
