//! Scans one version of a table, as DataFusion's own Parquet scan over the files that its log names.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, Statistics};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::CachedParquetFileReaderFactory;
use datafusion::datasource::physical_plan::{
    FileGroup, FileScanConfig, FileScanConfigBuilder, FileSource, ParquetSource,
};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake_core::kernel::EagerSnapshot;

use super::columns::Columns;
use super::files::DataFiles;
use crate::storage::TableStore;

/// What is held of a version for all scans of it.
#[derive(Clone)]
pub struct TableScan {
    columns: Arc<Columns>,
    files: Arc<DataFiles>,
    store: Arc<TableStore>,
    /// Whether filters run while files are decoded.
    filters_rows: bool,
}

impl TableScan {
    /// None where it has files that only the library can tell how to read. `schema`: of its rows.
    pub fn new(
        state: &EagerSnapshot,
        schema: SchemaRef,
        store: Arc<TableStore>,
        filters_rows: bool,
    ) -> Result<Option<Self>> {
        let columns = Columns::new(schema, state.metadata().partition_columns(), is_mapped(state));
        let files = DataFiles::of(state, &columns, &store)?;
        Ok(files.map(|files| Self {
            columns: Arc::new(columns),
            files: Arc::new(files),
            store,
            filters_rows,
        }))
    }

    pub fn memory_size(&self) -> usize {
        self.files.memory_size()
    }

    async fn file(&self, index: usize, places: &[usize]) -> Result<PartitionedFile> {
        let known = &self.files.files[index];
        let statistics = self.files.statistics_of(index, &self.columns, places)?;
        let mut file = PartitionedFile::from(known.object.clone()).with_partition_values(known.partition.clone());
        file.statistics = Some(Arc::new(statistics));
        let Some((deleted, rows)) = known.deleted.as_ref().zip(self.files.statistics.rows_of(index)) else {
            return Ok(file);
        };
        let selection = deleted.selection(&self.store, rows).await;
        Ok(file.with_extension(selection.map_err(|error| DataFusionError::External(Box::new(error)))?))
    }

    fn source(&self, indices: &[usize], state: &dyn Session) -> Result<Arc<dyn FileSource>> {
        let runtime = state.runtime_env();
        let store = runtime.object_store(self.address()?)?;
        let footers = runtime.cache_manager.get_file_metadata_cache();
        let options = TableParquetOptions {
            global: state.config_options().execution.parquet.clone(),
            ..Default::default()
        };
        let mut source = ParquetSource::new(self.columns.table.clone())
            .with_table_parquet_options(options)
            .with_parquet_file_reader_factory(Arc::new(CachedParquetFileReaderFactory::new(store, footers)));
        if self.filters_rows {
            source = source.with_pushdown_filters(true);
        }
        let projected = source.try_pushdown_projection(&self.columns.projection(indices))?;
        Ok(projected.unwrap_or_else(|| Arc::new(source)))
    }

    fn address(&self) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(self.store.key())
    }

    fn plan(
        &self,
        files: Vec<PartitionedFile>,
        indices: &[usize],
        limit: Option<usize>,
        state: &dyn Session,
    ) -> Result<FileScanConfig> {
        let schema = self.columns.table.table_schema().clone();
        let groups = FileGroup::new(files).split_files(state.config().target_partitions());
        let (groups, statistics) = with_statistics(groups, schema)?;
        Ok(
            FileScanConfigBuilder::new(self.address()?, self.source(indices, state)?)
                .with_file_groups(groups)
                .with_statistics(statistics)
                .with_limit(limit)
                .build(),
        )
    }
}

impl std::fmt::Debug for TableScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableScan({} files)", self.files.files.len())
    }
}

#[async_trait]
impl TableProvider for TableScan {
    fn schema(&self) -> SchemaRef {
        self.columns.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let support = |filter: &&Expr| match self.columns.is_shared(filter) {
            true => TableProviderFilterPushDown::Exact,
            false => TableProviderFilterPushDown::Inexact,
        };
        Ok(filters.iter().map(support).collect())
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let indices = self.columns.indices(projection);
        let places = self.columns.places(&indices);
        let mut files = Vec::new();
        for index in self.files.left_by(filters, &self.columns, state)? {
            files.push(self.file(index, &places).await?);
        }
        if files.is_empty() {
            return Ok(Arc::new(EmptyExec::new(Arc::new(
                self.columns.schema.project(&indices)?,
            ))));
        }
        let config = self.plan(files, &indices, limit, state)?;
        Ok(DataSourceExec::from_data_source(config))
    }
}

/// The groups with what is known of each, and what is known of all.
fn with_statistics(groups: Vec<FileGroup>, schema: SchemaRef) -> Result<(Vec<FileGroup>, Statistics)> {
    let merged = |statistics: Vec<&Statistics>| Statistics::try_merge_iter(statistics, &schema);
    let groups = groups.into_iter().map(|group| {
        let statistics = merged(group.iter().filter_map(|file| file.statistics.as_deref()).collect())?;
        Ok(group.with_statistics(Arc::new(statistics)))
    });
    let groups = groups.collect::<Result<Vec<_>>>()?;
    let all = merged(groups.iter().filter_map(|group| group.file_statistics(None)).collect())?;
    Ok((groups, all))
}

/// Whether the files have names of their own for the columns.
fn is_mapped(state: &EagerSnapshot) -> bool {
    let mode = state.metadata().configuration().get("delta.columnMapping.mode");
    state.protocol().min_reader_version() >= 2 && mode.is_some_and(|mode| mode != "none")
}
