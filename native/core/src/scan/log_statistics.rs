//! What the log says of the values in files: the JSON text of each file, as columns.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, new_null_array};
use arrow::compute::{concat_batches, interleave};
use arrow::datatypes::{DataType, Field, Fields, Int64Type, Schema, SchemaRef};
use arrow::error::ArrowError;
use arrow::json::ReaderBuilder;
use arrow::record_batch::RecordBatch;

use super::bounds::{has_bounds, outward};

/// A row a file; an absent column is known of no file.
#[derive(Debug)]
pub struct LogStatistics {
    /// Rows in the files, those that are deleted among them.
    pub rows: ArrayRef,
    /// By place of the column in the files.
    pub columns: Vec<ColumnStatistics>,
}

/// Lower and upper bounds of the values, and how many are null.
#[derive(Debug)]
pub struct ColumnStatistics {
    pub min: Option<ArrayRef>,
    pub max: Option<ArrayRef>,
    pub nulls: Option<ArrayRef>,
}

impl LogStatistics {
    pub fn parse(texts: &[Option<String>], fields: &Fields) -> Result<Self, ArrowError> {
        let batch = parsed(texts, fields)?;
        let part = |name: &str, field: &Field| -> Option<ArrayRef> {
            batch
                .column_by_name(name)?
                .as_struct()
                .column_by_name(field.name())
                .cloned()
        };
        let columns = fields.iter().map(|field| {
            let (min, max) = outward(part("minValues", field), part("maxValues", field));
            let nulls = part("nullCount", field);
            ColumnStatistics { min, max, nulls }
        });
        Ok(Self {
            rows: batch.column(0).clone(),
            columns: columns.collect(),
        })
    }

    pub fn rows_of(&self, file: usize) -> Option<usize> {
        number_at(&self.rows, file)
    }

    /// Rows of others that have the same columns: of which, and which of it.
    pub fn picked(others: &[&Self], rows: &[(usize, usize)]) -> Result<Self, ArrowError> {
        let pick = |part: &dyn Fn(&Self) -> Option<&ArrayRef>| -> Result<Option<ArrayRef>, ArrowError> {
            let arrays: Option<Vec<&dyn Array>> = others.iter().map(|other| Some(part(other)?.as_ref())).collect();
            arrays.map(|arrays| interleave(&arrays, rows)).transpose()
        };
        let columns = others.first().map_or(0, |first| first.columns.len());
        let columns = (0..columns).map(|place| {
            Ok(ColumnStatistics {
                min: pick(&|other| other.columns[place].min.as_ref())?,
                max: pick(&|other| other.columns[place].max.as_ref())?,
                nulls: pick(&|other| other.columns[place].nulls.as_ref())?,
            })
        });
        let counts: Vec<&dyn Array> = others.iter().map(|other| other.rows.as_ref()).collect();
        Ok(Self {
            columns: columns.collect::<Result<_, ArrowError>>()?,
            rows: interleave(&counts, rows)?,
        })
    }
}

impl ColumnStatistics {
    pub fn nulls_of(&self, file: usize) -> Option<usize> {
        number_at(self.nulls.as_ref()?, file)
    }
}

/// A count that the log has for a file; what is negative is none.
fn number_at(counts: &ArrayRef, file: usize) -> Option<usize> {
    let counts = counts.as_primitive::<Int64Type>();
    counts
        .is_valid(file)
        .then(|| usize::try_from(counts.value(file)).ok())?
}

/// Where a text can't be read as the table's types say, it is read without bounds, or else nothing is known of its file.
fn parsed(texts: &[Option<String>], fields: &Fields) -> Result<RecordBatch, ArrowError> {
    let schema = statistics_schema(fields);
    if let Ok(batch) = decoded(texts, &schema) {
        return Ok(batch);
    }
    let counts = Arc::new(schema.project(&[0, 1])?);
    let each = texts.iter().map(|text| {
        let text = std::slice::from_ref(text);
        decoded(text, &schema)
            .or_else(|_| decoded(text, &counts).and_then(|batch| widened(&batch, &schema)))
            .or_else(|_| decoded(&[None], &schema))
    });
    let batches = each.collect::<Result<Vec<_>, _>>()?;
    concat_batches(&schema, &batches)
}

fn widened(batch: &RecordBatch, schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => column.clone(),
            None => new_null_array(field.data_type(), batch.num_rows()),
        });
    RecordBatch::try_new(schema.clone(), columns.collect())
}

fn statistics_schema(fields: &Fields) -> SchemaRef {
    let bounded = fields.iter().filter(|field| has_bounds(field.data_type()));
    let bounds: Fields = bounded
        .map(|field| Field::new(field.name(), plain_type(field.data_type()), true))
        .collect();
    let counted = fields.iter().filter(|field| !field.data_type().is_nested());
    let counts: Fields = counted
        .map(|field| Field::new(field.name(), DataType::Int64, true))
        .collect();
    Arc::new(Schema::new(vec![
        Field::new("numRecords", DataType::Int64, true),
        Field::new_struct("nullCount", counts, true),
        Field::new_struct("minValues", bounds.clone(), true),
        Field::new_struct("maxValues", bounds, true),
    ]))
}

/// As JSON is decoded to.
fn plain_type(data_type: &DataType) -> DataType {
    match data_type {
        DataType::Utf8View => DataType::Utf8,
        plain => plain.clone(),
    }
}

fn decoded(texts: &[Option<String>], schema: &SchemaRef) -> Result<RecordBatch, ArrowError> {
    let mut decoder = ReaderBuilder::new(schema.clone())
        .with_batch_size(texts.len().max(1))
        .build_decoder()?;
    for text in texts {
        let text = text.as_deref().filter(|text| !text.trim().is_empty()).unwrap_or("{}");
        decoder.decode(text.as_bytes())?;
        decoder.decode(b"\n")?;
    }
    let batch = decoder
        .flush()?
        .unwrap_or_else(|| RecordBatch::new_empty(schema.clone()));
    match batch.num_rows() == texts.len() {
        true => Ok(batch),
        false => Err(ArrowError::JsonError("a text isn't one object".to_owned())),
    }
}
