//! The Delta library's and its kernel's errors.

use deltalake_core::DeltaTableError;
use deltalake_core::kernel::transaction::TransactionError;

use super::Error;
use super::arrow_error::{from_arrow, from_parquet};
use super::datafusion_error::from_external;
use super::storage_error::{from_io, from_store};
use crate::generated::ErrorCode;

pub fn from_delta(error: &DeltaTableError) -> Error {
    use DeltaTableError as E;
    match error {
        E::KernelError(source) => from_kernel(source),
        E::ObjectStore { source } => from_store(source),
        E::Parquet { source } => from_parquet(source),
        E::Arrow { source } => from_arrow(source),
        E::Io { source } => from_io(source),
        E::InvalidJsonLog { .. }
        | E::InvalidStatsJson { .. }
        | E::InvalidDateTimeString { .. }
        | E::NoSchema
        | E::PartitionError { .. }
        | E::MetadataError(_) => delta(ErrorCode::TableCorrupt, error),
        E::InvalidData { message } => from_kernel_text(message),
        E::InvalidVersion(_)
        | E::VersionDowngrade { .. }
        | E::ChangeDataInvalidVersionRange { .. }
        | E::ChangeDataTimestampGreaterThanCommit { .. } => delta(ErrorCode::VersionNotFound, error),
        E::ChangeDataNotRecorded { .. } | E::ChangeDataNotEnabled { .. } => delta(ErrorCode::ChangeDataDisabled, error),
        E::NotATable(_) | E::InvalidTableLocation(_) | E::MissingFeature { .. } => Error::new(
            ErrorCode::TableUnreadable,
            "There is no Delta table: its _delta_log has no commits",
        ),
        E::SchemaMismatch { .. } | E::InvalidPartitionFilter { .. } => delta(ErrorCode::InvalidQuery, error),
        E::Transaction { source } => from_transaction(source),
        E::VersionAlreadyExists(_) | E::VersionMismatch(..) => delta(ErrorCode::TableConflict, error),
        E::UnsupportedColumnMapping { .. } => delta(ErrorCode::TableUnsupported, error),
        E::Generic(message) => from_kernel_text(message),
        E::GenericError { source } => from_external(source.as_ref()),
        E::Kernel { source } => from_kernel_text(&source.to_string()),
        E::CommitValidation { .. }
        | E::SerializeLogJson { .. }
        | E::NotInitialized
        | E::NotInitializedWithFiles(_)
        | E::NoStartingVersionOrTimestamp => delta(ErrorCode::Internal, error),
    }
}

fn from_transaction(error: &TransactionError) -> Error {
    use TransactionError as E;
    match error {
        E::UnsupportedTableFeatures(features) => {
            let names: Vec<_> = features.iter().map(ToString::to_string).collect();
            let message = format!("The table uses features that Lakegate can't read: {}", names.join(", "));
            Error::new(ErrorCode::TableUnsupported, message).with("features", names)
        }
        E::ObjectStore { source } => from_store(source),
        E::DeltaTableAppendOnly => Error::new(
            ErrorCode::TableAppendOnly,
            "The table is append-only: its rows are neither changed nor removed",
        ),
        E::VersionAlreadyExists(_) | E::CommitConflict(_) | E::MaxCommitAttempts(_) => {
            Error::new(ErrorCode::TableConflict, error.to_string())
        }
        _ => Error::new(ErrorCode::Internal, error.to_string()),
    }
}

fn from_kernel(error: &delta_kernel::Error) -> Error {
    use delta_kernel::Error as E;
    match error {
        E::Arrow(source) => from_arrow(source),
        E::Parquet(source) => from_parquet(source),
        E::ObjectStore(source) => from_store(source),
        E::IOError(source) => from_io(source),
        E::Backtraced { source, .. } => from_kernel(source),
        E::Unsupported(message) => Error::new(ErrorCode::TableUnsupported, message),
        other => from_kernel_text(&other.to_string()),
    }
}

/// Errors travel through the Delta library as text: the words are all there is to tell them apart.
pub fn from_kernel_text(message: &str) -> Error {
    let message = without_prefixes(message);
    if let Some(fault) = disk_fault(message) {
        return Error::new(ErrorCode::StorageUnavailable, format!("The storage failed: {fault}"));
    }
    let lower = message.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| lower.contains(word));
    if let Some(name) = quoted_after(message, "No field named ") {
        return Error::new(ErrorCode::UnknownColumn, format!("There is no column '{name}'")).with("column", name);
    }
    if says(&["invalid data found"]) {
        // The library goes on with the rows themselves, and columns of its own.
        return Error::new(
            ErrorCode::ConstraintViolated,
            "Rows break a constraint, and nothing was written",
        );
    }
    let code = if says(&["append-only"]) {
        ErrorCode::TableAppendOnly
    } else if says(&["no files in log segment", "not a delta table"]) {
        ErrorCode::TableUnreadable
    } else if says(&["no suitable object store"]) {
        ErrorCode::LocationNotAllowed
    } else if says(&["parsererror", "sql error"]) {
        ErrorCode::InvalidSql
    } else if says(&["resources exhausted", "disk space during the spilling"]) {
        ErrorCode::MemoryExceeded
    } else if says(&["divide by zero", "overflow"]) {
        ErrorCode::ArithmeticError
    } else if says(&["cast error", "cannot cast"]) {
        ErrorCode::InvalidCast
    } else if says(&[
        "error during planning",
        "schema error",
        "execution error",
        "datafusion's code",
    ]) {
        ErrorCode::InvalidQuery
    } else if says(&["unsupported", "not supported", "feature"]) {
        ErrorCode::TableUnsupported
    } else {
        ErrorCode::TableCorrupt
    };
    Error::new(code, message)
}

/// What the system says of its disk, without the path: that it fails, is full, is read-only, or that a quota is met.
fn disk_fault(message: &str) -> Option<&str> {
    let (before, number) = message.split_once(" (os error ")?;
    let (number, _) = number.split_once(')')?;
    let is_of_disk = ["5", "28", "30", "122"].contains(&number);
    is_of_disk.then(|| before.rsplit(": ").next().unwrap_or(before))
}

/// Each layer that an error passes says its name.
fn without_prefixes(mut message: &str) -> &str {
    const PREFIXES: [&str; 5] = [
        "Generic DeltaTable error: ",
        "Generic error: ",
        "External error: ",
        "Kernel error: ",
        "Kernel: ",
    ];
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| message.strip_prefix(prefix)) {
        message = rest;
    }
    message
}

fn quoted_after<'a>(message: &'a str, words: &str) -> Option<&'a str> {
    let rest = message.split_once(words)?.1;
    let end = rest.find(". ").or_else(|| rest.find('\n')).unwrap_or(rest.len());
    Some(rest[..end].trim_end_matches('.').trim_matches('"'))
}

fn delta(code: ErrorCode, error: &DeltaTableError) -> Error {
    Error::new(code, error.to_string())
}
