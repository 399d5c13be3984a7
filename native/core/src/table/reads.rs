//! What is read of a table besides its rows.

use crate::engine::{Engine, pin};
use crate::error::Result;
use crate::gate;
use crate::generated::{
    DeltaSnapshotInfo, FilePage, FileRequest, HistoryPage, HistoryRequest, TableSchema, TableSelection,
};
use crate::session::Session;

impl Engine {
    pub async fn table_snapshot(&self, name: &str, selection: TableSelection) -> Result<DeltaSnapshotInfo> {
        let table = self.catalog.table(name).await?;
        table.snapshot(pin(selection).as_ref()).await?.info()
    }

    pub async fn table_schema(&self, name: &str, selection: TableSelection) -> Result<TableSchema> {
        let table = self.catalog.table(name).await?;
        table.snapshot(pin(selection).as_ref()).await?.schema(name)
    }

    pub async fn table_history(&self, name: &str, request: HistoryRequest) -> Result<HistoryPage> {
        let HistoryRequest {
            version,
            timestamp,
            before,
            limit,
        } = request;
        let table = self.catalog.table(name).await?;
        let snapshot = table
            .snapshot(pin(TableSelection { version, timestamp }).as_ref())
            .await?;
        let page = snapshot.history(before, limit as usize).await;
        page.map_err(|error| table.explain(error))
    }
}

impl Session {
    /// The table's own gate stands before its files.
    pub async fn table_files(&self, name: &str, request: FileRequest) -> Result<FilePage> {
        let FileRequest {
            version,
            timestamp,
            predicate,
            after,
            limit,
        } = request;
        let table = self.engine.catalog.table(name).await?;
        let snapshot = table
            .snapshot(pin(TableSelection { version, timestamp }).as_ref())
            .await?;
        let gates: Vec<_> = table.gate.iter().chain(self.gates()).collect();
        gate::require(&snapshot.protocol(), &gates).map_err(|error| table.explain(error))?;
        let page = snapshot.files(self, predicate.as_deref(), after.as_deref(), limit as usize);
        page.await.map_err(|error| table.explain(error))
    }
}
