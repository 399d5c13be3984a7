//! Groups are first made of the rows of each core, then of all: how much of them is made at once.

mod bucketed_groups;
mod buckets;
mod segment;
mod segmented_groups;
mod segments;

pub use bucketed_groups::BucketedGroups;
pub use segmented_groups::SegmentedGroups;
