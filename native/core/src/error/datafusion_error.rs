//! DataFusion's errors, nested ones unwrapped, with the place in the SQL text where it is known.

use arrow::error::ArrowError;
use datafusion::common::SchemaError;
use datafusion::error::DataFusionError;
use datafusion::sql::sqlparser::parser::ParserError;
use deltalake_core::DeltaTableError;

use super::arrow_error::{from_arrow, from_parquet};
use super::delta_error::{from_delta, from_kernel_text};
use super::storage_error::{from_io, from_join, from_store};
use super::{Error, Location};
use crate::generated::ErrorCode;
use crate::sql::closest;

pub fn from_datafusion(error: &DataFusionError) -> Error {
    use DataFusionError as E;
    match error {
        E::ArrowError(source, _) => from_arrow(source),
        E::ParquetError(source) => from_parquet(source),
        E::ObjectStore(source) => from_store(source),
        E::IoError(source) => from_io(source),
        E::SQL(source, _) => from_parser(source),
        E::Plan(message) if is_own_plan(message) => Error::internal(message),
        E::NotImplemented(message) | E::Plan(message) | E::Configuration(message) => {
            Error::new(ErrorCode::InvalidQuery, message)
        }
        E::SchemaError(source, _) => from_schema(source),
        E::Execution(message) => from_execution(message),
        E::Internal(message) | E::Substrait(message) | E::Ffi(message) => Error::internal(message),
        E::ExecutionJoin(source) => from_join(source),
        E::ResourcesExhausted(message) => Error::new(
            ErrorCode::MemoryExceeded,
            format!("The query needs more memory than it may take: {message}"),
        ),
        E::External(source) => from_external(source.as_ref()),
        E::Context(_, source) => from_datafusion(source),
        E::Diagnostic(diagnostic, source) => from_datafusion(source).at(diagnostic.span.map(|span| Location {
            line: span.start.line,
            column: span.start.column,
        })),
        E::Collection(errors) => match errors.first() {
            Some(first) => from_datafusion(first),
            None => Error::internal("an empty collection of errors"),
        },
        E::Shared(source) => from_datafusion(source),
    }
}

/// The check of finished plans finds a defect, not a fault of the statement; it shows the plan with the places of files.
fn is_own_plan(message: &str) -> bool {
    message.starts_with("Plan: [") && message.contains(" does not satisfy ")
}

/// Division by zero and overflow reach us as text only from kernels that build `Execution` errors.
pub fn from_execution(message: &str) -> Error {
    let lower = message.to_ascii_lowercase();
    let code = if lower.contains("divide by zero") || lower.contains("overflow") {
        ErrorCode::ArithmeticError
    } else if lower.contains("cast") || lower.contains("parsing") {
        ErrorCode::InvalidCast
    } else {
        ErrorCode::InvalidQuery
    };
    Error::new(code, message)
}

pub fn from_external(source: &(dyn std::error::Error + Send + Sync + 'static)) -> Error {
    if let Some(error) = source.downcast_ref::<Error>() {
        error.clone()
    } else if let Some(error) = source.downcast_ref::<DeltaTableError>() {
        from_delta(error)
    } else if let Some(error) = source.downcast_ref::<DataFusionError>() {
        from_datafusion(error)
    } else if let Some(error) = source.downcast_ref::<ArrowError>() {
        from_arrow(error)
    } else if let Some(error) = source.downcast_ref::<object_store::Error>() {
        from_store(error)
    } else {
        from_kernel_text(&source.to_string())
    }
}

fn from_parser(error: &ParserError) -> Error {
    match error {
        ParserError::TokenizerError(message) | ParserError::ParserError(message) => {
            let (text, location) = split_location(message);
            Error::new(ErrorCode::InvalidSql, text).at(location)
        }
        ParserError::RecursionLimitExceeded => Error::new(
            ErrorCode::StatementTooComplex,
            "The statement is nested too deeply for the parser",
        )
        .with("limit", "sql_depth"),
    }
}

/// The parser writes the place into its text: `… at Line: 1, Column: 8`.
fn split_location(message: &str) -> (&str, Option<Location>) {
    let parse = || {
        let (text, place) = message.rsplit_once(" at Line: ")?;
        let (line, column) = place.split_once(", Column: ")?;
        let line = line.parse().ok()?;
        let column = column.parse().ok()?;
        Some((text, Location { line, column }))
    };
    match parse() {
        Some((text, location)) => (text, Some(location)),
        None => (message, None),
    }
}

fn from_schema(error: &SchemaError) -> Error {
    let SchemaError::FieldNotFound { field, valid_fields } = error else {
        return Error::new(ErrorCode::InvalidQuery, error.to_string());
    };
    let location = field.spans.first().map(|span| Location {
        line: span.start.line,
        column: span.start.column,
    });
    let names = valid_fields.iter().map(|column| column.name.as_str());
    let error = Error::new(ErrorCode::UnknownColumn, unknown_column(&field.name, names.clone()));
    match closest(&field.name, names) {
        Some(name) => error.with("closest", name),
        None => error,
    }
    .with("column", field.name.as_str())
    .at(location)
}

fn unknown_column<'a>(name: &str, valid: impl Iterator<Item = &'a str> + Clone) -> String {
    match closest(name, valid.clone()) {
        Some(hint) => {
            format!("There is no column '{name}'. Did you mean '{hint}'? Names are case-sensitive")
        }
        None => {
            let names: Vec<_> = valid.take(20).collect();
            format!("There is no column '{name}'. Columns here: {}", names.join(", "))
        }
    }
}
