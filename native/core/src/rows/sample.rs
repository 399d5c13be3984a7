//! Some rows, to be shown.

use std::collections::BTreeMap;

use arrow::array::RecordBatch;
use arrow::json::writer::{JsonArray, WriterBuilder};
use datafusion::error::DataFusionError;
use serde_json::Value;

/// Rows that are shown of each broken rule.
pub const SAMPLES: usize = 3;

pub fn rows_as_json(batch: &RecordBatch) -> Result<Vec<BTreeMap<String, Value>>, DataFusionError> {
    let mut writer = WriterBuilder::new()
        .with_explicit_nulls(true)
        .build::<_, JsonArray>(Vec::new());
    writer.write(batch)?;
    writer.finish()?;
    serde_json::from_slice(&writer.into_inner()).map_err(|error| DataFusionError::External(Box::new(error)))
}
