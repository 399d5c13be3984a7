//! Settings of DataFusion by their own names: those that harm neither the server nor the truth of a result.

use std::collections::BTreeMap;

use datafusion::prelude::SessionConfig;

use super::setting::{refused, unknown};
use crate::error::Result;

struct Allowed {
    name: &'static str,
    /// Whether equal queries can have other rows with another value.
    changes_results: bool,
}

const ALLOWED: [Allowed; 10] = [
    keeping("datafusion.execution.enable_recursive_ctes"),
    keeping("datafusion.explain.show_schema"),
    keeping("datafusion.explain.show_statistics"),
    keeping("datafusion.optimizer.default_filter_selectivity"),
    keeping("datafusion.optimizer.filter_null_join_keys"),
    keeping("datafusion.optimizer.prefer_existing_union"),
    keeping("datafusion.optimizer.repartition_file_min_size"),
    changing("datafusion.sql_parser.default_null_ordering"),
    changing("datafusion.sql_parser.enable_subquery_sort_elimination"),
    changing("datafusion.sql_parser.parse_float_as_decimal"),
];

const fn keeping(name: &'static str) -> Allowed {
    Allowed {
        name,
        changes_results: false,
    }
}

const fn changing(name: &'static str) -> Allowed {
    Allowed {
        name,
        changes_results: true,
    }
}

/// Answers those that change results.
pub fn apply(config: &mut SessionConfig, given: &BTreeMap<String, String>) -> Result<BTreeMap<String, String>> {
    let mut telling = BTreeMap::new();
    for (name, value) in given {
        let allowed = ALLOWED.iter().find(|allowed| allowed.name == name);
        let allowed = allowed.ok_or_else(|| unknown("overrides", name, ALLOWED.iter().map(|allowed| allowed.name)))?;
        config.options_mut().set(name, value).map_err(|error| {
            let message = format!("'{value}' is no value of {name}: {}", error.strip_backtrace());
            refused(&format!("overrides.{name}"), message)
        })?;
        if allowed.changes_results {
            telling.insert(name.clone(), value.clone());
        }
    }
    Ok(telling)
}
