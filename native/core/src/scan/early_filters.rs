//! Rows that a join will drop are dropped where they are read, where work lies between: before they are aggregated, dealt out
//! among the cores, or put into the hash table of another join; where keys are few beside the rows, also right before the join,
//! since it costs less to look a key up than to hash it. The join's own filter, which it learns while it runs, tells which they
//! are.

use std::collections::HashSet;
use std::sync::Arc;

use datafusion::common::Result;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode};
use datafusion::datasource::physical_plan::{FileScanConfig, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_expr::expressions::Column;
use datafusion::physical_expr::projection::ProjectionExprs;
use datafusion::physical_expr::{PhysicalExpr, conjunction_opt, split_conjunction};
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::aggregates::AggregateExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, Partitioning, replace_children_if_necessary};

use super::key_table::KeyTable;
use super::tried_filter::TriedFilter;

/// To run after the last rule that changes joins: it follows the filters of these.
#[derive(Debug)]
pub struct EarlyFilters;

impl PhysicalOptimizerRule for EarlyFilters {
    fn name(&self) -> &str {
        "early_filters"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        Joins::default().filtered(plan)
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// The joins above a node, by their filters.
#[derive(Default, Clone)]
struct Joins {
    all: HashSet<u64>,
    /// Those that are so far up that work lies between.
    far: HashSet<u64>,
}

impl Joins {
    fn filtered(&self, node: Arc<dyn ExecutionPlan>) -> Result<Arc<dyn ExecutionPlan>> {
        if let Some(scan) = node.downcast_ref::<DataSourceExec>() {
            let filters = self.filters_of(scan);
            return match conjunction_opt(filters) {
                Some(filter) => Ok(Arc::new(FilterExec::try_new(filter, node)?)),
                None => Ok(node),
            };
        }
        let inputs = node.children().into_iter().enumerate();
        let inputs = inputs.map(|(index, input)| self.above(&node, index).filtered(input.clone()));
        let inputs = inputs.collect::<Result<Vec<_>>>()?;
        replace_children_if_necessary(node, inputs)
    }

    /// The joins above an input of `node`.
    fn above(&self, node: &Arc<dyn ExecutionPlan>, input: usize) -> Self {
        let is_join = node.downcast_ref::<HashJoinExec>().is_some();
        let mut above = self.clone();
        if groups(node) || deals_out(node) || (is_join && input == 0) {
            above.far.extend(&self.all);
        }
        if is_join {
            let learned = node.dynamic_expressions_produced();
            above
                .all
                .extend(learned.iter().filter_map(|filter| filter.expression_id()));
        }
        above
    }

    fn filters_of(&self, scan: &DataSourceExec) -> Vec<Arc<dyn PhysicalExpr>> {
        let config = scan.data_source().downcast_ref::<FileScanConfig>();
        let source = config.and_then(|config| config.file_source.downcast_ref::<ParquetSource>());
        let Some((predicate, projection)) = source.and_then(|source| Some((source.filter()?, source.projection()?)))
        else {
            return Vec::new();
        };
        let statistics = config.map(FileScanConfig::statistics);
        let parts = split_conjunction(&predicate).into_iter();
        let tried = parts.filter_map(|part| {
            let id = part.expression_id()?;
            let keys = statistics.as_ref().and_then(|known| KeyTable::of(part, known));
            let pays = self.far.contains(&id) || (self.all.contains(&id) && keys.is_some());
            let shown = over_output(part, projection).filter(|_| pays)?;
            Some(Arc::new(TriedFilter::new(shown, keys)) as _)
        });
        tried.collect()
    }
}

fn groups(node: &Arc<dyn ExecutionPlan>) -> bool {
    let aggregate = node.downcast_ref::<AggregateExec>();
    aggregate.is_some_and(|aggregate| !aggregate.group_expr().is_true_no_grouping())
}

fn deals_out(node: &Arc<dyn ExecutionPlan>) -> bool {
    let repartition = node.downcast_ref::<RepartitionExec>();
    repartition.is_some_and(|repartition| matches!(repartition.partitioning(), Partitioning::Hash(..)))
}

/// A filter of what is read, as one of what the scan gives; none where that lacks a column of it.
fn over_output(filter: &Arc<dyn PhysicalExpr>, projection: &ProjectionExprs) -> Option<Arc<dyn PhysicalExpr>> {
    let mut is_whole = true;
    let shown = filter.clone().transform_down(|part| {
        let Some(read) = part.downcast_ref::<Column>() else {
            return Ok(Transformed::no(part));
        };
        let shown = projection.iter().enumerate().find(|(_, shown)| {
            let column = shown.expr.downcast_ref::<Column>();
            column.is_some_and(|column| column.index() == read.index())
        });
        let Some((place, shown)) = shown else {
            is_whole = false;
            return Ok(Transformed::no(part));
        };
        Ok(Transformed::yes(Arc::new(Column::new(&shown.alias, place)) as _))
    });
    shown.data().ok().filter(|_| is_whole)
}
