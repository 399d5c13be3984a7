//! How joins are planned.

use datafusion::prelude::SessionConfig;

use crate::generated::{JoinAlgorithm, JoinSettings};

pub fn apply(config: &mut SessionConfig, settings: &JoinSettings) {
    let optimizer = &mut config.options_mut().optimizer;
    if let Some(algorithm) = settings.prefer {
        optimizer.prefer_hash_join = algorithm == JoinAlgorithm::Hash;
    }
    if let Some(bytes) = settings.broadcast_bytes {
        optimizer.hash_join_single_partition_threshold = bytes as usize;
    }
}
