//! The rules that schemas put on values, as JSON Schema means them.

use std::collections::BTreeMap;
use std::fmt::Display;

use serde_json::Value;

use super::date_time::is_date_time;
use super::violation::{At, Validate, Verdict, Violation};

pub fn valid<T: Validate>(value: &T) -> Verdict {
    value.validate()
}

pub fn some<T>(value: &Option<T>, check: impl FnOnce(&T) -> Verdict) -> Verdict {
    value.as_ref().map_or(Ok(()), check)
}

pub fn each_item<T>(items: &[T], check: impl Fn(&T) -> Verdict) -> Verdict {
    let mut numbered = items.iter().enumerate();
    numbered.try_for_each(|(index, item)| check(item).at(&index.to_string()))
}

pub fn each_value<T>(map: &BTreeMap<String, T>, check: impl Fn(&T) -> Verdict) -> Verdict {
    map.iter().try_for_each(|(name, value)| check(value).at(name))
}

pub fn each_name<T>(map: &BTreeMap<String, T>, check: impl Fn(&str) -> Verdict) -> Verdict {
    map.keys().try_for_each(|name| check(name))
}

pub fn minimum<T: PartialOrd + Display>(value: &T, limit: T) -> Verdict {
    keep(*value >= limit, "minimum", || format!("must be >= {limit}"))
}

pub fn maximum<T: PartialOrd + Display>(value: &T, limit: T) -> Verdict {
    keep(*value <= limit, "maximum", || format!("must be <= {limit}"))
}

pub fn min_length(text: &str, limit: usize) -> Verdict {
    keep(text.chars().count() >= limit, "minLength", || match limit {
        1 => "must not be empty".to_string(),
        _ => format!("must have at least {limit} characters"),
    })
}

pub fn max_length(text: &str, limit: usize) -> Verdict {
    keep(text.chars().count() <= limit, "maxLength", || {
        format!("must have at most {limit} characters")
    })
}

pub fn min_items<T>(items: &[T], limit: usize) -> Verdict {
    keep(items.len() >= limit, "minItems", || {
        format!("must have at least {limit} items")
    })
}

#[allow(dead_code, reason = "generated rules call what the schemas use today")]
pub fn max_items<T>(items: &[T], limit: usize) -> Verdict {
    keep(items.len() <= limit, "maxItems", || {
        format!("must have at most {limit} items")
    })
}

pub fn unique_items<T: PartialEq>(items: &[T]) -> Verdict {
    let unique = items
        .iter()
        .enumerate()
        .all(|(index, item)| !items[..index].contains(item));
    keep(unique, "uniqueItems", || {
        "must not have the same item twice".to_string()
    })
}

pub fn min_properties<T>(map: &BTreeMap<String, T>, limit: usize) -> Verdict {
    keep(map.len() >= limit, "minProperties", || {
        format!("must have at least {limit} entries")
    })
}

pub fn max_properties<T>(map: &BTreeMap<String, T>, limit: usize) -> Verdict {
    keep(map.len() <= limit, "maxProperties", || {
        format!("must have at most {limit} entries")
    })
}

pub fn date_time(text: &str) -> Verdict {
    keep(is_date_time(text), "format", || {
        "must be a time such as 2026-01-15T09:30:00Z".to_string()
    })
}

pub fn one_of_types(value: &Value, types: &[&str]) -> Verdict {
    let name = match value {
        Value::Null => "null",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::String(_) => "string",
        Value::Array(_) => "array",
        Value::Object(_) => "object",
    };
    keep(types.contains(&name), "type", || {
        format!("must be {}", types.join(" or "))
    })?;
    any(value)
}

/// Free JSON, whose integers must fit in 64 bits all the same.
pub fn any(value: &Value) -> Verdict {
    match value {
        Value::Number(number) => keep(!number.is_u64() || number.is_i64(), "format", || {
            "must fit in a signed 64-bit integer".to_string()
        }),
        Value::Array(items) => each_item(items, any),
        Value::Object(map) => map.iter().try_for_each(|(name, value)| any(value).at(name)),
        _ => Ok(()),
    }
}

pub fn exactly_one(conditions: &[bool], fields: &str) -> Verdict {
    let met = conditions.iter().filter(|met| **met).count();
    keep(met == 1, "oneOf", || format!("must have exactly one of {fields}"))
}

pub fn at_least_one(conditions: &[bool], fields: &str) -> Verdict {
    keep(conditions.contains(&true), "anyOf", || {
        format!("must have at least one of {fields}")
    })
}

pub fn none(conditions: &[bool], fields: &str) -> Verdict {
    keep(!conditions.contains(&true), "not", || {
        format!("must not have these together: {fields}")
    })
}

fn keep(kept: bool, keyword: &'static str, message: impl FnOnce() -> String) -> Verdict {
    if kept {
        Ok(())
    } else {
        Err(Violation::new(keyword, message()))
    }
}
