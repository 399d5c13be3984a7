//! A profile with every value filled in, as it is in effect.

use datafusion::config::ConfigOptions;

use super::features;
use super::setting::bounded;
use crate::error::Result;
use crate::generated::{
    CatalogSettings, EngineConfig, EngineLimits, ExecutionSettings, FunctionPolicy, JoinAlgorithm, JoinSettings,
    MemoryPoolKind, ParquetSettings, ProtocolMode, SchemaValidation, SessionCacheUse, SessionProfile, SqlPolicy,
    SqlSettings,
};

pub fn filled(
    mut profile: SessionProfile,
    options: &ConfigOptions,
    limits: &EngineLimits,
    server: &EngineConfig,
) -> Result<SessionProfile> {
    let memory = &mut profile.memory;
    let bytes = *memory.limit_bytes.get_or_insert(server.query_memory_bytes);
    bounded("memory.limit_bytes", bytes, server.query_memory_bytes)?;
    let spill = *memory.spill_limit_bytes.get_or_insert(server.spill_limit_bytes);
    bounded("memory.spill_limit_bytes", spill, server.spill_limit_bytes)?;
    memory.pool.get_or_insert(MemoryPoolKind::Greedy);
    let timeout = *profile.defaults.timeout_ms.get_or_insert(limits.timeout_ms);
    bounded("defaults.timeout_ms", timeout, limits.timeout_ms)?;
    profile.execution = execution(options);
    profile.catalog = CatalogSettings {
        information_schema: Some(options.catalog.information_schema),
    };
    profile.sql = sql(profile.sql.policy, limits);
    profile.cache.r#use.get_or_insert(SessionCacheUse::Default);
    profile.functions.policy.get_or_insert(FunctionPolicy::Open);
    profile.schema_validation.get_or_insert(SchemaValidation::Enforce);
    profile.delta.protocol_mode.get_or_insert(ProtocolMode::Error);
    profile.delta.scan.parquet_pushdown.get_or_insert(false);
    profile.delta.scan.wrap_partition_values.get_or_insert(false);
    profile.features = features::effective(options);
    profile.joins = joins(options);
    Ok(profile)
}

fn execution(options: &ConfigOptions) -> ExecutionSettings {
    let ConfigOptions {
        execution, optimizer, ..
    } = options;
    let parquet = &execution.parquet;
    ExecutionSettings {
        target_partitions: Some(execution.target_partitions as i32),
        batch_size: Some(execution.batch_size.get() as i32),
        time_zone: execution.time_zone.clone(),
        repartition_joins: Some(optimizer.repartition_joins),
        repartition_aggregations: Some(optimizer.repartition_aggregations),
        repartition_windows: Some(optimizer.repartition_windows),
        repartition_sorts: Some(optimizer.repartition_sorts),
        repartition_file_scans: Some(optimizer.repartition_file_scans),
        parquet: ParquetSettings {
            pushdown_filters: Some(parquet.pushdown_filters),
            page_index: Some(parquet.enable_page_index),
        },
    }
}

fn sql(policy: Option<SqlPolicy>, limits: &EngineLimits) -> SqlSettings {
    SqlSettings {
        policy: Some(policy.unwrap_or(SqlPolicy::Server)),
        sql_bytes: Some(limits.sql_bytes),
        sql_tokens: Some(limits.sql_tokens),
        sql_depth: Some(limits.sql_depth),
        sql_chain: Some(limits.sql_chain),
        parameters: Some(limits.parameters),
        planning_timeout_ms: Some(limits.planning_timeout_ms),
    }
}

fn joins(options: &ConfigOptions) -> JoinSettings {
    let optimizer = &options.optimizer;
    JoinSettings {
        prefer: Some(match optimizer.prefer_hash_join {
            true => JoinAlgorithm::Hash,
            false => JoinAlgorithm::SortMerge,
        }),
        broadcast_bytes: Some(optimizer.hash_join_single_partition_threshold as i64),
    }
}
