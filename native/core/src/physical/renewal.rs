//! Running a physical plan again: each run has operators of its own, since they hold counts and channels of a run.

use std::sync::Arc;

use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::Result;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::DynamicFilterTracking;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::sorts::sort::SortExec;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

/// Operators that are new with new inputs, or made anew here.
const RENEWABLE: [&str; 24] = [
    "AggregateExec",
    "BoundedWindowAggExec",
    "BucketsExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "CrossJoinExec",
    "EmptyExec",
    "FilterExec",
    "GlobalLimitExec",
    "HashJoinExec",
    "InterleaveExec",
    "LocalLimitExec",
    "NestedLoopJoinExec",
    "PlaceholderRowExec",
    "ProjectionExec",
    "RepartitionExec",
    "SegmentExec",
    "SegmentsExec",
    "SortExec",
    "SortMergeJoinExec",
    "SortPreservingMergeExec",
    "UnionExec",
    "WindowAggExec",
];
/// Files of a scan: to copy the list of more takes as long as to plan.
const FILES: usize = 64;

/// Whether `again` makes a plan of its own of one whose operators know already of whom they learn.
pub fn can_run_again(plan: &Arc<dyn ExecutionPlan>) -> bool {
    all(plan, &|node| is_renewable(node) && !teaches(node))
}

/// Whether it does of one whose operators don't know yet: a sort teaches from its beginning.
pub fn can_be_template(plan: &Arc<dyn ExecutionPlan>) -> bool {
    all(plan, &|node| {
        is_renewable(node) && (node.is::<SortExec>() || !teaches(node))
    })
}

/// The plan for one more run.
pub fn again(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return renewed(scan);
    }
    let mut children = plan.children().into_iter().map(again).collect::<Result<Vec<_>>>()?;
    if let Some(sort) = plan.downcast_ref::<SortExec>() {
        let anew = SortExec::new(sort.expr().clone(), children.swap_remove(0))
            .with_preserve_partitioning(sort.preserve_partitioning())
            .with_fetch(sort.fetch());
        return Ok(Arc::new(anew));
    }
    if let Some(join) = plan.downcast_ref::<HashJoinExec>() {
        return join.builder().with_new_children(children)?.reset_state().build_exec();
    }
    plan.clone()
        .replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
}

fn all(plan: &Arc<dyn ExecutionPlan>, holds: &impl Fn(&dyn ExecutionPlan) -> bool) -> bool {
    holds(plan.as_ref()) && plan.children().into_iter().all(|child| all(child, holds))
}

fn teaches(node: &dyn ExecutionPlan) -> bool {
    !node.dynamic_expressions_produced().is_empty()
}

fn is_renewable(node: &dyn ExecutionPlan) -> bool {
    match node.downcast_ref::<DataSourceExec>() {
        Some(scan) => is_renewable_scan(scan),
        None => RENEWABLE.contains(&node.name()),
    }
}

fn is_renewable_scan(scan: &DataSourceExec) -> bool {
    let Some((config, source)) = parquet(scan) else {
        return scan.data_source().downcast_ref::<MemorySourceConfig>().is_some();
    };
    let files: usize = config.file_groups.iter().map(|group| group.len()).sum();
    let predicate = source.filter();
    let learns =
        predicate.is_some_and(|predicate| DynamicFilterTracking::classify(&predicate).contains_dynamic_filter());
    files <= FILES && !learns
}

fn parquet(scan: &DataSourceExec) -> Option<(&FileScanConfig, &ParquetSource)> {
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    Some((config, config.file_source.downcast_ref::<ParquetSource>()?))
}

fn renewed(scan: &DataSourceExec) -> Result<Arc<dyn ExecutionPlan>> {
    let Some((config, source)) = parquet(scan) else {
        return Ok(Arc::new(DataSourceExec::new(scan.data_source().clone())));
    };
    let config = FileScanConfigBuilder::from(config.clone())
        .with_source(counting_anew(source)?)
        .build();
    Ok(DataSourceExec::from_data_source(config))
}

/// A copy would share the counts, which grow with every run.
fn counting_anew(source: &ParquetSource) -> Result<Arc<dyn FileSource>> {
    let mut anew = ParquetSource::new(source.table_schema().clone())
        .with_table_parquet_options(source.table_parquet_options().clone());
    if let Some(readers) = source.parquet_file_reader_factory() {
        anew = anew.with_parquet_file_reader_factory(readers.clone());
    }
    if let Some(predicate) = source.filter() {
        anew = anew.with_predicate(predicate);
    }
    let projected = match source.projection() {
        Some(projection) => anew.try_pushdown_projection(projection)?,
        None => None,
    };
    Ok(projected.unwrap_or_else(|| Arc::new(anew)))
}
