//! The rules that make of a physical plan what runs: first those whose outcome is the same for each run, then those that hand
//! down what operators learn while they run, and those that count on it.

use std::sync::Arc;

use datafusion::execution::{SessionState, SessionStateBuilder};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_optimizer::filter_pushdown::FilterPushdown;
use datafusion::physical_optimizer::optimizer::PhysicalOptimizer;

use crate::cooperative::CooperativeJoins;
use crate::groups::{BucketedGroups, SegmentedGroups};
use crate::scan::{ConditionOrder, EarlyFilters};

pub type Rules = Vec<Arc<dyn PhysicalOptimizerRule + Send + Sync>>;

pub fn rules_of_all_runs() -> Rules {
    let mut rules = PhysicalOptimizer::new().rules;
    let handed_down = FilterPushdown::new_post_optimization();
    rules.retain(|rule| rule.name() != handed_down.name());
    rules
}

pub fn rules_of_each_run() -> Rules {
    vec![
        Arc::new(FilterPushdown::new_post_optimization()),
        Arc::new(EarlyFilters),
        Arc::new(ConditionOrder),
        Arc::new(BucketedGroups),
        Arc::new(SegmentedGroups),
        Arc::new(CooperativeJoins),
    ]
}

/// Of a state that plans what runs without a [`Template`](super::Template).
pub fn with_all_rules(state: SessionState) -> SessionState {
    let rules = rules_of_all_runs().into_iter().chain(rules_of_each_run());
    SessionStateBuilder::new_from_existing(state)
        .with_physical_optimizer_rules(rules.collect())
        .build()
}
