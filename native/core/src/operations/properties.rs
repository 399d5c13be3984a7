//! Sets table properties, of which the library would store any, and obey few.

use std::collections::BTreeMap;

use super::report::Report;
use super::task::Task;
use crate::commit::Isolation;
use crate::error::{Error, Result};
use crate::generated::{DeltaSetPropertiesRequest, ErrorCode};
use crate::sql::closest;

/// What a value must be.
#[derive(Clone, Copy)]
enum Value {
    Boolean,
    /// A whole number, at least this.
    Number(i64),
    /// `interval 7 days`.
    Interval,
    OneOf(&'static [&'static str]),
    Columns,
}

/// Properties of Delta that this engine keeps to, or that readers of the table do.
const PROPERTIES: [(&str, Value); 15] = [
    ("delta.appendOnly", Value::Boolean),
    ("delta.checkpointInterval", Value::Number(1)),
    ("delta.checkpoint.writeStatsAsJson", Value::Boolean),
    ("delta.checkpoint.writeStatsAsStruct", Value::Boolean),
    ("delta.checkpointPolicy", Value::OneOf(&["classic"])),
    ("delta.columnMapping.mode", Value::OneOf(&["none", "name", "id"])),
    ("delta.dataSkippingNumIndexedCols", Value::Number(-1)),
    ("delta.dataSkippingStatsColumns", Value::Columns),
    ("delta.deletedFileRetentionDuration", Value::Interval),
    ("delta.enableChangeDataFeed", Value::Boolean),
    ("delta.enableDeletionVectors", Value::Boolean),
    ("delta.enableExpiredLogCleanup", Value::Boolean),
    ("delta.isolationLevel", Value::OneOf(&["Serializable"])),
    ("delta.logRetentionDuration", Value::Interval),
    ("delta.targetFileSize", Value::Number(1)),
];

const UNITS: [&str; 8] = [
    "microsecond",
    "millisecond",
    "second",
    "minute",
    "hour",
    "day",
    "week",
    "nanosecond",
];

pub async fn set_properties(task: &Task, request: &DeltaSetPropertiesRequest) -> Result<Report> {
    check(&request.properties)?;
    let done = task.commit(Isolation::Append, true, async |base| {
        let builder = base
            .table()
            .await?
            .set_tbl_properties()
            .with_properties(request.properties.clone().into_iter().collect())
            .with_raise_if_not_exists(false);
        builder.with_commit_properties(base.properties).await.map(drop)
    });
    Ok(done.await?.maintenance())
}

/// Properties outside of `delta.` are free text.
pub fn check(properties: &BTreeMap<String, String>) -> Result<()> {
    let delta = properties.iter().filter(|(name, _)| name.starts_with("delta."));
    for (name, value) in delta {
        let known = PROPERTIES.iter().find(|(known, _)| known == name);
        let Some((_, kind)) = known else {
            return Err(unknown(name));
        };
        if let Some(wanted) = kind.fault(value) {
            let message = format!("{name} must be {wanted}, not '{value}'");
            return Err(Error::new(ErrorCode::PropertyNotAllowed, message).with("property", name.as_str()));
        }
    }
    Ok(())
}

impl Value {
    /// What the value should have been.
    fn fault(self, value: &str) -> Option<String> {
        match self {
            Self::Boolean => (!["true", "false"].contains(&value)).then(|| "true or false".to_owned()),
            Self::Number(least) => {
                let fits = value.parse::<i64>().is_ok_and(|number| number >= least);
                (!fits).then(|| format!("a whole number from {least} on"))
            }
            Self::Interval => (!is_interval(value)).then(|| "an interval such as 'interval 7 days'".to_owned()),
            Self::OneOf(values) => (!values.contains(&value)).then(|| values.join(" or ")),
            Self::Columns => value.trim().is_empty().then(|| "a list of columns".to_owned()),
        }
    }
}

fn is_interval(text: &str) -> bool {
    let mut words = text.split_whitespace();
    let (interval, number, unit) = (words.next(), words.next(), words.next());
    interval.is_some_and(|word| word.eq_ignore_ascii_case("interval"))
        && number.is_some_and(|word| word.parse::<u32>().is_ok())
        && unit.is_some_and(|word| UNITS.contains(&word.to_ascii_lowercase().trim_end_matches('s')))
        && words.next().is_none()
}

fn unknown(name: &str) -> Error {
    let hint = match closest(name, PROPERTIES.iter().map(|(known, _)| *known)) {
        Some(near) => format!("Did you mean {near}?"),
        None => {
            let known: Vec<_> = PROPERTIES.iter().map(|(known, _)| *known).collect();
            format!("Properties: {}", known.join(", "))
        }
    };
    let way = match name {
        "delta.minReaderVersion" | "delta.minWriterVersion" => {
            "The protocol follows from the features, see POST …/features. "
        }
        name if name.starts_with("delta.constraints.") => "Constraints have a route of their own, …/constraints. ",
        name if name.starts_with("delta.feature.") => "Features have a route of their own, …/features. ",
        _ => "",
    };
    let message = format!("The property {name} can't be set here. {way}{hint}");
    Error::new(ErrorCode::PropertyNotAllowed, message).with("property", name)
}
