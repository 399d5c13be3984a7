//! Walks the rules of a gate over a protocol.

use serde_json::json;

use super::rules::{RULES, Rule};
use crate::error::{Error, Result};
use crate::generated::{DeltaFeatureGate, DeltaProtocolSnapshot, ErrorCode, GateFailure, GateTerm, GateVerdict};

/// Whether `protocol` passes `gate`, with every rule that it breaks. A gate that asks for nothing is passed, even where
/// there is no protocol; any other needs one.
pub fn validate_protocol_gate(protocol: &DeltaProtocolSnapshot, gate: &DeltaFeatureGate) -> Result<GateVerdict> {
    let failures = failures(protocol, &[gate])?;
    Ok(GateVerdict {
        passed: failures.is_empty(),
        failures,
        snapshot: protocol.clone(),
    })
}

/// Refuses a protocol that doesn't pass all of `gates`; `details` of the error hold every rule that it breaks.
pub fn require(protocol: &DeltaProtocolSnapshot, gates: &[&DeltaFeatureGate]) -> Result<()> {
    let failures = failures(protocol, gates)?;
    if failures.is_empty() {
        return Ok(());
    }
    let sentences: Vec<_> = failures.iter().map(sentence).collect();
    let message = format!("The protocol doesn't pass the gate: {}", sentences.join("; "));
    Err(Error::new(ErrorCode::GateFailed, message).with("failures", json!(failures)))
}

/// What several gates ask is listed by rule; what two of them ask alike is listed once.
fn failures(protocol: &DeltaProtocolSnapshot, gates: &[&DeltaFeatureGate]) -> Result<Vec<GateFailure>> {
    let mut failures = Vec::new();
    for rule in &RULES {
        for required in gates.iter().filter_map(|gate| (rule.required)(gate)) {
            if is_unavailable(protocol) {
                let message = "A gate needs the protocol of a table, and there is none";
                return Err(Error::new(ErrorCode::ProtocolUnavailable, message));
            }
            let failure = judge(rule, required, protocol);
            failures.extend(failure.filter(|failure| !failures.contains(failure)));
        }
    }
    Ok(failures)
}

fn judge(rule: &Rule, required: GateTerm, protocol: &DeltaProtocolSnapshot) -> Option<GateFailure> {
    let actual = (rule.actual)(protocol);
    let missing = match (&required, &actual) {
        (GateTerm::Version(least), Some(GateTerm::Version(version))) if version >= least => return None,
        (GateTerm::Features(wanted), Some(GateTerm::Features(there))) => lacking(wanted, there),
        _ => Vec::new(),
    };
    if matches!(required, GateTerm::Features(_)) && missing.is_empty() {
        return None;
    }
    Some(GateFailure {
        rule: rule.name,
        required,
        actual,
        missing,
    })
}

fn lacking(wanted: &[String], there: &[String]) -> Vec<String> {
    let mut missing = Vec::new();
    for feature in wanted {
        if !there.contains(feature) && !missing.contains(feature) {
            missing.push(feature.clone());
        }
    }
    missing
}

fn is_unavailable(protocol: &DeltaProtocolSnapshot) -> bool {
    *protocol == DeltaProtocolSnapshot::default()
}

fn sentence(failure: &GateFailure) -> String {
    let noun = RULES
        .iter()
        .find(|rule| rule.name == failure.rule)
        .map_or("", |rule| rule.noun);
    match (&failure.required, &failure.actual) {
        (GateTerm::Version(least), Some(GateTerm::Version(version))) => format!("its {noun} is {version}, not {least}"),
        (GateTerm::Version(least), _) => format!("it has no {noun}, and {least} is wanted"),
        (GateTerm::Features(_), _) => format!("its {noun} lack {}", failure.missing.join(", ")),
    }
}
