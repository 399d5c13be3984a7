//! Rows of a kept result as a relation that statements read.

use std::fmt;
use std::sync::Arc;

use arrow::datatypes::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{MemTable, Session, TableProvider};
use datafusion::common::Statistics;
use datafusion::common::stats::Precision;
use datafusion::error::{DataFusionError, Result as PlanResult};
use datafusion::execution::{SendableRecordBatchStream, TaskContext};
use datafusion::logical_expr::{Expr, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::streaming::{PartitionStream, StreamingTableExec};
use futures::TryStreamExt;

use super::memory::ViewMemory;
use crate::error::Result;
use crate::generated::KeptRelation;
use crate::results::{StoredBody, stored_rows};

pub struct KeptRows {
    body: StoredBody,
    schema: SchemaRef,
}

impl KeptRows {
    /// What reads the rows: from memory where they are to stay there.
    pub async fn open(relation: &KeptRelation, memory: &ViewMemory) -> Result<Arc<dyn TableProvider>> {
        if relation.in_memory
            && let Some(rows) = memory.get(&relation.key)
            && let Some(first) = rows.first()
        {
            return Ok(Arc::new(MemTable::try_new(first.schema(), vec![rows.to_vec()])?));
        }
        let body = StoredBody::open(&relation.path, &relation.key, true).await?;
        let (schema, batches) = stored_rows(body.clone(), 0).await?;
        if !relation.in_memory {
            return Ok(Arc::new(Self { body, schema }));
        }
        let rows: Vec<_> = batches.try_collect().await?;
        memory.put(&relation.key, rows.clone().into());
        Ok(Arc::new(MemTable::try_new(schema, vec![rows])?))
    }
}

impl fmt::Debug for KeptRows {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptRows")
            .field("key", &self.body.result().key)
            .finish()
    }
}

#[async_trait]
impl TableProvider for KeptRows {
    fn schema(&self) -> SchemaRef {
        self.schema.clone()
    }

    fn table_type(&self) -> TableType {
        TableType::View
    }

    fn statistics(&self) -> Option<Statistics> {
        let rows = Precision::Exact(self.body.result().row_count as usize);
        Some(Statistics::new_unknown(&self.schema).with_num_rows(rows))
    }

    async fn scan(
        &self,
        _: &dyn Session,
        projection: Option<&Vec<usize>>,
        _: &[Expr],
        limit: Option<usize>,
    ) -> PlanResult<Arc<dyn ExecutionPlan>> {
        let partition = Arc::new(KeptPartition {
            body: self.body.clone(),
            schema: self.schema.clone(),
        });
        let scan = StreamingTableExec::try_new(self.schema.clone(), vec![partition], projection, [], false, limit)?;
        Ok(Arc::new(scan))
    }
}

/// All rows of it.
struct KeptPartition {
    body: StoredBody,
    schema: SchemaRef,
}

impl fmt::Debug for KeptPartition {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeptPartition").finish_non_exhaustive()
    }
}

impl PartitionStream for KeptPartition {
    fn schema(&self) -> &SchemaRef {
        &self.schema
    }

    fn execute(&self, _: Arc<TaskContext>) -> SendableRecordBatchStream {
        let body = self.body.clone();
        let rows = async move {
            let (_, batches) = stored_rows(body, 0).await.map_err(external)?;
            Ok::<_, DataFusionError>(batches.map_err(external))
        };
        let batches = futures::stream::once(rows).try_flatten();
        Box::pin(RecordBatchStreamAdapter::new(self.schema.clone(), batches))
    }
}

fn external(error: crate::error::Error) -> DataFusionError {
    DataFusionError::External(Box::new(error))
}
