//! Errors of object stores, of input and output, and of tasks.

use super::Error;
use super::datafusion_error::from_external;
use crate::generated::ErrorCode;

pub fn from_store(error: &object_store::Error) -> Error {
    use object_store::Error as E;
    match error {
        E::NotFound { path, .. } => Error::new(
            ErrorCode::TableCorrupt,
            format!("A file that the table's log names is missing: {path}"),
        ),
        E::PermissionDenied { .. } | E::Unauthenticated { .. } => Error::new(
            ErrorCode::TableUnreadable,
            "The storage refused access: check the table's storage options",
        ),
        E::AlreadyExists { path, .. } | E::Precondition { path, .. } => {
            Error::new(ErrorCode::TableConflict, format!("Another writer was faster at {path}"))
        }
        E::InvalidPath { source } => Error::new(ErrorCode::TableCorrupt, source.to_string()),
        E::Generic { source, .. } => match source.downcast_ref::<Error>() {
            Some(error) => error.clone(),
            None => Error::new(
                ErrorCode::StorageUnavailable,
                "The storage can't be reached or answered with an error",
            ),
        },
        E::JoinError { source } => from_join(source),
        E::NotSupported { .. } | E::NotImplemented { .. } | E::UnknownConfigurationKey { .. } => {
            Error::new(ErrorCode::TableUnreadable, error.to_string())
        }
        E::NotModified { .. } => Error::internal("an unasked conditional read"),
        other => Error::new(ErrorCode::StorageUnavailable, other.to_string()),
    }
}

pub fn from_io(error: &std::io::Error) -> Error {
    if let Some(source) = error.get_ref() {
        return from_external(source);
    }
    let code = match error.kind() {
        std::io::ErrorKind::NotFound => ErrorCode::TableCorrupt,
        std::io::ErrorKind::PermissionDenied => ErrorCode::TableUnreadable,
        _ => ErrorCode::StorageUnavailable,
    };
    Error::new(code, format!("Input or output failed: {}", error.kind()))
}

pub fn from_join(error: &tokio::task::JoinError) -> Error {
    if error.is_cancelled() {
        return Error::new(ErrorCode::QueryCanceled, "The query was cancelled");
    }
    Error::internal("the engine panicked")
}
