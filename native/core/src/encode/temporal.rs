//! Dates, times and timestamps as ISO 8601 text.

use std::fmt::Debug;

use arrow::array::timezone::Tz;
use arrow::array::{Array, ArrowPrimitiveType};
use arrow::datatypes::*;
use arrow::error::ArrowError;
use arrow::temporal_conversions::{as_datetime, date32_to_datetime, date64_to_datetime};
use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, Offset, TimeDelta, TimeZone, Timelike};

use super::duration::{duration, interval};
use super::number::write_into;
use super::values::{Notation, Write, checked_numbers};
use crate::type_name::type_name;

/// The texts of a temporal array.
pub(super) fn texts<'a, N: Notation>(array: &'a dyn Array, n: N) -> Result<Write<'a>, ArrowError> {
    use DataType::{Date32, Date64, Duration, Interval, Time32, Time64, Timestamp};
    use IntervalUnit::{DayTime, YearMonth};
    use TimeUnit::*;
    Ok(match array.data_type() {
        Date32 => text::<Date32Type, N, _>(array, n, date32_to_datetime, |value, out| date(value.date(), out)),
        Date64 => text::<Date64Type, N, _>(array, n, date64_to_datetime, date64),
        Time32(Second) => text::<Time32SecondType, N, _>(array, n, |value| clock(value.into(), 1), time),
        Time32(_) => text::<Time32MillisecondType, N, _>(array, n, |value| clock(value.into(), 1_000), time),
        Time64(Microsecond) => text::<Time64MicrosecondType, N, _>(array, n, |value| clock(value, 1_000_000), time),
        Time64(_) => text::<Time64NanosecondType, N, _>(array, n, |value| clock(value, 1_000_000_000), time),
        Timestamp(Second, zone) => timestamp::<TimestampSecondType, N>(array, zone.as_deref(), n)?,
        Timestamp(Millisecond, zone) => timestamp::<TimestampMillisecondType, N>(array, zone.as_deref(), n)?,
        Timestamp(Microsecond, zone) => timestamp::<TimestampMicrosecondType, N>(array, zone.as_deref(), n)?,
        Timestamp(Nanosecond, zone) => timestamp::<TimestampNanosecondType, N>(array, zone.as_deref(), n)?,
        Duration(Second) => text::<DurationSecondType, N, _>(array, n, Some, duration::<0>),
        Duration(Millisecond) => text::<DurationMillisecondType, N, _>(array, n, Some, duration::<3>),
        Duration(Microsecond) => text::<DurationMicrosecondType, N, _>(array, n, Some, duration::<6>),
        Duration(Nanosecond) => text::<DurationNanosecondType, N, _>(array, n, Some, duration::<9>),
        Interval(YearMonth) => text::<IntervalYearMonthType, N, _>(array, n, |months| Some((months, 0, 0)), interval),
        Interval(DayTime) => {
            let parts = |value: IntervalDayTime| Some((0, value.days, i64::from(value.milliseconds) * 1_000_000));
            text::<IntervalDayTimeType, N, _>(array, n, parts, interval)
        }
        _ => {
            let parts = |value: IntervalMonthDayNano| Some((value.months, value.days, value.nanoseconds));
            text::<IntervalMonthDayNanoType, N, _>(array, n, parts, interval)
        }
    })
}

/// Writes what `read` makes of each number, and fails where it makes nothing of it.
fn text<'a, T: ArrowPrimitiveType, N: Notation, V: 'a>(
    array: &'a dyn Array,
    n: N,
    read: impl Fn(T::Native) -> Option<V> + 'a,
    write: impl Fn(V, &mut Vec<u8>) + 'a,
) -> Write<'a> {
    let data_type = array.data_type();
    checked_numbers::<T>(array, move |number, out| {
        let value = read(number).ok_or_else(|| no_text(number, data_type))?;
        n.text(|out| write(value, out), out);
        Ok(())
    })
}

fn no_text(number: impl Debug, data_type: &DataType) -> ArrowError {
    let name = type_name(data_type);
    ArrowError::CastError(format!(
        "{number:?} as {name} is beyond the dates and times that can be written"
    ))
}

fn timestamp<'a, T, N>(array: &'a dyn Array, zone: Option<&str>, n: N) -> Result<Write<'a>, ArrowError>
where
    T: ArrowTimestampType,
    N: Notation,
{
    Ok(match zone {
        None => text::<T, N, _>(array, n, as_datetime::<T>, date_time),
        Some("UTC" | "+00:00" | "Z") => text::<T, N, _>(array, n, |value| Some((as_datetime::<T>(value)?, 0)), zoned),
        Some(zone) => {
            let zone: Tz = zone.parse()?;
            text::<T, N, _>(array, n, move |value| local(as_datetime::<T>(value)?, zone), zoned)
        }
    })
}

/// The local time and its offset in minutes: RFC 3339 has no seconds there, and dropping them from both keeps the instant.
fn local(utc: NaiveDateTime, zone: Tz) -> Option<(NaiveDateTime, i32)> {
    let minutes = zone
        .offset_from_utc_datetime(&utc)
        .fix()
        .local_minus_utc()
        .div_euclid(60);
    Some((utc.checked_add_signed(TimeDelta::minutes(minutes.into()))?, minutes))
}

fn zoned((local, minutes): (NaiveDateTime, i32), out: &mut Vec<u8>) {
    date_time(local, out);
    if minutes == 0 {
        return out.push(b'Z');
    }
    let sign = if minutes < 0 { b'-' } else { b'+' };
    let ([h, i], [m, j]) = (pair(minutes.unsigned_abs() / 60), pair(minutes.unsigned_abs() % 60));
    out.extend_from_slice(&[sign, h, i, b':', m, j]);
}

fn date_time(value: NaiveDateTime, out: &mut Vec<u8>) {
    date(value.date(), out);
    out.push(b'T');
    time(value.time(), out);
}

/// Milliseconds that should be whole days, and are written as they are where they aren't.
fn date64(value: NaiveDateTime, out: &mut Vec<u8>) {
    match value.time() == NaiveTime::MIN {
        true => date(value.date(), out),
        false => date_time(value, out),
    }
}

fn date(date: NaiveDate, out: &mut Vec<u8>) {
    let ([m, n], [d, e]) = (pair(date.month()), pair(date.day()));
    match u32::try_from(date.year()) {
        Ok(year @ 0..=9999) => {
            let ([x, y], [z, w]) = (pair(year / 100), pair(year % 100));
            out.extend_from_slice(&[x, y, z, w, b'-', m, n, b'-', d, e]);
        }
        _ => {
            write_into(out, format_args!("{:+05}", date.year()));
            out.extend_from_slice(&[b'-', m, n, b'-', d, e]);
        }
    }
}

fn clock(value: i64, per_second: i64) -> Option<NaiveTime> {
    let seconds = u32::try_from(value.div_euclid(per_second)).ok()?;
    let nanos = u32::try_from(value.rem_euclid(per_second) * (1_000_000_000 / per_second)).ok()?;
    NaiveTime::from_num_seconds_from_midnight_opt(seconds, nanos)
}

fn time(time: NaiveTime, out: &mut Vec<u8>) {
    let ([h, i], [m, n], [s, t]) = (pair(time.hour()), pair(time.minute()), pair(time.second()));
    out.extend_from_slice(&[h, i, b':', m, n, b':', s, t]);
    match time.nanosecond() {
        0 => {}
        nanos if nanos.is_multiple_of(1_000_000) => fraction(nanos / 1_000_000, 3, out),
        nanos if nanos.is_multiple_of(1_000) => fraction(nanos / 1_000, 6, out),
        nanos => fraction(nanos, 9, out),
    }
}

/// Two decimal digits.
fn pair(value: u32) -> [u8; 2] {
    [b'0' + (value / 10) as u8, b'0' + (value % 10) as u8]
}

/// A point and so many digits.
pub(super) fn fraction(mut value: u32, digits: usize, out: &mut Vec<u8>) {
    let mut text = *b".000000000";
    for digit in text[1..=digits].iter_mut().rev() {
        *digit += (value % 10) as u8;
        value /= 10;
    }
    out.extend_from_slice(&text[..=digits]);
}
