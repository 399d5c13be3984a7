//! Arrow's and Parquet's errors.

use arrow::error::ArrowError;

use super::Error;
use super::datafusion_error::{from_execution, from_external};
use super::storage_error::from_io;
use crate::generated::ErrorCode;

pub fn from_arrow(error: &ArrowError) -> Error {
    use ArrowError as E;
    let code = match error {
        E::ExternalError(source) => return from_external(source.as_ref()),
        E::IoError(_, source) => return from_io(source),
        E::DivideByZero | E::ArithmeticOverflow(_) => ErrorCode::ArithmeticError,
        E::CastError(_) | E::ParseError(_) => ErrorCode::InvalidCast,
        E::ComputeError(message) => return from_execution(message),
        E::InvalidArgumentError(_) | E::SchemaError(_) | E::NotYetImplemented(_) => ErrorCode::InvalidQuery,
        E::CsvError(_) | E::JsonError(_) | E::AvroError(_) | E::ParquetError(_) => ErrorCode::TableCorrupt,
        E::IpcError(_)
        | E::MemoryError(_)
        | E::CDataInterface(_)
        | E::DictionaryKeyOverflowError
        | E::RunEndIndexOverflowError
        | E::OffsetOverflowError(_) => ErrorCode::Internal,
    };
    Error::new(code, error.to_string())
}

pub fn from_parquet(error: &parquet::errors::ParquetError) -> Error {
    use parquet::errors::ParquetError as E;
    match error {
        E::External(source) => from_external(source.as_ref()),
        _ => Error::new(ErrorCode::TableCorrupt, format!("A data file can't be read: {error}")),
    }
}
