//! How the tables of a session are scanned.

use deltalake_core::delta_datafusion::DeltaScanConfig;

use crate::generated::ScanSettings;

/// Whether a table is scanned as it is without settings.
pub fn scans_by_default(settings: &ScanSettings) -> bool {
    let ScanSettings {
        parquet_pushdown,
        wrap_partition_values,
    } = settings;
    ![parquet_pushdown, wrap_partition_values].contains(&&Some(true))
}

/// Filters prune files, row groups and pages but run above the scan: pushed into it they cost 1.35 times the CPU on
/// TPC-H (`npm run bench -- f1`).
pub fn scan_config(settings: &ScanSettings) -> DeltaScanConfig {
    DeltaScanConfig::new()
        .with_wrap_partition_values(settings.wrap_partition_values.unwrap_or(false))
        .with_parquet_pushdown(settings.parquet_pushdown.unwrap_or(false))
}
