//! Whether a plan is over soon: then it needn't wait behind those that aren't.

use std::sync::Arc;

use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::datasource::physical_plan::FileScanConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;

/// Bytes of files that a light plan may read.
const LIGHT: u64 = 4 << 20;

/// Nodes without inputs that give a row, none, descriptions, or what another reads.
const SMALL: [&str; 4] = ["EmptyExec", "PlaceholderRowExec", "RepeatedExec", "StreamingTableExec"];
/// Nodes that may give more rows than all their inputs have.
const MULTIPLYING: [&str; 7] = [
    "CrossJoinExec",
    "HashJoinExec",
    "NestedLoopJoinExec",
    "PiecewiseMergeJoinExec",
    "RecursiveQueryExec",
    "SortMergeJoinExec",
    "UnnestExec",
];

/// Whether it reads few bytes and makes no more rows of them.
pub fn is_light(plan: &Arc<dyn ExecutionPlan>) -> bool {
    let mut bytes = 0;
    let mut light = true;
    // The visitor can't fail.
    let _ = plan.apply(|node| {
        light = match read_bytes(node) {
            Some(read) => {
                bytes += read;
                bytes <= LIGHT
            }
            None if node.children().is_empty() => SMALL.contains(&node.name()),
            None => !MULTIPLYING.contains(&node.name()),
        };
        Ok(match light {
            true => TreeNodeRecursion::Continue,
            false => TreeNodeRecursion::Stop,
        })
    });
    light
}

/// The size of the files that a scan reads; nothing for any other node.
fn read_bytes(node: &Arc<dyn ExecutionPlan>) -> Option<u64> {
    let scan = node.downcast_ref::<DataSourceExec>()?;
    let config = scan.data_source().downcast_ref::<FileScanConfig>()?;
    let files = config.file_groups.iter().flat_map(|group| group.iter());
    Some(files.map(|file| file.object_meta.size).sum())
}
