//! What JSON and MessagePack write around the rows: the members of a map whose braces, and other members, whoever sends it
//! adds. They are the same for every sending of a result.

use serde::Serialize;

use crate::encode::{Format, msgpack};
use crate::error::{Error, Result};
use crate::generated::QueryHead;

/// The members after the rows: they are known only when the rows are.
#[derive(Serialize)]
struct Trailer {
    row_count: i64,
    truncated: bool,
}

/// Whether the document can't begin before its last row is known: MessagePack writes lengths first.
pub fn needs_count(format: Format) -> bool {
    format == Format::Msgpack
}

/// The members up to the first row.
pub fn head(format: Format, head: &QueryHead, rows: i64) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    match format {
        Format::Json => {
            out.extend_from_slice(br#""schema":"#);
            json(&head.schema, &mut out)?;
            out.extend_from_slice(br#","tables":"#);
            json(&head.tables, &mut out)?;
            out.extend_from_slice(br#","data":["#);
        }
        Format::Msgpack => {
            member("schema", &head.schema, &mut out)?;
            member("tables", &head.tables, &mut out)?;
            msgpack::string("data", &mut out);
            msgpack::array_head(rows as u32, &mut out);
        }
        Format::Ndjson | Format::Csv | Format::Arrow | Format::Parquet => {}
    }
    Ok(out)
}

/// The members after the last row.
pub fn tail(format: Format, row_count: i64, truncated: bool) -> Result<Vec<u8>> {
    let trailer = Trailer { row_count, truncated };
    let mut out = Vec::new();
    match format {
        Format::Json => {
            let mut members = Vec::new();
            json(&trailer, &mut members)?;
            out.extend_from_slice(b"],");
            out.extend_from_slice(&members[1..members.len() - 1]);
        }
        Format::Msgpack => {
            member("row_count", &trailer.row_count, &mut out)?;
            member("truncated", &trailer.truncated, &mut out)?;
        }
        Format::Ndjson | Format::Csv | Format::Arrow | Format::Parquet => {}
    }
    Ok(out)
}

fn json(value: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    serde_json::to_writer(out, value).map_err(|error| Error::internal(error.to_string()))
}

fn member(name: &str, value: &impl Serialize, out: &mut Vec<u8>) -> Result<()> {
    msgpack::string(name, out);
    msgpack::value(value, out).map_err(|error| Error::internal(error.to_string()))
}
