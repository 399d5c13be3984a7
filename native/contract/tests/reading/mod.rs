//! Reads a value of a type that is known by its title only, from JSON and from MessagePack.

use lakegate_contract::{TypeVisitor, Validate};
use serde::{Serialize, de::DeserializeOwned};

pub struct Reading<'a> {
    pub json: &'a str,
    /// None where MessagePack cannot carry the value.
    pub msgpack: Option<&'a [u8]>,
}

/// What Rust says about a value: its complete MessagePack, or why it is none.
pub type Outcome = Result<Vec<u8>, String>;

impl TypeVisitor for Reading<'_> {
    type Output = Outcome;

    fn visit<T: Serialize + DeserializeOwned + Validate + PartialEq>(self) -> Outcome {
        let from_json = checked(serde_json::from_str::<T>(self.json).map_err(|error| error.to_string()));
        let Some(msgpack) = self.msgpack else {
            return complete(&from_json?);
        };
        let from_msgpack = checked(rmp_serde::from_slice::<T>(msgpack).map_err(|error| error.to_string()));
        match (from_json, from_msgpack) {
            (Ok(json), Ok(msgpack)) if json == msgpack => complete(&json),
            (Ok(_), Ok(_)) => panic!("JSON and MessagePack are read differently: {}", self.json),
            (Err(reason), Err(_)) => Err(reason),
            (Err(reason), Ok(_)) => panic!("only MessagePack is read, JSON is not ({reason}): {}", self.json),
            (Ok(_), Err(reason)) => panic!("only JSON is read, MessagePack is not ({reason}): {}", self.json),
        }
    }
}

fn checked<T: Validate>(read: Result<T, String>) -> Result<T, String> {
    let value = read?;
    value.validate().map_err(|violation| violation.to_string())?;
    Ok(value)
}

/// The bytes of the value, which must be read as the same value again.
fn complete<T: Serialize + DeserializeOwned + PartialEq>(value: &T) -> Outcome {
    let bytes = rmp_serde::to_vec_named(value).map_err(|error| error.to_string())?;
    match rmp_serde::from_slice::<T>(&bytes) {
        Ok(again) if again == *value => Ok(bytes),
        Ok(_) => panic!("the bytes are read as another value"),
        Err(error) => panic!("the own bytes are not read: {error}"),
    }
}

pub fn bytes(hex: &str) -> Vec<u8> {
    let pairs = (0..hex.len()).step_by(2);
    pairs
        .map(|at| u8::from_str_radix(&hex[at..at + 2], 16).expect("hex"))
        .collect()
}

pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
