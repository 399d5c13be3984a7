//! Durations and intervals as ISO 8601 text.

use super::number::{put, write_into};
use super::temporal::fraction;

const MINUTE: i64 = 60_000_000_000;

/// A duration in units of `10^-DIGITS` seconds: `PT3600S`, `-PT1.5S`.
pub(super) fn duration<const DIGITS: u32>(value: i64, out: &mut Vec<u8>) {
    out.extend_from_slice(if value < 0 { b"-PT" } else { b"PT" });
    seconds(value.unsigned_abs(), DIGITS, out);
}

/// Months, days and nanoseconds as PostgreSQL writes them, every part with its own sign: `P1Y2M-3DT-1.5S`.
pub(super) fn interval((months, days, nanos): (i32, i32, i64), out: &mut Vec<u8>) {
    out.push(b'P');
    part(i64::from(months / 12), b'Y', out);
    part(i64::from(months % 12), b'M', out);
    part(days.into(), b'D', out);
    if nanos == 0 && (months, days) != (0, 0) {
        return;
    }
    out.push(b'T');
    part(nanos / (60 * MINUTE), b'H', out);
    part(nanos / MINUTE % 60, b'M', out);
    let rest = nanos % MINUTE;
    if rest != 0 || nanos == 0 {
        out.extend_from_slice(if rest < 0 { b"-" } else { b"" });
        seconds(rest.unsigned_abs(), 9, out);
    }
}

fn part(value: i64, unit: u8, out: &mut Vec<u8>) {
    if value != 0 {
        write_into(out, value);
        out.push(unit);
    }
}

fn seconds(value: u64, digits: u32, out: &mut Vec<u8>) {
    let (whole, rest) = (value / 10u64.pow(digits), value % 10u64.pow(digits));
    put(whole, out);
    if rest != 0 {
        fraction(rest as u32, digits as usize, out);
        let kept = out.iter().rposition(|byte| *byte != b'0');
        out.truncate(kept.map_or(0, |last| last + 1));
    }
    out.push(b'S');
}
