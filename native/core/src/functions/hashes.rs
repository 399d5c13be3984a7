//! Hashes and ids that are the same on every machine, in every version and in any language: they are taken of the
//! canonical MessagePack of the arguments (`schemas/canonical`).

use std::io;
use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Int64Array, StringArray};
use arrow::datatypes::{DataType, Float64Type, Int64Type, UInt64Type};
use datafusion::common::{Result, plan_err};
use datafusion::logical_expr::{DocSection, Documentation};
use rmp::encode as write;
use sha2::{Digest, Sha256};
use xxhash_rust::xxh64::xxh64;

use super::function::{Example, Function};

/// Hexadecimal digits of an id, half of those of its SHA-256.
const ID_DIGITS: usize = 32;

const SECTION: DocSection = DocSection {
    include: true,
    label: "Stable hashes and ids",
    description: None,
};

pub fn functions() -> Vec<Function> {
    vec![
        Function::new(
            "stable_hash64",
            hashable,
            |_| Ok(DataType::Int64),
            |arguments| Ok(Arc::new(digests(arguments, hash64)?.collect::<Int64Array>())),
            Documentation::builder(
                SECTION,
                "A 64-bit hash of its arguments that never changes: XXH64 with seed 0, as a signed integer, of the canonical MessagePack array of them. Integers of all widths hash alike, so do floats (-0.0 as 0.0, NaN as the one with bits 7ff8000000000000) and texts; dates, times and decimals hash as their text; NULL is a value.",
                "stable_hash64(value[, ...])",
            )
            .with_argument("value", "A value of a type that isn't nested.")
            .build(),
            &[
                Example {
                    sql: "SELECT stable_hash64('SEA', 12) AS hash",
                    rows: r#"[{"hash": 5066542888194614505}]"#,
                },
                Example {
                    sql: "SELECT stable_hash64(CAST(1 AS TINYINT)) = stable_hash64(CAST(1 AS BIGINT)) AS same",
                    rows: r#"[{"same": true}]"#,
                },
            ],
        ),
        Function::new(
            "stable_id",
            prefixed,
            |_| Ok(DataType::Utf8),
            |arguments| {
                let prefixes = arguments[0].as_string::<i32>().iter();
                let ids = prefixes.zip(digests(&arguments[1..], id)?);
                let ids = ids.map(|(prefix, id)| prefix.map(|prefix| format!("{prefix}_{id}")));
                Ok(Arc::new(ids.collect::<StringArray>()))
            },
            Documentation::builder(
                SECTION,
                "An id made of what it stands for: the prefix, an underscore, and the first 32 hexadecimal digits of the SHA-256 of the canonical MessagePack array of the parts. The same parts always have the same id.",
                "stable_id(prefix, part[, ...])",
            )
            .with_argument("prefix", "What is named, such as 'flight'.")
            .with_argument("part", "A value of a type that isn't nested, as stable_hash64 takes it.")
            .build(),
            &[Example {
                sql: "SELECT stable_id('flight', 'SEA', 12) AS id",
                rows: r#"[{"id": "flight_34d8c95a88e49b3c79eb1f7cb80ce621"}]"#,
            }],
        ),
    ]
}

fn hash64(bytes: &[u8]) -> i64 {
    xxh64(bytes, 0) as i64
}

fn id(bytes: &[u8]) -> String {
    hex::encode(&Sha256::digest(bytes)[..ID_DIGITS / 2])
}

fn hashable(types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [] => plan_err!("stable_hash64 takes at least one value"),
        types => types.iter().map(canonical).collect(),
    }
}

fn prefixed(types: &[DataType]) -> Result<Vec<DataType>> {
    match types {
        [] | [_] => plan_err!("stable_id takes a prefix and at least one part"),
        [_, parts @ ..] => {
            let parts = parts.iter().map(canonical);
            std::iter::once(Ok(DataType::Utf8)).chain(parts).collect()
        }
    }
}

/// The type in which values of a type are hashed.
fn canonical(data_type: &DataType) -> Result<DataType> {
    Ok(match data_type {
        DataType::Null | DataType::Boolean => data_type.clone(),
        DataType::UInt64 => DataType::UInt64,
        integer if integer.is_integer() => DataType::Int64,
        float if float.is_floating() => DataType::Float64,
        binary if binary.is_binary() => DataType::Binary,
        DataType::FixedSizeBinary(_) => DataType::Binary,
        DataType::Dictionary(_, values) => canonical(values)?,
        nested if nested.is_nested() => {
            return plan_err!("A value of type {nested} has no stable hash: hash its parts");
        }
        _ => DataType::Utf8,
    })
}

/// What `digest` makes of the canonical bytes of each row.
fn digests<T>(arguments: &[ArrayRef], digest: fn(&[u8]) -> T) -> Result<impl Iterator<Item = T>> {
    let rows = arguments[0].len();
    let mut digests = Vec::with_capacity(rows);
    let mut bytes = Vec::new();
    for row in 0..rows {
        bytes.clear();
        encode(&mut bytes, arguments, row)?;
        digests.push(digest(&bytes));
    }
    Ok(digests.into_iter())
}

fn encode(bytes: &mut Vec<u8>, arguments: &[ArrayRef], row: usize) -> io::Result<()> {
    write::write_array_len(bytes, arguments.len() as u32)?;
    arguments
        .iter()
        .try_for_each(|argument| encode_value(bytes, argument, row))
}

fn encode_value(bytes: &mut Vec<u8>, values: &ArrayRef, row: usize) -> io::Result<()> {
    if values.is_null(row) || *values.data_type() == DataType::Null {
        return write::write_nil(bytes);
    }
    match values.data_type() {
        DataType::Boolean => write::write_bool(bytes, values.as_boolean().value(row))?,
        DataType::Int64 => drop(write::write_sint(bytes, values.as_primitive::<Int64Type>().value(row))?),
        DataType::UInt64 => drop(write::write_uint(
            bytes,
            values.as_primitive::<UInt64Type>().value(row),
        )?),
        DataType::Float64 => write::write_f64(bytes, one_form(values.as_primitive::<Float64Type>().value(row)))?,
        DataType::Binary => write::write_bin(bytes, values.as_binary::<i32>().value(row))?,
        _ => write::write_str(bytes, values.as_string::<i32>().value(row))?,
    }
    Ok(())
}

/// Numbers that are equal in SQL have one form.
fn one_form(value: f64) -> f64 {
    match value {
        nan if nan.is_nan() => f64::NAN,
        other => other + 0.0,
    }
}
