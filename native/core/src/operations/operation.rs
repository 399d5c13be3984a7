//! Every operation by its request.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::checkpoint::{checkpoint, cleanup_metadata};
use super::constraints::{add_constraints, drop_constraints};
use super::convert::convert;
use super::create::create;
use super::data_check::data_check;
use super::delete::delete;
use super::expressions::expand_macros;
use super::features::add_features;
use super::incoming_rows::incoming_rows;
use super::merge::merge;
use super::optimize::optimize;
use super::properties::set_properties;
use super::report::Report;
use super::restore::restore;
use super::task::Task;
use super::update::update;
use super::vacuum::vacuum;
use super::write::{Input, write};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::*;
use crate::parameters::parameter_values;
use crate::rows::{Body, RowsFormat};

pub enum Operation {
    AddConstraints(DeltaAddConstraintsRequest),
    AddFeatures(DeltaAddFeaturesRequest),
    Checkpoint(DeltaCheckpointRequest),
    CleanupMetadata(DeltaCleanupMetadataRequest),
    Convert(DeltaConvertRequest),
    Create(DeltaCreateRequest),
    DataCheck(DeltaDataCheckRequest),
    Delete(DeltaDeleteRequest),
    DropConstraints(DeltaDropConstraintsRequest),
    IncomingRows(IncomingRowsRequest),
    Merge(DeltaMergeRequest),
    Optimize(DeltaOptimizeRequest),
    ParameterValues(ParameterValuesRequest),
    Restore(DeltaRestoreRequest),
    SetProperties(DeltaSetPropertiesRequest),
    Update(DeltaUpdateRequest),
    Vacuum(DeltaVacuumRequest),
    Write(DeltaWriteRequest),
}

/// Runs an operation; `rows` are those of its body.
pub async fn operate(
    engine: &Arc<Engine>,
    mut operation: Operation,
    context: OperationContext,
    rows: Option<(Body, RowsFormat)>,
) -> Result<Report> {
    use Operation as O;
    if rows.is_some()
        && !matches!(
            operation,
            O::Write(_) | O::Merge(_) | O::ParameterValues(_) | O::IncomingRows(_)
        )
    {
        return Err(Error::new(ErrorCode::InvalidRequest, "This operation takes no rows"));
    }
    let macros = engine.macros(context.functions.unwrap_or(FunctionPolicy::Open));
    expand_macros(&mut operation, &macros, &engine.config.limits)?;
    match operation {
        O::AddConstraints(request) => add_constraints(&Task::open(engine, &request, context).await?, &request).await,
        O::AddFeatures(request) => add_features(&Task::open(engine, &request, context).await?, &request).await,
        O::Checkpoint(request) => checkpoint(&Task::open(engine, &request, context).await?, &request).await,
        O::CleanupMetadata(request) => cleanup_metadata(&Task::open(engine, &request, context).await?, &request).await,
        O::Convert(request) => convert(&Task::at_place(engine, &request, context)?, &request).await,
        O::Create(request) => create(&Task::at_place(engine, &request, context)?, &request).await,
        O::DataCheck(request) => data_check(&Task::open(engine, &request, context).await?, &request).await,
        O::Delete(request) => delete(&Task::open(engine, &request, context).await?, &request).await,
        O::DropConstraints(request) => drop_constraints(&Task::open(engine, &request, context).await?, &request).await,
        O::IncomingRows(request) => {
            let rows = rows.ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "There are no rows"))?;
            Ok(Report::Incoming(incoming_rows(engine, &request, rows).await?))
        }
        O::Merge(request) => merge(&Task::open(engine, &request, context).await?, &request, rows).await,
        O::Optimize(request) => optimize(&Task::open(engine, &request, context).await?, &request).await,
        O::ParameterValues(request) => {
            let rows = rows.ok_or_else(|| Error::new(ErrorCode::InvalidRequest, "Values need rows as their body"))?;
            Ok(Report::Parameters(parameter_values(engine, &request, rows).await?))
        }
        O::Restore(request) => restore(&Task::open(engine, &request, context).await?, &request).await,
        O::SetProperties(request) => set_properties(&Task::open(engine, &request, context).await?, &request).await,
        O::Update(request) => update(&Task::open(engine, &request, context).await?, &request).await,
        O::Vacuum(request) => vacuum(&Task::open(engine, &request, context).await?, &request).await,
        O::Write(request) => {
            let Some((body, format)) = rows else {
                return Err(Error::new(ErrorCode::InvalidRequest, "A write needs rows as its body"));
            };
            let task = match request.mode {
                DeltaWriteDisposition::Create => Task::at_place(engine, &request, context)?,
                _ => Task::open(engine, &request, context).await?,
            };
            // Small beside the other operations, whose room would be copied with it.
            Box::pin(write(&task, &request, Input::Body(body, format), BTreeMap::new())).await
        }
    }
}
