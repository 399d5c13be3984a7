//! Abilities of the planner that can be turned on and off.

use std::collections::BTreeMap;

use datafusion::config::ConfigOptions;
use datafusion::prelude::SessionConfig;

use super::setting::unknown;
use crate::error::Result;

struct Feature {
    name: &'static str,
    setting: &'static str,
    is_on: fn(&ConfigOptions) -> bool,
}

const FEATURES: [Feature; 4] = [
    Feature {
        name: "dynamic_filters",
        setting: "datafusion.optimizer.enable_dynamic_filter_pushdown",
        is_on: |options| options.optimizer.enable_dynamic_filter_pushdown,
    },
    Feature {
        name: "join_reordering",
        setting: "datafusion.optimizer.join_reordering",
        is_on: |options| options.optimizer.join_reordering,
    },
    Feature {
        name: "piecewise_merge_join",
        setting: "datafusion.optimizer.enable_piecewise_merge_join",
        is_on: |options| options.optimizer.enable_piecewise_merge_join,
    },
    Feature {
        name: "round_robin_repartition",
        setting: "datafusion.optimizer.enable_round_robin_repartition",
        is_on: |options| options.optimizer.enable_round_robin_repartition,
    },
];

pub fn apply(config: &mut SessionConfig, given: &BTreeMap<String, bool>) -> Result<()> {
    for (name, on) in given {
        let feature = FEATURES.iter().find(|feature| feature.name == name);
        let feature = feature.ok_or_else(|| unknown("features", name, FEATURES.iter().map(|feature| feature.name)))?;
        config.options_mut().set(feature.setting, &on.to_string())?;
    }
    Ok(())
}

/// Every feature, and whether it is on.
pub fn effective(options: &ConfigOptions) -> BTreeMap<String, bool> {
    let features = FEATURES
        .iter()
        .map(|feature| (feature.name.to_owned(), (feature.is_on)(options)));
    features.collect()
}
