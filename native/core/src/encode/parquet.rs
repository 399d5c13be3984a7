//! Parquet files, handed out piece by piece: a row group at a time is in memory.

use std::sync::Arc;

use arrow::array::new_null_array;
use arrow::datatypes::{DataType, Field, Schema, SchemaRef, TimeUnit};
use arrow::error::ArrowError;
use arrow::record_batch::RecordBatch;
use parquet::arrow::ArrowWriter;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::ParquetError;
use parquet::file::metadata::KeyValue;
use parquet::file::properties::WriterProperties;

use super::supported::check_types;
use super::{Format, Unsupported};
use crate::normalize::{mapped_schema, normalize_batch, normalized_schema};

const ROW_GROUP_BYTES: usize = 64 << 20;
const ROW_GROUP_ROWS: usize = 1 << 20;

/// Writes one file; every call gives the bytes that have become final.
pub struct ParquetEncoder {
    schema: SchemaRef,
    writer: ArrowWriter<Vec<u8>>,
}

impl ParquetEncoder {
    pub fn new(schema: &Schema) -> Result<Self, Unsupported> {
        let schema = mapped_schema(&normalized_schema(schema), known_to_parquet);
        check_types(Format::Parquet, &schema, probe)?;
        let writer = writer(schema.clone()).map_err(|error| Unsupported::schema(Format::Parquet, error))?;
        Ok(Self { schema, writer })
    }

    /// Adds rows and gives the bytes of the row groups that they completed, often none.
    pub fn write(&mut self, batch: &RecordBatch) -> Result<Vec<u8>, ArrowError> {
        self.writer.write(&normalize_batch(batch, &self.schema)?)?;
        if self.writer.memory_size() >= ROW_GROUP_BYTES {
            self.writer.flush()?;
        }
        Ok(self.take())
    }

    /// The rest of the file, with more entries for its key-value metadata.
    pub fn finish(mut self, key_values: Vec<(String, String)>) -> Result<Vec<u8>, ArrowError> {
        for (key, value) in key_values {
            self.writer.append_key_value_metadata(KeyValue::new(key, value));
        }
        Ok(self.writer.into_inner()?)
    }

    fn take(&mut self) -> Vec<u8> {
        std::mem::take(self.writer.inner_mut())
    }
}

fn writer(schema: SchemaRef) -> Result<ArrowWriter<Vec<u8>>, ParquetError> {
    let properties = WriterProperties::builder()
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(1)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .build();
    ArrowWriter::try_new(Vec::new(), schema, Some(properties))
}

/// Writes a null of the field's type: some types are refused by the schema, others not before the first value.
fn probe(field: &Field) -> Result<(), ArrowError> {
    if has_union(field.data_type()) {
        return Err(ArrowError::NotYetImplemented("unions".into())); // the library panics: ARROW-8817
    }
    let schema: SchemaRef = Arc::new(Schema::new(vec![field.clone().with_nullable(true)]));
    let nulls = RecordBatch::try_new(schema.clone(), vec![new_null_array(field.data_type(), 1)])?;
    let mut writer = writer(schema)?;
    writer.write(&nulls)?;
    writer.close()?;
    Ok(())
}

/// Parquet has no seconds and no dates in milliseconds: most readers would see bare integers.
fn known_to_parquet(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Timestamp(TimeUnit::Second, zone) => DataType::Timestamp(TimeUnit::Millisecond, zone.clone()),
        DataType::Time32(TimeUnit::Second) => DataType::Time32(TimeUnit::Millisecond),
        DataType::Date64 => DataType::Date32,
        known => known.clone(),
    }
}

fn has_union(data_type: &DataType) -> bool {
    use DataType::*;
    match data_type {
        Union(..) => true,
        Struct(fields) => fields.iter().any(|field| has_union(field.data_type())),
        List(item) | LargeList(item) | FixedSizeList(item, _) | Map(item, _) => has_union(item.data_type()),
        _ => false,
    }
}
