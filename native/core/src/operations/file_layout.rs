//! How the columns of data files are laid out.

use std::sync::Arc;

use arrow::datatypes::{DataType, Field, Fields};
use parquet::basic::{Compression, Encoding};
use parquet::file::properties::WriterProperties;
use parquet::schema::types::ColumnPath;

use crate::scan::stored_name;

/// Encoded bytes of a row group: one is in memory, several times over when it ends.
const ROW_GROUP: usize = 8 << 20;
/// Bytes of a column's different values up to which rows refer to them: whoever reads one row reads all of these first.
const DICTIONARY: usize = 128 << 10;
/// Digits of the longest decimals that are stored as whole numbers.
const DIGITS: u8 = 18;

/// For files whose columns have these fields in each of the schemas that know them. Whole numbers are stored by how they
/// differ: such pages are smaller than Snappy makes plain ones, and it is Snappy that reading them would take the time for.
pub fn file_layout(schemas: &[&Fields]) -> WriterProperties {
    let layout = WriterProperties::builder()
        .set_compression(Compression::SNAPPY)
        .set_dictionary_page_size_limit(DICTIONARY)
        .set_max_row_group_bytes(Some(ROW_GROUP));
    let columns = schemas.iter().flat_map(|fields| fields.iter());
    let whole = columns.filter(|field| {
        let same = schemas.iter().filter_map(|fields| fields.find(field.name()));
        same.map(|(_, field)| field).all(is_whole_number)
    });
    let layout = whole.fold(layout, |layout, field| {
        layout.set_column_encoding(ColumnPath::from(stored_name(field)), Encoding::DELTA_BINARY_PACKED)
    });
    layout.build()
}

fn is_whole_number(field: &Arc<Field>) -> bool {
    match field.data_type() {
        DataType::Int8 | DataType::Int16 | DataType::Int32 | DataType::Int64 => true,
        DataType::Date32 | DataType::Timestamp(..) => true,
        DataType::Decimal128(digits, _) => *digits <= DIGITS,
        _ => false,
    }
}
