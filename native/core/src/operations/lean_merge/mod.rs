//! A leaner plan for merges: the library joins all rows of the table with those of the source, and computes every value of every
//! row anew, which then is copied by file. Few rows match, though: here the others are passed on as they were read, in all
//! threads, and what the library computes of a row is computed of those that match, or are new.
//!
//! Only for the source's rows in memory and looked up by keys, without clauses for rows that match nothing, or a change feed:
//! [`LeanMerge`] leaves every other plan as it is.

mod known;
mod matches;
mod merged_rows;
mod noted;
mod source_rows;
mod touched_files;

use std::sync::Arc;

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::common::{JoinType, NullEquality, Result};
use datafusion::physical_expr::projection::Projector;
use datafusion::physical_expr::utils::collect_columns;
use datafusion::physical_optimizer::PhysicalOptimizerRule;
use datafusion::physical_plan::coalesce_partitions::CoalescePartitionsExec;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::filter::FilterExec;
use datafusion::physical_plan::joins::HashJoinExec;
use datafusion::physical_plan::projection::ProjectionExec;
use datafusion::physical_plan::repartition::RepartitionExec;
use datafusion::physical_plan::{ExecutionPlan, ExecutionPlanProperties, replace_children_if_necessary};

use known::{DELETE, VALUE};
use matches::Computed;
use merged_rows::MergedRows;
use noted::Noted;

/// To run after all other rules.
#[derive(Debug)]
pub struct LeanMerge;

impl PhysicalOptimizerRule for LeanMerge {
    fn name(&self) -> &str {
        "lean_merge"
    }

    fn optimize(&self, plan: Arc<dyn ExecutionPlan>, _: &ConfigOptions) -> Result<Arc<dyn ExecutionPlan>> {
        plan.transform_down(|node| {
            let lean = node.downcast_ref::<FilterExec>().map(lean).transpose()?.flatten();
            Ok(match lean {
                Some(lean) => Transformed::new(lean, true, TreeNodeRecursion::Stop),
                None => Transformed::no(node),
            })
        })
        .data()
    }

    fn schema_check(&self) -> bool {
        true
    }
}

/// What the library's steps between a join and the filter that leaves out deleted rows come to; None for a plan of another form.
fn lean(filter: &FilterExec) -> Result<Option<Arc<dyn ExecutionPlan>>> {
    let mut counter = filter.input();
    while let Some(step) = counter.downcast_ref::<ProjectionExec>() {
        counter = step.input();
    }
    if counter.name() != "MetricObserverExec" || !leaves_out_deleted(filter) {
        return Ok(None);
    }
    let (mut projections, mut barrier) = (Vec::new(), None);
    let mut node = counter.children()[0];
    let join = loop {
        if let Some(join) = node.downcast_ref::<HashJoinExec>() {
            break join;
        }
        match node.name() {
            "MergeBarrierExec" => barrier = Some(node),
            "CooperativeExec" | "MergeValidationExec" | "RepartitionExec" => {}
            "ProjectionExec" => projections.extend(node.downcast_ref::<ProjectionExec>()),
            _ => return Ok(None),
        }
        node = node.children()[0];
    };
    let Some(barrier) = barrier.filter(|_| is_lookup(join)) else {
        return Ok(None);
    };
    let projectors = projections.into_iter().rev();
    let projectors = projectors.map(|step| step.projection_expr().make_projector(&step.input().schema()));
    let projectors = projectors.collect::<Result<Vec<Projector>>>()?;
    let Some(computed) = Computed::of(join, projectors, file_column(barrier)?, filter.schema()) else {
        return Ok(None);
    };
    let (touched, counted) = (
        Noted::new(known::touched(computed.file())),
        Noted::new(known::counted()),
    );
    let barrier = replace_children_if_necessary(barrier.clone(), vec![touched.clone()])?;
    let counter = replace_children_if_necessary(counter.clone(), vec![counted.clone()])?;
    let rows = MergedRows::new(
        [
            Arc::new(CoalescePartitionsExec::new(as_read(join.left()))),
            as_read(join.right()),
            barrier,
            counter,
        ],
        Arc::new(computed),
        touched,
        counted,
    );
    Ok(Some(Arc::new(CooperativeExec::new(Arc::new(rows)))))
}

fn leaves_out_deleted(filter: &FilterExec) -> bool {
    let asked = collect_columns(filter.predicate());
    let fields = filter.schema();
    filter.fetch().is_none()
        && asked.iter().all(|column| column.name() == DELETE)
        && fields.fields().iter().all(|field| field.name().starts_with(VALUE))
}

/// Rows as they were before they were dealt out by their keys.
fn as_read(rows: &Arc<dyn ExecutionPlan>) -> Arc<dyn ExecutionPlan> {
    match rows.downcast_ref::<RepartitionExec>() {
        Some(dealt) => dealt.input().clone(),
        None => rows.clone(),
    }
}

/// Whether rows with equal keys match, which are told by their bytes, and somebody reads the table's.
fn is_lookup(join: &HashJoinExec) -> bool {
    *join.join_type() == JoinType::Full
        && join.null_equality() == NullEquality::NullEqualsNothing
        && as_read(join.right()).output_partitioning().partition_count() > 0
        && join.on().iter().all(|(left, right)| {
            let types = (
                left.data_type(&join.left().schema()),
                right.data_type(&join.right().schema()),
            );
            matches!(types, (Ok(left), Ok(right)) if left == right && is_plain(&left))
        })
}

fn is_plain(data_type: &DataType) -> bool {
    !data_type.is_nested()
        && !data_type.is_floating()
        && !matches!(data_type, DataType::Dictionary(..) | DataType::Null)
}

/// The column by which the library tells the files of rows.
fn file_column(barrier: &Arc<dyn ExecutionPlan>) -> Result<String> {
    let mut name = String::new();
    barrier.apply_expressions(&mut |file| {
        name.extend(collect_columns(file).iter().map(|column| column.name()));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(name)
}
