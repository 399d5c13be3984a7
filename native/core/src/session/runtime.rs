//! The memory and disk of one query or operation, inside those that all have.

use std::sync::Arc;

use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};

use crate::engine::Engine;
use crate::error::Result;
use crate::generated::{DeltaRuntimeEnvOptions, MemoryPoolKind, MemorySettings};
use crate::memory::QueryPool;

/// What is left open the engine's configuration says.
#[derive(Default)]
pub struct QueryMemory {
    limit: Option<i64>,
    pool: Option<MemoryPoolKind>,
    spill: Option<i64>,
}

impl QueryMemory {
    pub fn of(settings: &MemorySettings) -> Self {
        Self {
            limit: settings.limit_bytes,
            pool: settings.pool,
            spill: settings.spill_limit_bytes,
        }
    }

    /// That of an operation on a table.
    pub fn of_operation(options: &DeltaRuntimeEnvOptions) -> Self {
        let limits = [options.max_spill_size, options.max_temp_directory_size];
        Self {
            spill: limits.into_iter().flatten().min(),
            ..Self::default()
        }
    }

    pub fn runtime(&self, engine: &Engine) -> Result<Arc<RuntimeEnv>> {
        let shared = &engine.runtime;
        let config = &engine.config;
        let limit = self.limit.unwrap_or(config.query_memory_bytes) as usize;
        let kind = self.pool.unwrap_or(MemoryPoolKind::Greedy);
        let pool = QueryPool::new(shared.memory_pool.clone(), limit, kind);
        let runtime = RuntimeEnvBuilder::from_runtime_env(shared).with_memory_pool(Arc::new(pool));
        // Without a limit of its own it shares that of all queries.
        let own = self.spill.filter(|spill| *spill < config.spill_limit_bytes);
        let runtime = match own {
            Some(spill) => runtime.with_disk_manager_builder(disk(&config.spill_folder, spill)),
            None => runtime,
        };
        Ok(runtime.build_arc()?)
    }
}

/// A part of the disk for what doesn't fit in memory.
pub fn disk(folder: &str, limit: i64) -> DiskManagerBuilder {
    DiskManagerBuilder::default()
        .with_mode(DiskManagerMode::Directories(vec![folder.into()]))
        .with_max_temp_directory_size(limit as u64)
}
