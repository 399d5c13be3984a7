//! Payloads: MessagePack maps in the shapes of `schemas/`.

use lakegate_core::generated::{ErrorCode, Validate};
use lakegate_core::{Error, Result};
use napi::bindgen_prelude::Buffer;
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Reads a payload and checks it against the rules of its schema.
pub fn decode<T: DeserializeOwned + Validate>(bytes: &[u8]) -> Result<T> {
    let value: T = rmp_serde::from_slice(bytes).map_err(|error| invalid(error.to_string()))?;
    match value.validate() {
        Ok(()) => Ok(value),
        Err(violation) => Err(invalid(violation.to_string()).with("pointer", violation.pointer)),
    }
}

pub fn encode(value: &impl Serialize) -> Result<Buffer> {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(Error::new(ErrorCode::Internal, error.to_string())),
    }
}

fn invalid(message: String) -> Error {
    Error::new(ErrorCode::InvalidRequest, message)
}
