//! Rows that go into a data file once it is known which commit names it.

use arrow::array::RecordBatch;
use arrow::datatypes::SchemaRef;
use deltalake_core::DeltaTable;
use deltalake_core::kernel::Action;
use deltalake_core::writer::{DeltaWriter, RecordBatchWriter};

use crate::error::{Error, Result};

/// Rows of an unpartitioned table, in its types.
#[derive(Debug, Clone)]
pub struct PendingRows {
    table: DeltaTable,
    batches: Vec<RecordBatch>,
}

impl PendingRows {
    /// Nothing where the rows aren't the table's as they are, for the library to say why or to mend it.
    pub fn new(table: &DeltaTable, schema: &SchemaRef, batches: &[RecordBatch]) -> Option<Self> {
        let batches: Option<Vec<_>> = batches.iter().map(|batch| as_schema(batch, schema)).collect();
        Some(Self {
            table: table.clone(),
            batches: batches?,
        })
    }

    pub fn count(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// Writes all of them into one file; answers the actions that add it, of which there are none without rows.
    pub async fn write(all: &[&Self]) -> Result<Vec<String>> {
        let Some(first) = all.first() else {
            return Ok(Vec::new());
        };
        let mut writer = RecordBatchWriter::for_table(&first.table)?;
        for batch in all.iter().flat_map(|rows| &rows.batches) {
            writer.write(batch.clone()).await?;
        }
        let added = writer.flush().await?.into_iter().map(Action::Add);
        let lines = added.map(|action| serde_json::to_string(&action));
        lines
            .collect::<std::result::Result<_, _>>()
            .map_err(|error| Error::internal(error.to_string()))
    }
}

fn as_schema(batch: &RecordBatch, schema: &SchemaRef) -> Option<RecordBatch> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| batch.column_by_name(field.name()).cloned());
    let columns: Option<Vec<_>> = columns.collect();
    let columns = columns.filter(|columns| columns.len() == batch.num_columns())?;
    RecordBatch::try_new(schema.clone(), columns).ok()
}
