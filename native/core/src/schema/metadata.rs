//! The metadata codec: maps and lists as MessagePack, maps in the order of their keys. No payload, or an empty one, is
//! an empty value.

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::scalar::{Scalar, ScalarMap, Text};
use crate::error::{Error, Result};
use crate::generated::ErrorCode;

pub fn encode_metadata_map(map: &BTreeMap<String, String>) -> Result<Vec<u8>> {
    encode(map)
}

pub fn decode_metadata_map(payload: Option<&[u8]>) -> Result<BTreeMap<String, String>> {
    let map: BTreeMap<Text, Text> = decode("metadata_map", payload)?;
    Ok(map.into_iter().map(|(Text(key), Text(value))| (key, value)).collect())
}

pub fn encode_metadata_list(list: &[String]) -> Result<Vec<u8>> {
    encode(list)
}

pub fn decode_metadata_list(payload: Option<&[u8]>) -> Result<Vec<String>> {
    let list: Vec<Text> = decode("metadata_list", payload)?;
    Ok(list.into_iter().map(|Text(item)| item).collect())
}

pub fn encode_metadata_scalar_map(map: &ScalarMap) -> Result<Vec<u8>> {
    encode(map)
}

pub fn decode_metadata_scalar_map(payload: Option<&[u8]>) -> Result<ScalarMap> {
    let map: BTreeMap<Text, Scalar> = decode("metadata_scalar_map", payload)?;
    Ok(map.into_iter().map(|(Text(key), value)| (key, value)).collect())
}

fn encode<T: Serialize + ?Sized>(value: &T) -> Result<Vec<u8>> {
    rmp_serde::to_vec(value).map_err(|error| Error::internal(error.to_string()))
}

fn decode<T: DeserializeOwned + Default>(codec: &str, payload: Option<&[u8]>) -> Result<T> {
    let Some(mut rest) = payload.filter(|payload| !payload.is_empty()) else {
        return Ok(T::default());
    };
    let wrong =
        |reason: String| Error::new(ErrorCode::InvalidRequest, format!("{codec}: {reason}")).with("codec", codec);
    let value =
        T::deserialize(&mut rmp_serde::Deserializer::new(&mut rest)).map_err(|error| wrong(error.to_string()))?;
    match rest.len() {
        0 => Ok(value),
        more => Err(wrong(format!("{more} bytes follow the value"))),
    }
}
