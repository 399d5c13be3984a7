//! The names that the library's plan of a merge gives to its columns.

use std::sync::Arc;

use arrow::array::{
    ArrayRef, BooleanArray, BooleanBufferBuilder, DictionaryArray, RecordBatch, StringArray, UInt16Array,
};
use arrow::buffer::{BooleanBuffer, NullBuffer};
use arrow::datatypes::{DataType, Field, Schema, SchemaRef};
use datafusion::common::Result;

pub const DELETE: &str = "__delta_rs_delete";
/// Before the name of a column of the table: what the row has in it afterwards.
pub const VALUE: &str = "__delta_rs_c_";
pub const ORDINAL: &str = "__delta_rs_target_row_ordinal_in_file";
/// Which matches of one row exclude each other, where there is a clause for matches.
pub const CLASS: &str = "__delta_rs_match_cardinality_class";
pub const DELETION: i32 = 2;
pub const ACTION: i32 = 3;

/// Each is null for the rows that this is done to.
pub const INSERTED: &str = "__delta_rs_target_insert";
pub const UPDATED: &str = "__delta_rs_target_update";
pub const DELETED: &str = "__delta_rs_target_delete";
const COPIED: &str = "__delta_rs_target_copy";

/// What the library's barrier asks of rows to know the files that change.
pub fn touched(file: &str) -> SchemaRef {
    let name = DataType::Dictionary(Box::new(DataType::UInt16), Box::new(DataType::Utf8));
    let flags = [INSERTED, UPDATED, DELETED].map(|name| Field::new(name, DataType::Boolean, true));
    let fields = [Field::new(file, name, true)].into_iter().chain(flags);
    Arc::new(Schema::new(fields.collect::<Vec<_>>()))
}

/// A row with a change of `file`.
pub fn change_of(schema: &SchemaRef, file: &str) -> Result<RecordBatch> {
    let names: ArrayRef = Arc::new(StringArray::from(vec![file]));
    let name = DictionaryArray::try_new(UInt16Array::from(vec![0]), names)?;
    let flags = [0, 1, 0].map(|changed| flags(1, changed));
    let columns = [Arc::new(name) as ArrayRef].into_iter().chain(flags);
    Ok(RecordBatch::try_new(schema.clone(), columns.collect())?)
}

/// What the library counts.
pub fn counted() -> SchemaRef {
    let names = [INSERTED, UPDATED, DELETED, COPIED];
    let fields = names.map(|name| Field::new(name, DataType::Boolean, true));
    Arc::new(Schema::new(fields.to_vec()))
}

/// As many rows as were written or deleted.
#[derive(Debug, Default, Clone, Copy)]
pub struct Figures {
    pub inserted: usize,
    pub updated: usize,
    pub deleted: usize,
    pub copied: usize,
}

impl Figures {
    pub fn add(&mut self, others: Self) {
        self.inserted += others.inserted;
        self.updated += others.updated;
        self.deleted += others.deleted;
        self.copied += others.copied;
    }

    pub fn as_rows(&self, schema: &SchemaRef) -> Result<RecordBatch> {
        let counts = [self.inserted, self.updated, self.deleted, self.copied];
        let rows = counts.into_iter().max().unwrap_or_default();
        let columns = counts.map(|count| flags(rows, count));
        Ok(RecordBatch::try_new(schema.clone(), columns.to_vec())?)
    }
}

/// So many rows, of which so many have the flag.
fn flags(rows: usize, flagged: usize) -> ArrayRef {
    let mut valid = BooleanBufferBuilder::new(rows);
    valid.append_n(flagged, false);
    valid.append_n(rows - flagged, true);
    let values = BooleanBuffer::new_unset(rows);
    Arc::new(BooleanArray::new(values, Some(NullBuffer::new(valid.finish()))))
}
