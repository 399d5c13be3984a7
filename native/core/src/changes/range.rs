//! The versions whose changes are asked for.

use std::ops::RangeInclusive;

use chrono::{DateTime, Utc};

use crate::error::{Error, Result};
use crate::generated::{DeltaCdfOptions, ErrorCode};
use crate::table::{parse_time, rfc3339};

/// Commits whose files are still there, with their times, both ascending.
pub type Commits = [(i64, DateTime<Utc>)];

/// The versions that `options` mean; none where no commit lies between two times, or where a range that begins beyond
/// the newest version is allowed.
pub fn versions(options: &DeltaCdfOptions, commits: &Commits) -> Result<Option<RangeInclusive<i64>>> {
    let Some((first, last)) = commits.first().zip(commits.last()) else {
        return Err(expired(0, None));
    };
    refuse_backwards(options)?;
    let start = match (options.starting_version, &options.starting_timestamp) {
        (Some(version), _) if version > last.0 => out_of_range(options, newest_version(version, last.0))?,
        (Some(version), _) => Some(version),
        (None, Some(text)) => match parse_time(text)? {
            time if time > last.1 => out_of_range(options, newest_time(time, last))?,
            // What was committed between that time and the first commit that is left is gone.
            time if time < first.1 && first.0 > 0 => return Err(expired(0, Some(first.0))),
            time => Some(commits[commits.partition_point(|(_, committed)| *committed < time)].0),
        },
        (None, None) => Some(0),
    };
    let Some(start) = start else {
        return Ok(None);
    };
    let end = match (options.ending_version, &options.ending_timestamp) {
        (Some(version), _) if version > last.0 => {
            out_of_range(options, newest_version(version, last.0))?;
            last.0
        }
        (Some(version), _) => version,
        (None, Some(text)) => match parse_time(text)? {
            time if time > last.1 => {
                out_of_range(options, newest_time(time, last))?;
                last.0
            }
            time => match commits.partition_point(|(_, committed)| *committed <= time) {
                0 => return Ok(None),
                after => commits[after - 1].0,
            },
        },
        (None, None) => last.0,
    };
    if start > end {
        return Ok(None);
    }
    match commits.iter().any(|(version, _)| *version == start) {
        true => Ok(Some(start..=end)),
        false => Err(expired(start, Some(first.0))),
    }
}

/// Changes that are gone, since `version` or its files were cleaned up.
pub fn expired(version: i64, earliest: Option<i64>) -> Error {
    let message = format!("The changes of version {version} are gone: its log was cleaned up");
    let error = Error::new(ErrorCode::ChangeDataExpired, message).with("version", version);
    match earliest {
        Some(earliest) => error.with("earliest", earliest),
        None => error,
    }
}

fn refuse_backwards(options: &DeltaCdfOptions) -> Result<()> {
    let versions = options.starting_version.zip(options.ending_version);
    let times = match (&options.starting_timestamp, &options.ending_timestamp) {
        (Some(start), Some(end)) => Some((parse_time(start)?, parse_time(end)?)),
        _ => None,
    };
    if versions.is_some_and(|(start, end)| start > end) || times.is_some_and(|(start, end)| start > end) {
        let message = "The range of changes starts after it ends: exchange its ends";
        return Err(Error::new(ErrorCode::InvalidRequest, message));
    }
    Ok(())
}

/// A range beyond the newest version is empty where it is allowed, and else refused.
fn out_of_range(options: &DeltaCdfOptions, error: Error) -> Result<Option<i64>> {
    match options.allow_out_of_range {
        true => Ok(None),
        false => Err(error),
    }
}

fn newest_version(version: i64, newest: i64) -> Error {
    let message = format!("There is no version {version}: the newest is {newest}");
    Error::new(ErrorCode::VersionNotFound, message).with("latest", newest)
}

fn newest_time(time: DateTime<Utc>, newest: &(i64, DateTime<Utc>)) -> Error {
    let latest = rfc3339(newest.1);
    let message = format!(
        "{} is after the newest version: {} was committed at {latest}",
        rfc3339(time),
        newest.0
    );
    Error::new(ErrorCode::VersionNotFound, message).with("latest", latest)
}
