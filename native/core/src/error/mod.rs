//! The engine's one error: data that crosses the border unchanged.

mod arrow_error;
mod datafusion_error;
mod delta_error;
mod storage_error;

use std::fmt;

use arrow::error::ArrowError;
use datafusion::error::DataFusionError;
use deltalake_core::DeltaTableError;
use serde_json::{Map, Value};

use self::arrow_error::from_arrow;
use self::datafusion_error::from_datafusion;
use self::delta_error::from_delta;
use self::storage_error::{from_io, from_join, from_store};
use crate::generated::{self, ErrorCode, ErrorKind, QueryFailure};

pub type Result<T, E = Error> = std::result::Result<T, E>;

/// A place in the SQL text, both counted from 1.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    pub line: u64,
    pub column: u64,
}

/// What went wrong: a code of the closed list in `schemas/errors.json`, a sentence for the user, and
/// where known the place in the SQL text and figures.
#[derive(Debug, Clone)]
pub struct Error {
    pub code: ErrorCode,
    pub message: String,
    pub location: Option<Location>,
    pub details: Map<String, Value>,
}

/// The parser's say what they have found, be it a megabyte.
const LONGEST: usize = 4000;

fn shortened(mut message: String) -> String {
    if let Some((end, _)) = message.char_indices().nth(LONGEST) {
        message.truncate(end);
        message.push('…');
    }
    message
}

impl Error {
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self {
            code,
            message: shortened(message.into()),
            location: None,
            details: Map::new(),
        }
    }

    pub fn kind(&self) -> ErrorKind {
        self.code.kind()
    }

    pub fn at(mut self, location: Option<Location>) -> Self {
        self.location = self.location.or(location);
        self
    }

    pub fn with(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.details.insert(name.into(), value.into());
        self
    }

    /// As it is told of what has failed.
    pub fn failure(&self) -> QueryFailure {
        QueryFailure {
            kind: self.kind(),
            code: self.code,
            message: self.message.clone(),
            location: self.location.map(|place| generated::Location {
                line: place.line as i32,
                column: place.column as i32,
            }),
            details: (!self.details.is_empty()).then(|| self.details.clone().into_iter().collect()),
        }
    }

    pub(crate) fn internal(message: impl Into<String>) -> Self {
        Self::new(ErrorCode::Internal, message)
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.code.as_str(), self.message)
    }
}

impl std::error::Error for Error {}

impl From<DataFusionError> for Error {
    fn from(error: DataFusionError) -> Self {
        from_datafusion(&error)
    }
}

impl From<DeltaTableError> for Error {
    fn from(error: DeltaTableError) -> Self {
        from_delta(&error)
    }
}

impl From<ArrowError> for Error {
    fn from(error: ArrowError) -> Self {
        from_arrow(&error)
    }
}

impl From<object_store::Error> for Error {
    fn from(error: object_store::Error) -> Self {
        from_store(&error)
    }
}

impl From<std::io::Error> for Error {
    fn from(error: std::io::Error) -> Self {
        from_io(&error)
    }
}

impl From<tokio::task::JoinError> for Error {
    fn from(error: tokio::task::JoinError) -> Self {
        from_join(&error)
    }
}
