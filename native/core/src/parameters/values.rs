//! Takes the rows of a body as the values of a parameter table: sorted, perhaps each once, in a file named by them.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::logical_expr::{SortExpr, ident};
use datafusion::prelude::DataFrame;
use futures::TryStreamExt;

use super::signature::Signature;
use crate::encode::{EncodeOptions, Encoder, Format, RowEncoder, encoder};
use crate::engine::Engine;
use crate::entries::Contracts;
use crate::error::{Error, Result};
use crate::generated::{
    DeltaRuntimeEnvOptions, ErrorCode, NumberStyle, ParameterArtifact, ParameterTable, ParameterValuesRequest,
    QueryHead, ResultTarget, RowFormat, StoredFormat,
};
use crate::operations::scan_once;
use crate::results::ResultWriter;
use crate::rows::{Body, Checks, Own, RowFailure, RowSource, RowsFormat, Shape};
use crate::schema::{plain_fields, row_schema};

/// What the file says it holds before its signature is known.
const UNSIGNED: &str = "parameters";

pub async fn parameter_values(
    engine: &Arc<Engine>,
    request: &ParameterValuesRequest,
    (body, format): (Body, RowsFormat),
) -> Result<ParameterArtifact> {
    let table = &request.table;
    let rows = checked(engine, table, body, format).await?;
    let failure = rows.failure();
    let kept = keep(engine, request, rows).await;
    kept.map_err(|error| said(&failure).unwrap_or(error))
}

/// The rows in the types of the columns, without nulls where these have none.
async fn checked(engine: &Arc<Engine>, table: &ParameterTable, body: Body, format: RowsFormat) -> Result<Checks> {
    let shape = Shape {
        table: Some(Arc::new(Schema::new(plain_fields(&table.columns)?))),
        ..Shape::default()
    };
    let rows = RowSource::open(body, format, shape, engine.config.spill_folder.clone()).await?;
    let required = table.columns.iter().filter(|column| !column.nullable);
    let own = Own {
        required: required.map(|column| column.name.clone()).collect(),
        ..Own::default()
    };
    Checks::new(
        rows,
        &BTreeMap::new(),
        &own,
        Contracts::new(&[]),
        engine.operation_settings()?,
    )
}

async fn keep(engine: &Arc<Engine>, request: &ParameterValuesRequest, rows: Checks) -> Result<ParameterArtifact> {
    let sorted = sorted(engine, &request.table, rows)?;
    let schema: SchemaRef = Arc::new(sorted.schema().as_arrow().clone());
    let mut batches = sorted.execute_stream().await?;
    let mut artifact = Artifact::begin(&schema, &request.folder)?;
    while let Some(batch) = batches.try_next().await? {
        artifact.signature.add(&batch)?;
        artifact.writer.write(&artifact.encoder.rows(&batch)?)?;
        artifact.rows += batch.num_rows() as i64;
    }
    artifact.publish(&schema, &request.folder)
}

/// In the order of the key, and then of the other columns.
fn sorted(engine: &Arc<Engine>, table: &ParameterTable, rows: Checks) -> Result<DataFrame> {
    let plan = scan_once(Arc::new(rows))?;
    let names = table.columns.iter().map(|column| column.name.as_str());
    let rows = DataFrame::new(engine.operation_session(&DeltaRuntimeEnvOptions::default())?, plan)
        .select(names.clone().map(ident))?;
    let rows = if table.distinct { rows.distinct()? } else { rows };
    let others = names.filter(|name| *name != table.key_column);
    let order = [table.key_column.as_str()].into_iter().chain(others);
    let order: Vec<SortExpr> = order.map(|name| ident(name).sort(true, false)).collect();
    Ok(rows.sort(order)?)
}

/// Values on their way to disk.
struct Artifact {
    signature: Signature,
    writer: ResultWriter,
    encoder: Box<dyn RowEncoder>,
    rows: i64,
}

impl Artifact {
    fn begin(schema: &SchemaRef, folder: &str) -> Result<Self> {
        let options = EncodeOptions {
            numbers: NumberStyle::Number,
            row_format: RowFormat::Object,
        };
        let encoder = encoder(Format::Arrow, schema.clone(), options)
            .map_err(|error| Error::new(ErrorCode::UnsupportedType, error.to_string()))?;
        let Encoder::Rows(encoder) = encoder else {
            return Err(Error::internal("Arrow is not encoded by rows"));
        };
        let mut writer = ResultWriter::create(ResultTarget {
            path: format!("{folder}/{UNSIGNED}"),
            key: UNSIGNED.to_owned(),
            revision: UNSIGNED.to_owned(),
            format: StoredFormat::Arrow,
            limit_bytes: i64::MAX,
        })?;
        writer.write(&encoder.head())?;
        Ok(Self {
            signature: Signature::new(schema)?,
            writer,
            encoder,
            rows: 0,
        })
    }

    /// Names the file by its signature, and brings it to the disk.
    fn publish(mut self, schema: &SchemaRef, folder: &str) -> Result<ParameterArtifact> {
        self.writer.write(&self.encoder.tail())?;
        let signature = self.signature.digest();
        let path = format!("{folder}/{signature}.arrow");
        let head = QueryHead {
            schema: row_schema(schema),
            tables: Vec::new(),
        };
        self.writer.name(&path, &format!("parameters:{signature}"), &signature);
        self.writer.publish(head, self.rows, false)?;
        for written in [Path::new(&path), Path::new(folder)] {
            File::open(written)?.sync_all()?;
        }
        Ok(ParameterArtifact {
            signature,
            rows: self.rows,
        })
    }
}

fn said(failure: &RowFailure) -> Option<Error> {
    failure.get().cloned()
}
