//! Whether an engine covers a protocol: the opposite direction of a gate.

use crate::generated::{DeltaProtocolCompatibility, DeltaProtocolSnapshot, DeltaProtocolSupport};

/// Compares what `protocol` requires with what is supported. Without a support nothing is decided; without a protocol
/// there is nothing to cover. A version that one of them doesn't name is not compared.
pub fn protocol_compatibility(
    protocol: &DeltaProtocolSnapshot,
    support: &DeltaProtocolSupport,
) -> DeltaProtocolCompatibility {
    let stated = DeltaProtocolCompatibility {
        required_reader_version: protocol.min_reader_version,
        supported_reader_version: support.max_reader_version,
        required_writer_version: protocol.min_writer_version,
        supported_writer_version: support.max_writer_version,
        required_reader_features: protocol.reader_features.clone(),
        supported_reader_features: support.supported_reader_features.clone(),
        required_writer_features: protocol.writer_features.clone(),
        supported_writer_features: support.supported_writer_features.clone(),
        ..Default::default()
    };
    if *support == DeltaProtocolSupport::default() {
        return undecided(stated, None, "support_unconfigured");
    }
    if *protocol == DeltaProtocolSnapshot::default() {
        return undecided(stated, Some(true), "protocol_unavailable");
    }
    compared(stated)
}

fn undecided(
    mut answer: DeltaProtocolCompatibility,
    compatible: Option<bool>,
    reason: &str,
) -> DeltaProtocolCompatibility {
    answer.compatible = compatible;
    answer.reason = Some(reason.to_owned());
    answer
}

fn compared(mut answer: DeltaProtocolCompatibility) -> DeltaProtocolCompatibility {
    answer.missing_reader_features = missing(&answer.required_reader_features, &answer.supported_reader_features);
    answer.missing_writer_features = missing(&answer.required_writer_features, &answer.supported_writer_features);
    let reader_ok = covers(answer.supported_reader_version, answer.required_reader_version);
    let writer_ok = covers(answer.supported_writer_version, answer.required_writer_version);
    let features_ok = answer.missing_reader_features.is_empty() && answer.missing_writer_features.is_empty();
    let reasons = [
        (reader_ok, "reader_version"),
        (writer_ok, "writer_version"),
        (features_ok, "missing_features"),
    ];
    answer.reader_version_ok = Some(reader_ok);
    answer.writer_version_ok = Some(writer_ok);
    answer.feature_support_ok = Some(features_ok);
    answer.compatible = Some(reader_ok && writer_ok && features_ok);
    answer.reason = reasons
        .iter()
        .find(|(ok, _)| !ok)
        .map(|(_, reason)| (*reason).to_owned());
    answer
}

fn covers(supported: Option<i32>, required: Option<i32>) -> bool {
    supported
        .zip(required)
        .is_none_or(|(supported, required)| supported >= required)
}

fn missing(required: &[String], supported: &[String]) -> Vec<String> {
    let mut missing: Vec<_> = required
        .iter()
        .filter(|name| !supported.contains(name))
        .cloned()
        .collect();
    missing.sort();
    missing.dedup();
    missing
}
