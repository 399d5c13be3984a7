//! A table as the Delta library's operations take it.

use deltalake_core::DeltaTable;
use deltalake_core::table::state::DeltaTableState;

use crate::error::Result;
use crate::storage::TableStore;

/// At `version`, or at its newest.
pub async fn opened(store: &TableStore, version: Option<i64>) -> Result<DeltaTable> {
    let state = DeltaTableState::try_new(&store.replayed_log(), version.map(|version| version as u64)).await?;
    let mut table = DeltaTable::new(store.log.clone());
    table.state = Some(state);
    Ok(table)
}

/// The same table at a later `version`, or at its newest.
pub async fn updated(store: &TableStore, mut table: DeltaTable, version: Option<i64>) -> Result<DeltaTable> {
    if let Some(state) = table.state.as_mut() {
        let version = version.map(|version| version as u64);
        state.update(&store.replayed_log(), version).await?;
    }
    Ok(table)
}
