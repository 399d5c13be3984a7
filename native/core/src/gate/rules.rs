//! The rules of a gate, each a row of one table.

use crate::generated::{DeltaFeatureGate, DeltaProtocolSnapshot, GateRule, GateTerm};

/// What a gate may ask of a protocol, and where both of them say it.
pub struct Rule {
    pub name: GateRule,
    /// What the rule is called in a sentence.
    pub noun: &'static str,
    /// What the gate asks for, if it asks at all.
    pub required: fn(&DeltaFeatureGate) -> Option<GateTerm>,
    /// What the protocol has.
    pub actual: fn(&DeltaProtocolSnapshot) -> Option<GateTerm>,
}

/// In the order in which they are judged and listed.
pub const RULES: [Rule; 4] = [
    Rule {
        name: GateRule::ReaderVersion,
        noun: "reader version",
        required: |gate| gate.min_reader_version.map(GateTerm::Version),
        actual: |protocol| protocol.min_reader_version.map(GateTerm::Version),
    },
    Rule {
        name: GateRule::WriterVersion,
        noun: "writer version",
        required: |gate| gate.min_writer_version.map(GateTerm::Version),
        actual: |protocol| protocol.min_writer_version.map(GateTerm::Version),
    },
    Rule {
        name: GateRule::ReaderFeatures,
        noun: "reader features",
        required: |gate| asked(&gate.required_reader_features),
        actual: |protocol| Some(GateTerm::Features(protocol.reader_features.clone())),
    },
    Rule {
        name: GateRule::WriterFeatures,
        noun: "writer features",
        required: |gate| asked(&gate.required_writer_features),
        actual: |protocol| Some(GateTerm::Features(protocol.writer_features.clone())),
    },
];

fn asked(features: &[String]) -> Option<GateTerm> {
    (!features.is_empty()).then(|| GateTerm::Features(features.to_vec()))
}
