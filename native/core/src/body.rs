//! What a large body holds, counted without keeping it, before JavaScript reads it in one step that nobody can interrupt.

use std::cell::Cell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};

use crate::error::{Error, Location, Result};
use crate::generated::ErrorCode;

/// No request's schema nests as deep.
const DEEPEST: usize = 64;
/// Integers from here on are another number as a double.
const WIDE: f64 = 9_007_199_254_740_992.0;

#[derive(Debug, Clone, Copy)]
pub enum BodyFormat {
    Json,
    MessagePack,
}

/// Refuses a body that is deeper, or has more values, than may be; answers whether it has numbers that a double would bend.
pub fn has_wide_numbers(bytes: &[u8], format: BodyFormat, most_values: u64) -> Result<bool> {
    let count = Count::new(most_values);
    match format {
        BodyFormat::Json => {
            let mut deserializer = serde_json::Deserializer::from_slice(bytes);
            let read = Inside::of(&count).deserialize(&mut deserializer);
            read.and_then(|()| deserializer.end())
                .map_err(|error| count.refusal().unwrap_or_else(|| not_json(&error)))?;
        }
        BodyFormat::MessagePack => {
            let mut deserializer = rmp_serde::Deserializer::from_read_ref(bytes);
            Inside::of(&count)
                .deserialize(&mut deserializer)
                .map_err(|error| count.refusal().unwrap_or_else(|| not_message_pack(&error)))?;
        }
    }
    Ok(count.is_wide.get())
}

fn not_json(error: &serde_json::Error) -> Error {
    let said = error.to_string();
    let place = Location {
        line: error.line() as u64,
        column: error.column() as u64,
    };
    let message = said.split(" at line ").next().unwrap_or(&said);
    Error::new(
        ErrorCode::InvalidJson,
        format!("The body is not valid JSON: {message}."),
    )
    .at(Some(place))
}

fn not_message_pack(error: &rmp_serde::decode::Error) -> Error {
    Error::new(
        ErrorCode::InvalidBody,
        format!("The body is not valid MessagePack: {error}."),
    )
}

struct Count {
    most: u64,
    values: Cell<u64>,
    is_wide: Cell<bool>,
    is_deep: Cell<bool>,
}

impl Count {
    fn new(most: u64) -> Self {
        Self {
            most,
            values: Cell::new(0),
            is_wide: Cell::new(false),
            is_deep: Cell::new(false),
        }
    }

    /// Why the reader was stopped, if it was.
    fn refusal(&self) -> Option<Error> {
        if self.is_deep.get() {
            let message = format!("The body nests deeper than {DEEPEST} levels");
            return Some(Error::new(ErrorCode::InvalidRequest, message));
        }
        let message = format!(
            "The body holds more than {} values; LAKEGATE_BODY_VALUES sets the limit.",
            self.most
        );
        (self.values.get() > self.most).then(|| Error::new(ErrorCode::BodyTooLarge, message))
    }
}

/// The value at a depth.
#[derive(Clone, Copy)]
struct Inside<'a> {
    count: &'a Count,
    depth: usize,
}

impl<'a> Inside<'a> {
    fn of(count: &'a Count) -> Self {
        Self { count, depth: 0 }
    }

    fn inner<E: serde::de::Error>(self) -> Result<Self, E> {
        let depth = self.depth + 1;
        self.count.is_deep.set(depth > DEEPEST);
        if depth > DEEPEST {
            return Err(E::custom("too deep"));
        }
        Ok(Self { depth, ..self })
    }

    fn seen<E: serde::de::Error>(self) -> Result<(), E> {
        self.count.values.set(self.count.values.get() + 1);
        if self.count.values.get() > self.count.most {
            return Err(E::custom("too many values"));
        }
        Ok(())
    }

    fn number<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.count.is_wide.set(self.count.is_wide.get() || value.abs() >= WIDE);
        self.seen()
    }
}

impl<'de> DeserializeSeed<'de> for Inside<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Inside<'_> {
    type Value = ();

    fn expecting(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        formatter.write_str("any value")
    }

    fn visit_bool<E: serde::de::Error>(self, _: bool) -> Result<(), E> {
        self.seen()
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.number(value as f64)
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.number(value)
    }

    fn visit_str<E: serde::de::Error>(self, _: &str) -> Result<(), E> {
        self.seen()
    }

    fn visit_bytes<E: serde::de::Error>(self, _: &[u8]) -> Result<(), E> {
        self.seen()
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.seen()
    }

    fn visit_newtype_struct<D: Deserializer<'de>>(self, deserializer: D) -> Result<(), D::Error> {
        self.inner()?.deserialize(deserializer)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<(), A::Error> {
        self.seen()?;
        let inner = self.inner()?;
        while list.next_element_seed(inner)?.is_some() {}
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        self.seen()?;
        let inner = self.inner()?;
        while map.next_key_seed(inner)?.is_some() {
            map.next_value_seed(inner)?;
        }
        Ok(())
    }
}
