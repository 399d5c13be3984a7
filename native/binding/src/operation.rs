//! Table operations by the names that JavaScript calls them.

use lakegate_core::generated::ErrorCode;
use lakegate_core::{Error, Operation, Result};

use crate::payload::decode;

pub fn decode_operation(name: &str, request: &[u8]) -> Result<Operation> {
    Ok(match name {
        "add_constraints" => Operation::AddConstraints(decode(request)?),
        "add_features" => Operation::AddFeatures(decode(request)?),
        "checkpoint" => Operation::Checkpoint(decode(request)?),
        "cleanup_metadata" => Operation::CleanupMetadata(decode(request)?),
        "convert" => Operation::Convert(decode(request)?),
        "create" => Operation::Create(decode(request)?),
        "data_check" => Operation::DataCheck(decode(request)?),
        "delete" => Operation::Delete(decode(request)?),
        "drop_constraints" => Operation::DropConstraints(decode(request)?),
        "incoming_rows" => Operation::IncomingRows(decode(request)?),
        "merge" => Operation::Merge(decode(request)?),
        "optimize" => Operation::Optimize(decode(request)?),
        "parameter_values" => Operation::ParameterValues(decode(request)?),
        "restore" => Operation::Restore(decode(request)?),
        "set_properties" => Operation::SetProperties(decode(request)?),
        "update" => Operation::Update(decode(request)?),
        "vacuum" => Operation::Vacuum(decode(request)?),
        "write" => Operation::Write(decode(request)?),
        _ => {
            let message = format!("There is no operation {name}");
            return Err(Error::new(ErrorCode::InvalidRequest, message));
        }
    })
}
