//! The protocol of a commit, with the features that its table uses.

use serde_json::{Value, json};

use crate::commit::CommitRecord;
use crate::gate::MAX_WRITER_VERSION;

/// Adds what the library leaves out: other readers refuse a table whose metadata uses a feature that its protocol doesn't
/// list.
pub fn complete_protocol(record: &mut CommitRecord) {
    if !record.effects.changes_table {
        return;
    }
    let metadata = record.action("metaData").unwrap_or_default();
    let schema = metadata.get("schemaString").and_then(Value::as_str).unwrap_or_default();
    let requires_values = schema.contains(r#""nullable":false"#) || schema.contains("delta.invariants");
    let configuration = metadata.get("configuration").and_then(Value::as_object);
    let has = |prefix: &str| configuration.is_some_and(|found| found.keys().any(|key| key.starts_with(prefix)));
    let used = [
        ("invariants", requires_values),
        ("checkConstraints", has("delta.constraints.")),
        ("appendOnly", has("delta.appendOnly")),
        ("changeDataFeed", has("delta.enableChangeDataFeed")),
        ("generatedColumns", schema.contains("delta.generationExpression")),
    ];
    record.edit("protocol", |protocol| {
        let version = protocol
            .get("minWriterVersion")
            .and_then(Value::as_i64)
            .unwrap_or_default();
        if version >= i64::from(MAX_WRITER_VERSION) {
            let used = used.iter().filter(|(_, is_used)| *is_used).map(|(name, _)| *name);
            list(protocol, used);
        } else if has("delta.constraints.") && version < 3 {
            protocol["minWriterVersion"] = json!(3);
        }
    });
}

/// Adds features to those that a protocol lists for writers.
pub fn list<'a>(protocol: &mut Value, used: impl Iterator<Item = &'a str>) {
    let mut features = match protocol.get_mut("writerFeatures").map(Value::take) {
        Some(Value::Array(features)) => features,
        _ => Vec::new(),
    };
    for feature in used {
        if !features.contains(&json!(feature)) {
            features.push(json!(feature));
        }
    }
    protocol["writerFeatures"] = Value::Array(features);
}
