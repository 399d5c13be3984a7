//! How plans run: what is absent stays as the engine has it.

use std::str::FromStr;

use arrow::array::timezone::Tz;
use datafusion::prelude::SessionConfig;

use super::setting::refused;
use crate::error::Result;
use crate::generated::{ExecutionSettings, ParquetSettings};

pub fn apply(config: &mut SessionConfig, settings: &ExecutionSettings) -> Result<()> {
    let zone = settings.time_zone.as_deref().unwrap_or("+00:00");
    if Tz::from_str(zone).is_err() {
        let message = format!(
            "There is no time zone '{zone}': use an IANA name such as Europe/Paris, or an offset such as +02:00"
        );
        return Err(refused("execution.time_zone", message));
    }
    let options = config.options_mut();
    options.execution.time_zone = Some(zone.to_owned());
    if let Some(rows) = settings.batch_size {
        options.set("datafusion.execution.batch_size", &rows.to_string())?;
    }
    set(
        &mut options.execution.target_partitions,
        settings.target_partitions.map(|partitions| partitions as usize),
    );
    let optimizer = &mut options.optimizer;
    set(&mut optimizer.repartition_joins, settings.repartition_joins);
    set(
        &mut optimizer.repartition_aggregations,
        settings.repartition_aggregations,
    );
    set(&mut optimizer.repartition_windows, settings.repartition_windows);
    set(&mut optimizer.repartition_sorts, settings.repartition_sorts);
    set(&mut optimizer.repartition_file_scans, settings.repartition_file_scans);
    parquet(config, &settings.parquet);
    Ok(())
}

fn parquet(config: &mut SessionConfig, settings: &ParquetSettings) {
    let parquet = &mut config.options_mut().execution.parquet;
    set(&mut parquet.pushdown_filters, settings.pushdown_filters);
    set(&mut parquet.enable_page_index, settings.page_index);
}

fn set<T>(option: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *option = value;
    }
}
