//! What is said about a setting that can't be.

use crate::error::{Error, Result};
use crate::generated::ErrorCode;
use crate::sql::closest;

/// Refuses a value above the server's own limit.
pub fn bounded(setting: &str, value: i64, maximum: i64) -> Result<()> {
    if value <= maximum {
        return Ok(());
    }
    let message = format!("{setting} may be {maximum} at most on this server");
    Err(refused(setting, message).with("maximum", maximum))
}

pub fn refused(setting: &str, message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidRequest, message).with("setting", setting)
}

/// A setting of `group` that isn't one of `known`.
pub fn unknown<'a>(group: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let hint = match closest(name, known.clone()) {
        Some(near) => format!("Did you mean '{near}'?"),
        None => format!("There are {}", known.collect::<Vec<_>>().join(", ")),
    };
    let setting = format!("{group}.{name}");
    refused(&setting, format!("There is no setting '{name}' in {group}. {hint}"))
}
