//! Times as RFC 3339 writes them, with a time zone.

/// Whether the text is a date, `T`, a time and an offset; a leap second only where one can be.
pub fn is_date_time(text: &str) -> bool {
    let Some((date, time)) = text.split_at_checked(10) else {
        return false;
    };
    is_date(date.as_bytes()) && time.strip_prefix(['T', 't']).is_some_and(is_time)
}

fn is_date(date: &[u8]) -> bool {
    let (Some(year), Some(month), Some(day)) = (number(&date[..4]), number(&date[5..7]), number(&date[8..])) else {
        return false;
    };
    date[4] == b'-' && date[7] == b'-' && (1..=12).contains(&month) && (1..=days(year, month)).contains(&day)
}

fn days(year: u32, month: u32) -> u32 {
    match month {
        2 if year.is_multiple_of(4) && (!year.is_multiple_of(100) || year.is_multiple_of(400)) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

fn is_time(text: &str) -> bool {
    let Some((clock, rest)) = text.split_at_checked(8) else {
        return false;
    };
    let Some((hour, minute, second)) = clock_parts(clock.as_bytes()) else {
        return false;
    };
    let Some(offset) = offset_minutes(without_fraction(rest)) else {
        return false;
    };
    let leap = second == 60 && (hour * 60 + minute).rem_euclid(1440) == (1439 + offset).rem_euclid(1440);
    hour <= 23 && minute <= 59 && (second <= 59 || leap)
}

fn clock_parts(clock: &[u8]) -> Option<(i32, i32, i32)> {
    if clock[2] != b':' || clock[5] != b':' {
        return None;
    }
    let part = |from: usize| number(&clock[from..from + 2]).map(|value| value as i32);
    Some((part(0)?, part(3)?, part(6)?))
}

fn without_fraction(text: &str) -> &str {
    let Some(fraction) = text.strip_prefix('.') else {
        return text;
    };
    let rest = fraction.trim_start_matches(|digit: char| digit.is_ascii_digit());
    if rest.len() < fraction.len() { rest } else { text }
}

fn offset_minutes(text: &str) -> Option<i32> {
    if text == "Z" || text == "z" {
        return Some(0);
    }
    let bytes = text.as_bytes();
    if bytes.len() != 6 || bytes[3] != b':' {
        return None;
    }
    let sign = match bytes[0] {
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let (hours, minutes) = (number(&bytes[1..3])? as i32, number(&bytes[4..])? as i32);
    (hours <= 23 && minutes <= 59).then_some(sign * (hours * 60 + minutes))
}

fn number(digits: &[u8]) -> Option<u32> {
    let digit = |value: u32, byte: &u8| byte.is_ascii_digit().then(|| value * 10 + u32::from(byte - b'0'));
    digits.iter().try_fold(0, digit)
}
