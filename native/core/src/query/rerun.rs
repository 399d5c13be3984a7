//! Running a physical plan again: each run has operators of its own, since they hold counts and channels of a run.

use std::sync::Arc;

use datafusion::catalog::memory::MemorySourceConfig;
use datafusion::common::Result;
use datafusion::datasource::physical_plan::{FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::DynamicFilterTracking;
use datafusion::physical_plan::{ChildrenPropertiesMode, ExecutionPlan, ReplaceChildrenOptions};

/// Operators that are new with new inputs, and teach none of these anything while they run.
const RENEWABLE: [&str; 15] = [
    "AggregateExec",
    "BucketsExec",
    "CoalesceBatchesExec",
    "CoalescePartitionsExec",
    "CooperativeExec",
    "EmptyExec",
    "FilterExec",
    "GlobalLimitExec",
    "LocalLimitExec",
    "PlaceholderRowExec",
    "ProjectionExec",
    "RepartitionExec",
    "SegmentExec",
    "SegmentsExec",
    "UnionExec",
];
/// Files of a scan: to copy the list of more takes as long as to plan.
const FILES: usize = 64;

/// Whether `again` makes a plan of its own of it.
pub fn can_run_again(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let renewable = match plan.downcast_ref::<DataSourceExec>() {
        Some(scan) => is_renewable(scan),
        None => RENEWABLE.contains(&plan.name()),
    };
    renewable && plan.children().into_iter().all(can_run_again)
}

/// The plan for one more run.
pub fn again(plan: &Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
    if let Some(scan) = plan.downcast_ref::<DataSourceExec>() {
        return renewed(scan);
    }
    let children = plan.children().into_iter().map(again).collect::<Result<_>>()?;
    plan.clone()
        .replace_children(children, ReplaceChildrenOptions::new(ChildrenPropertiesMode::Keep))
}

fn is_renewable(scan: &DataSourceExec) -> bool {
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
