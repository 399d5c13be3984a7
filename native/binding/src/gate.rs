//! Protocol gates and support as JavaScript sees them.

use lakegate_core::gate;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::fault::{Outcome, guarded};
use crate::payload::{decode, encode};

/// Judges a DeltaProtocolSnapshot by a DeltaFeatureGate; answers a GateVerdict.
#[napi]
pub fn validate_protocol_gate(snapshot: Buffer, gate: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&gate::validate_protocol_gate(&decode(&snapshot)?, &decode(&gate)?)?))
}

/// Compares a DeltaProtocolSnapshot with a DeltaProtocolSupport; answers a DeltaProtocolCompatibility.
#[napi]
pub fn protocol_compatibility(snapshot: Buffer, support: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&gate::protocol_compatibility(&decode(&snapshot)?, &decode(&support)?)))
}

/// The EngineSupport of this engine.
#[napi]
pub fn engine_support() -> Outcome<Buffer> {
    guarded(|| encode(&gate::engine_support()))
}
