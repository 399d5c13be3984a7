//! Scans one version of a table, as DataFusion's own Parquet scan over the files that its log names.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Result, Statistics, project_schema};
use datafusion::config::TableParquetOptions;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::parquet::{CachedParquetFileReaderFactory, ParquetRowSelection};
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, FileSource, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::DataFusionError;
use datafusion::execution::object_store::ObjectStoreUrl;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake_core::kernel::EagerSnapshot;

use super::columns::Columns;
use super::counted_rows::counted_rows;
use super::file_changes::FileChanges;
use super::files::{DataFiles, FileIndex};
use super::logged_file::LoggedFile;
use super::selectivity::selectivity;
use crate::error::Error;
use crate::storage::TableStore;

/// Columns of files, in all, that plans are told of file by file; of more they are told of all files together.
const TOLD: usize = 1 << 15;
/// The part of the rows that counts as few: filters run while files are decoded then.
const FEW: f64 = 0.001;

/// What is held of a version for all scans of it.
#[derive(Clone)]
pub struct TableScan {
    columns: Arc<Columns>,
    files: Arc<DataFiles>,
    store: Arc<TableStore>,
    /// Whether filters run while files are decoded, however many rows they leave.
    filters_rows: bool,
}

impl TableScan {
    /// None where it has files that only the library can tell how to read. `schema`: of its rows; `known`: the scan of
    /// another version.
    pub fn new(
        state: &EagerSnapshot,
        schema: SchemaRef,
        store: Arc<TableStore>,
        known: Option<&Self>,
    ) -> Result<Option<Self>> {
        let columns = columns(state, schema);
        let known = known.filter(|known| known.columns.are(&columns));
        let files = DataFiles::of(state, &columns, &store, known.map(|known| known.files.as_ref()))?;
        Ok(files.map(|files| Self {
            columns: Arc::new(columns),
            files: Arc::new(files),
            store,
            filters_rows: false,
        }))
    }

    /// The scan of a later version with the same metadata; none where its files are to be read of the log together.
    pub fn advanced(&self, changes: &FileChanges) -> Result<Option<Self>> {
        let files = self.files.advanced(changes, &self.columns, &self.store)?;
        Ok(files.map(|files| Self {
            files: Arc::new(files),
            ..self.clone()
        }))
    }

    /// The same files under another schema, as far as these can be read that way.
    pub fn with_schema(&self, state: &EagerSnapshot, schema: SchemaRef) -> Result<Option<Self>> {
        let columns = columns(state, schema);
        let files = self.files.with_columns(&columns, &self.store)?;
        Ok(files.map(|files| Self {
            columns: Arc::new(columns),
            files: Arc::new(files),
            ..self.clone()
        }))
    }

    /// The files of its version.
    pub fn logged_files(&self) -> impl Iterator<Item = LoggedFile> + '_ {
        self.files.logged()
    }

    pub fn filtering_rows(mut self, filters_rows: bool) -> Self {
        self.filters_rows = filters_rows;
        self
    }

    fn file(&self, index: FileIndex, places: &[usize], is_told: bool) -> Result<PartitionedFile> {
        let known = self.files.file(index);
        let statistics = match is_told {
            true => self.files.statistics_of(index, &self.columns, places)?,
            false => self.files.size_of(index),
        };
        let mut file = PartitionedFile::from(known.object.clone()).with_partition_values(known.partition.clone());
        file.statistics = Some(Arc::new(statistics));
        Ok(file)
    }

    /// The file without its deleted rows.
    async fn left_of(&self, index: FileIndex, file: PartitionedFile) -> Result<PartitionedFile, Error> {
        let deleted = self.files.file(index).deleted.as_ref();
        match deleted.zip(self.files.rows_of(index)) {
            None => Ok(file),
            Some((deleted, rows)) => {
                let selection = deleted.selection(&self.store, rows).await?;
                Ok(file.with_extension(ParquetRowSelection::new(selection)))
            }
        }
    }

    async fn partitioned(&self, files: &[FileIndex], places: &[usize]) -> Result<Vec<PartitionedFile>> {
        let width = self.columns.table.table_schema().fields().len();
        let is_told = !places.is_empty() && files.len() * width <= TOLD;
        let mut partitioned = Vec::with_capacity(files.len());
        for index in files {
            let file = self.file(*index, places, is_told)?;
            let left = self.left_of(*index, file).await;
            partitioned.push(left.map_err(|error| DataFusionError::External(Box::new(error)))?);
        }
        Ok(partitioned)
    }

    /// Whether it pays to look at the filters' columns first and decode of the others only what they leave.
    fn leaves_few(&self, filters: &[Expr], statistics: &Statistics, state: &dyn Session) -> bool {
        let make = |filter, schema: &_| state.create_physical_expr(filter, schema);
        // An estimate that can't be made is none.
        selectivity(filters, &self.columns, statistics, make).is_ok_and(|left| left <= FEW)
    }

    fn source(&self, indices: &[usize], filters_rows: bool, state: &dyn Session) -> Result<Arc<dyn FileSource>> {
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
        if filters_rows {
            source = source.with_pushdown_filters(true);
        }
        let projected = source.try_pushdown_projection(&self.columns.projection(indices))?;
        Ok(projected.unwrap_or_else(|| Arc::new(source)))
    }

    fn address(&self) -> Result<ObjectStoreUrl> {
        ObjectStoreUrl::parse(self.store.key())
    }

    /// The rows of files of which no value is asked.
    fn count(&self, files: &[FileIndex], limit: Option<usize>) -> Option<usize> {
        let counts = files.iter().map(|file| self.files.rows_left(*file));
        let rows: usize = counts.sum::<Option<usize>>()?;
        Some(limit.map_or(rows, |limit| limit.min(rows)))
    }
}

impl std::fmt::Debug for TableScan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "TableScan({} files)", self.files.len())
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
        let schema = project_schema(&self.columns.schema, projection)?;
        let indices = self.columns.indices(projection);
        let places = self.columns.places(&indices);
        let left = self.files.left_by(filters, &self.columns, state)?;
        if left.is_empty() {
            return Ok(Arc::new(EmptyExec::new(schema)));
        }
        if indices.is_empty()
            && let Some(rows) = self.count(&left, limit)
        {
            return counted_rows(schema, rows);
        }
        let statistics = self.files.statistics_of_all(&left, &self.columns, &places)?;
        let files = FileGroup::new(self.partitioned(&left, &places).await?);
        let filters_rows = self.filters_rows || self.leaves_few(filters, &statistics, state);
        let source = self.source(&indices, filters_rows, state)?;
        let config = FileScanConfigBuilder::new(self.address()?, source)
            .with_file_groups(files.split_files(state.config().target_partitions()))
            .with_statistics(statistics)
            .with_limit(limit)
            .build();
        Ok(DataSourceExec::from_data_source(config))
    }
}

fn columns(state: &EagerSnapshot, schema: SchemaRef) -> Columns {
    let partitions = state.metadata().partition_columns();
    Columns::new(schema, &state.schema(), partitions, is_mapped(state))
}

/// Whether the files have names of their own for the columns.
fn is_mapped(state: &EagerSnapshot) -> bool {
    let mode = state.metadata().configuration().get("delta.columnMapping.mode");
    state.protocol().min_reader_version() >= 2 && mode.is_some_and(|mode| mode != "none")
}
