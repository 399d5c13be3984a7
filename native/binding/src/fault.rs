//! Errors as data: an async function can't throw one with a code of its own.

use std::panic::{AssertUnwindSafe, catch_unwind};

use lakegate_core::generated::ErrorCode;
use lakegate_core::{Error, Result};
use napi::bindgen_prelude::{Buffer, Either};
use napi_derive::napi;

use crate::payload::encode;

/// What went wrong, in place of the value; `details` is a MessagePack map.
#[napi(object)]
pub struct Fault {
    #[napi(ts_type = "true")]
    pub fault: bool,
    pub kind: String,
    pub code: String,
    pub message: String,
    pub line: Option<u32>,
    pub column: Option<u32>,
    pub details: Option<Buffer>,
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self {
            fault: true,
            kind: error.kind().as_str().to_owned(),
            code: error.code.as_str().to_owned(),
            message: error.message,
            line: error.location.map(|place| place.line as u32),
            column: error.location.map(|place| place.column as u32),
            details: encode(&error.details).ok(),
        }
    }
}

pub type Outcome<T> = Either<T, Fault>;

pub fn outcome<T>(result: Result<T>) -> Outcome<T> {
    match result {
        Ok(value) => Either::A(value),
        Err(error) => Either::B(error.into()),
    }
}

/// Runs synchronous work; a panic becomes an error, since it would end the process.
pub fn guarded<T>(work: impl FnOnce() -> Result<T>) -> Outcome<T> {
    let result = catch_unwind(AssertUnwindSafe(work));
    outcome(result.unwrap_or_else(|_| Err(Error::new(ErrorCode::Internal, "the engine panicked"))))
}
