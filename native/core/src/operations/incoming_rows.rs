//! Keeps the rows of a body for statements to look at, whatever their values are.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Schema};
use datafusion::execution::TaskContext;
use datafusion::physical_plan::streaming::PartitionStream;
use futures::TryStreamExt;

use crate::encode::{EncodeOptions, Encoder, Format, encoder};
use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::{
    ErrorCode, IncomingRows, IncomingRowsRequest, NumberStyle, QueryHead, ResultTarget, RowFormat, SchemaContract,
    StoredFormat,
};
use crate::results::ResultWriter;
use crate::rows::{Body, RowSource, RowsFormat, Shape};
use crate::schema::{from_arrow_field, plain_fields, row_schema};

pub async fn incoming_rows(
    engine: &Arc<Engine>,
    request: &IncomingRowsRequest,
    (body, format): (Body, RowsFormat),
) -> Result<IncomingRows> {
    let is_text = matches!(format, RowsFormat::Csv | RowsFormat::Json | RowsFormat::Ndjson);
    let coerce = request.coerce.unwrap_or(is_text);
    let shape = match is_text && coerce {
        true => texts(&request.contract)?,
        false => Shape::default(),
    };
    let rows = RowSource::open(body, format, shape, engine.config.spill_folder.clone()).await?;
    let failure = rows.failure();
    let kept = keep(request, &rows).await;
    let count = kept.map_err(|error| failure.get().cloned().unwrap_or(error))?;
    Ok(IncomingRows {
        columns: rows
            .schema()
            .fields()
            .iter()
            .map(|field| from_arrow_field(field))
            .collect(),
        rows: count,
        coerce,
    })
}

/// The columns of the contract as texts, which every value can be: what is none of the type is found later. JSON nests,
/// and texts don't.
fn texts(contract: &SchemaContract) -> Result<Shape> {
    let fields = plain_fields(&contract.columns)?.into_iter().map(|field| {
        let data_type = match field.data_type().is_nested() {
            true => field.data_type().clone(),
            false => DataType::Utf8,
        };
        Field::new(field.name(), data_type, true)
    });
    Ok(Shape {
        table: Some(Arc::new(Schema::new(fields.collect::<Vec<_>>()))),
        takes_new_columns: true,
        reads_texts: true,
        ..Shape::default()
    })
}

async fn keep(request: &IncomingRowsRequest, rows: &RowSource) -> Result<i64> {
    let options = EncodeOptions {
        numbers: NumberStyle::Number,
        row_format: RowFormat::Object,
    };
    let encoder = encoder(Format::Arrow, rows.schema().clone(), options)
        .map_err(|error| Error::new(ErrorCode::UnsupportedType, error.to_string()))?;
    let Encoder::Rows(encoder) = encoder else {
        return Err(Error::internal("Arrow is not encoded by rows"));
    };
    let mut writer = ResultWriter::create(ResultTarget {
        path: request.path.clone(),
        key: request.key.clone(),
        revision: request.key.clone(),
        format: StoredFormat::Arrow,
        limit_bytes: i64::MAX,
    })?;
    writer.write(&encoder.head())?;
    let mut batches = rows.execute(Arc::new(TaskContext::default()));
    let mut count = 0;
    while let Some(batch) = batches.try_next().await? {
        writer.write(&encoder.rows(&batch)?)?;
        count += batch.num_rows() as i64;
    }
    writer.write(&encoder.tail())?;
    let head = QueryHead {
        schema: row_schema(rows.schema()),
        tables: Vec::new(),
    };
    writer.publish(head, count, false)?;
    Ok(count)
}
