//! Payloads: MessagePack maps in the shapes of `schemas/`.

use lakegate_core::generated::ErrorCode;
use lakegate_core::{Error, Result};
use napi::bindgen_prelude::Buffer;
use serde::Serialize;
use serde::de::DeserializeOwned;

pub fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T> {
    rmp_serde::from_slice(bytes).map_err(|error| Error::new(ErrorCode::InvalidRequest, error.to_string()))
}

pub fn encode(value: &impl Serialize) -> Result<Buffer> {
    match rmp_serde::to_vec_named(value) {
        Ok(bytes) => Ok(bytes.into()),
        Err(error) => Err(Error::new(ErrorCode::Internal, error.to_string())),
    }
}
