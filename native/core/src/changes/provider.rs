//! The changes of a table as a table.

use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::error::Result;
use datafusion::logical_expr::{Expr, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use deltalake_core::delta_datafusion::cdf::scan::DeltaCdfTableProvider;

/// The library takes every filter to be its own; only those on partition columns, which leave out whole files, are
/// passed to it, and the rest runs above.
#[derive(Debug)]
pub struct ChangeProvider {
    pub scan: DeltaCdfTableProvider,
    pub partition_columns: Vec<String>,
    /// Whether the range holds no version.
    pub is_empty: bool,
}

#[async_trait]
impl TableProvider for ChangeProvider {
    fn schema(&self) -> SchemaRef {
        self.scan.schema()
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    async fn scan(
        &self,
        session: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        _limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        if !self.is_empty {
            return self.scan.scan(session, projection, filters, None).await;
        }
        let schema = match projection {
            Some(columns) => Arc::new(self.schema().project(columns)?),
            None => self.schema(),
        };
        Ok(Arc::new(EmptyExec::new(schema)))
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        let supports = |filter: &&Expr| match self.prunes(filter) {
            true => TableProviderFilterPushDown::Inexact,
            false => TableProviderFilterPushDown::Unsupported,
        };
        Ok(filters.iter().map(supports).collect())
    }
}

impl ChangeProvider {
    fn prunes(&self, filter: &Expr) -> bool {
        let columns = filter.column_refs();
        !columns.is_empty()
            && columns
                .iter()
                .all(|column| self.partition_columns.contains(&column.name))
    }
}
