//! Bodies as JavaScript sees them.

use lakegate_core::{BodyFormat, has_wide_numbers};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::fault::{Outcome, outcome};

/// Whether a body that isn't too deep or too much has numbers that a double would bend; on a thread of the engine.
#[napi]
pub async fn body_has_wide_numbers(body: Buffer, is_json: bool, most_values: u32) -> Outcome<bool> {
    let format = if is_json {
        BodyFormat::Json
    } else {
        BodyFormat::MessagePack
    };
    outcome(has_wide_numbers(&body, format, most_values.into()))
}
