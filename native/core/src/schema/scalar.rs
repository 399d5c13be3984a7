//! The values that metadata has: as MessagePack, and as text beside the kind that restores them.

use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error as _, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};

#[derive(Debug, Clone, PartialEq)]
pub enum Scalar {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    Binary(Vec<u8>),
}

/// By key, in the order of their bytes.
pub type ScalarMap = BTreeMap<String, Scalar>;

impl Scalar {
    /// What the column `value_kind` says of it.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "bool",
            Self::Int(_) => "int64",
            Self::Float(_) => "float64",
            Self::Text(_) => "string",
            Self::Binary(_) => "binary",
        }
    }

    /// Floats in the shortest digits that are read as the same; none for null.
    pub fn text(&self) -> Option<String> {
        match self {
            Self::Null => None,
            Self::Bool(value) => Some(value.to_string()),
            Self::Int(value) => Some(value.to_string()),
            Self::Float(value) => Some(format!("{value:?}")),
            Self::Text(value) => Some(value.clone()),
            Self::Binary(value) => Some(hex::encode(value)),
        }
    }

    /// The value that a text of this kind stands for; none where it doesn't fit.
    pub fn parse(kind: &str, text: Option<&str>) -> Option<Self> {
        match (kind, text) {
            ("null", None) => Some(Self::Null),
            ("bool", Some(text)) => text.parse().ok().map(Self::Bool),
            ("int64", Some(text)) => text.parse().ok().map(Self::Int),
            ("float64", Some(text)) => text.parse().ok().map(Self::Float),
            ("string", Some(text)) => Some(Self::Text(text.to_owned())),
            ("binary", Some(text)) => hex::decode(text).ok().map(Self::Binary),
            _ => None,
        }
    }
}

impl Serialize for Scalar {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Null => serializer.serialize_unit(),
            Self::Bool(value) => serializer.serialize_bool(*value),
            Self::Int(value) => serializer.serialize_i64(*value),
            Self::Float(value) => serializer.serialize_f64(*value),
            Self::Text(value) => serializer.serialize_str(value),
            Self::Binary(value) => serializer.serialize_bytes(value),
        }
    }
}

impl<'de> Deserialize<'de> for Scalar {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(ScalarVisitor)
    }
}

struct ScalarVisitor;

impl Visitor<'_> for ScalarVisitor {
    type Value = Scalar;

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("null, a bool, an integer of 64 bits, a float, a text or bytes")
    }

    fn visit_unit<E>(self) -> Result<Scalar, E> {
        Ok(Scalar::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Scalar, E> {
        Ok(Scalar::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Scalar, E> {
        Ok(Scalar::Int(value))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Scalar, E> {
        let value = i64::try_from(value).map_err(|_| E::custom(format!("{value} is more than an int64 holds")))?;
        Ok(Scalar::Int(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Scalar, E> {
        Ok(Scalar::Float(value))
    }

    fn visit_str<E>(self, value: &str) -> Result<Scalar, E> {
        Ok(Scalar::Text(value.to_owned()))
    }

    fn visit_bytes<E>(self, value: &[u8]) -> Result<Scalar, E> {
        Ok(Scalar::Binary(value.to_owned()))
    }
}

/// A text, and nothing that could be read as one, such as bytes.
#[derive(PartialEq, Eq, PartialOrd, Ord)]
pub struct Text(pub String);

impl<'de> Deserialize<'de> for Text {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Scalar::deserialize(deserializer)? {
            Scalar::Text(text) => Ok(Self(text)),
            other => Err(D::Error::custom(format!(
                "a text is expected, not a value of kind {}",
                other.kind()
            ))),
        }
    }
}
