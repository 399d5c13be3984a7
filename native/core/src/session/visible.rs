//! Which relations may be named; all others are as if they were not there.

use glob::Pattern;

use crate::error::{Error, Location, Result};
use crate::generated::ErrorCode;

#[derive(Debug, Clone, Default)]
pub struct Visible(Option<Vec<Pattern>>);

impl Visible {
    /// Those whose names fit one of the patterns; all without patterns.
    pub fn new(patterns: Option<&[String]>) -> Result<Self> {
        let patterns = patterns.map(|patterns| patterns.iter().map(|text| pattern(text)).collect());
        Ok(Self(patterns.transpose()?))
    }

    pub fn is_all(&self) -> bool {
        self.0.is_none()
    }

    pub fn shows(&self, name: &str) -> bool {
        let Some(patterns) = &self.0 else { return true };
        patterns.iter().any(|pattern| pattern.matches(name))
    }

    pub fn require(&self, name: &str, location: Option<Location>) -> Result<()> {
        match self.shows(name) {
            true => Ok(()),
            false => Err(unknown(name).at(location)),
        }
    }

    /// The error without the names of other relations, which it may suggest.
    pub fn discreet(&self, error: Error, name: &str) -> Error {
        match self.is_all() || !error.details.contains_key("closest") {
            true => error,
            false => unknown(name).at(error.location),
        }
    }
}

/// Only what names may hold, and wildcards: a range of characters would have to be escaped in a name that has brackets.
fn pattern(text: &str) -> Result<Pattern> {
    let escaped = text.replace('[', "[[]");
    Pattern::new(&escaped).map_err(|error| {
        let message = format!("'{text}' is no pattern of names: {error}");
        Error::new(ErrorCode::InvalidRequest, message)
    })
}

fn unknown(name: &str) -> Error {
    let message = format!("There is no table '{name}'. GET /v1/tables lists those there are");
    Error::new(ErrorCode::UnknownTable, message).with("table", name)
}
