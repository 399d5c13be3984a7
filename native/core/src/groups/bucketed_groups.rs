//! Deals out groups that may be very many into more parts than there are cores, for [`BucketsExec`].

use std::sync::Arc;

use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::common::{Result, Statistics};
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode};
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::statistics::{StatisticsArgs, StatisticsContext};
use datafusion::physical_plan::{ExecutionPlan, Partitioning, replace_children_if_necessary};

use super::buckets::BucketsExec;

/// Groups that are very many.
const MANY: usize = 1 << 20;
/// Groups whose table fits into a cache.
const BUCKET: usize = 1 << 15;
/// Buckets of a core: each has a batch of rows that waits to be full.
const MOST: usize = 32;

/// To run before the rules that put something between the two steps of grouping.
#[derive(Debug)]
pub struct BucketedGroups;

impl PhysicalOptimizerRule for BucketedGroups {
    fn name(&self) -> &str {
        "bucketed_groups"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, options: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        let cores = options.execution.target_partitions;
        plan.transform_up(|node| {
            Ok(match bucketed(&node, cores)? {
                Some(bucketed) => Transformed::yes(bucketed),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// None for what isn't the last step of grouping, or where groups aren't many.
fn bucketed(node: &Arc<dyn ExecutionPlan>, cores: usize) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let Some(last) = node.downcast_ref::<AggregateExec>() else {
        return Ok(None);
    };
    let Some(dealt) = last.input().downcast_ref::<RepartitionExec>() else {
        return Ok(None);
    };
    let Partitioning::Hash(keys, parts) = dealt.partitioning() else {
        return Ok(None);
    };
    let first = dealt.input().downcast_ref::<AggregateExec>();
    let Some(first) = first.filter(|_| *last.mode() == AggregateMode::FinalPartitioned && *parts == cores) else {
        return Ok(None);
    };
    if dealt.preserve_order() || last.limit_options().is_some() {
        return Ok(None);
    }
    let groups = expected_groups(first)?.unwrap_or(0);
    if groups < MANY {
        return Ok(None);
    }
    let buckets = (groups / cores / BUCKET).next_power_of_two().clamp(2, MOST);
    let dealt = RepartitionExec::try_new(dealt.input().clone(), Partitioning::Hash(keys.clone(), cores * buckets))?;
    let parts = replace_children_if_necessary(node.clone(), vec![Arc::new(dealt)])?;
    Ok(Some(Arc::new(BucketsExec::new(parts, node.properties().clone()))))
}

/// As far as the bounds of the keys tell; those that have none are taken to follow from the others.
fn expected_groups(first: &AggregateExec) -> Result<Option<usize>> {
    let statistics = StatisticsContext::new().compute(first.input().as_ref(), &StatisticsArgs::new())?;
    let keys = first.group_expr().expr().iter();
    let keys = keys.filter_map(|(key, _)| Some(key.downcast_ref::<Column>()?.index()));
    let possible = keys
        .filter_map(|key| values(&statistics, key))
        .reduce(usize::saturating_mul);
    let rows = statistics.num_rows.get_value();
    Ok(possible.zip(rows).map(|(possible, rows)| possible.min(*rows)))
}

fn values(statistics: &Statistics, column: usize) -> Option<usize> {
    let known = statistics.column_statistics.get(column)?;
    let (least, most) = (known.min_value.get_value()?, known.max_value.get_value()?);
    least.distance(most)?.checked_add(1)
}
