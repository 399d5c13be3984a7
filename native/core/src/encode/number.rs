//! Digits: decimals with all their places, and bytes in hexadecimal.

use std::io::Write as _;

use arrow::array::{Array, AsArray};
use arrow::datatypes::*;
use serde::Serialize;

use super::values::{Notation, Write, numbers};

/// The decimals of an array of any width.
pub(super) fn decimals<'a, N: Notation>(array: &'a dyn Array, n: N) -> Write<'a> {
    match array.data_type() {
        DataType::Decimal32(_, scale) => narrow::<Decimal32Type, N>(array, *scale, n),
        DataType::Decimal64(_, scale) => narrow::<Decimal64Type, N>(array, *scale, n),
        DataType::Decimal128(_, scale) => narrow::<Decimal128Type, N>(array, *scale, n),
        _ => wide(array, n),
    }
}

fn narrow<'a, T, N: Notation>(array: &'a dyn Array, scale: i8, n: N) -> Write<'a>
where
    T: DecimalType,
    T::Native: Into<i128>,
{
    numbers::<T>(array, move |value, out| {
        n.decimal(|out| decimal(value.into(), scale, out), out)
    })
}

fn wide<'a, N: Notation>(array: &'a dyn Array, n: N) -> Write<'a> {
    let scale = array.as_primitive::<Decimal256Type>().scale();
    numbers::<Decimal256Type>(array, move |value, out| {
        let text = |out: &mut Vec<u8>| match value.to_i128() {
            Some(value) => decimal(value, scale, out),
            None => {
                let digits = value.to_string();
                let (sign, digits) = digits.split_at(usize::from(digits.starts_with('-')));
                out.extend_from_slice(sign.as_bytes());
                let start = out.len();
                out.extend_from_slice(digits.as_bytes());
                place_point(start, scale, out);
            }
        };
        n.decimal(text, out);
    })
}

fn decimal(value: i128, scale: i8, out: &mut Vec<u8>) {
    if value < 0 {
        out.push(b'-');
    }
    let start = out.len();
    match u64::try_from(value.unsigned_abs()) {
        Ok(small) => put(small, out),
        Err(_) => write_into(out, value.unsigned_abs()),
    }
    place_point(start, scale, out);
}

/// Puts the point, and zeros where they are missing, into the digits that begin at `start`.
fn place_point(start: usize, scale: i8, out: &mut Vec<u8>) {
    let places = usize::from(scale.unsigned_abs());
    if scale < 0 && out[start..] != *b"0" {
        out.resize(out.len() + places, b'0');
    }
    if scale <= 0 {
        return;
    }
    let digits = out.len() - start;
    if digits <= places {
        let missing = places + 1 - digits;
        out.resize(out.len() + missing, b'0');
        out[start..].rotate_right(missing);
    }
    out.insert(out.len() - places, b'.');
}

/// A number in its shortest exact digits, or whatever JSON makes of the value.
pub(super) fn put(value: impl Serialize, out: &mut Vec<u8>) {
    serde_json::to_writer(out, &value).expect("a Vec takes every byte");
}

/// A float in its shortest exact digits, or its name.
pub(super) fn float(value: impl Serialize + Copy + Into<f64>, out: &mut Vec<u8>) {
    match special(value.into()) {
        Some(name) => out.extend_from_slice(name.as_bytes()),
        None => put(value, out),
    }
}

pub(super) fn write_into(out: &mut Vec<u8>, value: impl std::fmt::Display) {
    write!(out, "{value}").expect("a Vec takes every byte");
}

/// Lower-case hexadecimal digits.
pub(super) fn hexadecimal(bytes: &[u8], out: &mut Vec<u8>) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let pairs = bytes
        .iter()
        .flat_map(|byte| [DIGITS[usize::from(byte >> 4)], DIGITS[usize::from(byte & 15)]]);
    out.extend(pairs);
}

/// The name of a float that JSON numbers don't know.
pub(super) fn special(value: f64) -> Option<&'static str> {
    match value {
        _ if value.is_nan() => Some("NaN"),
        f64::INFINITY => Some("Infinity"),
        f64::NEG_INFINITY => Some("-Infinity"),
        _ => None,
    }
}
