//! Reads of tables as JavaScript sees them.

use lakegate_core as core;
use lakegate_core::generated::{FileRequest, HistoryRequest, TableSelection};
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::engine::Engine;
use crate::fault::{Outcome, outcome};
use crate::payload::{decode, encode};
use crate::query::Query;
use crate::session::Session;

#[napi]
impl Engine {
    /// The DeltaSnapshotInfo of a table at a TableSelection.
    #[napi]
    pub async fn table_snapshot(&self, name: String, selection: Buffer) -> Outcome<Buffer> {
        outcome(snapshot(&self.inner, &name, &selection).await)
    }

    /// The TableSchema of a table at a TableSelection.
    #[napi]
    pub async fn table_schema(&self, name: String, selection: Buffer) -> Outcome<Buffer> {
        outcome(schema(&self.inner, &name, &selection).await)
    }

    /// The HistoryPage that a HistoryRequest asks for.
    #[napi]
    pub async fn table_history(&self, name: String, request: Buffer) -> Outcome<Buffer> {
        outcome(history(&self.inner, &name, &request).await)
    }
}

#[napi]
impl Session {
    /// The FilePage that a FileRequest asks for.
    #[napi]
    pub async fn table_files(&self, name: String, request: Buffer) -> Outcome<Buffer> {
        outcome(files(&self.inner, &name, &request).await)
    }

    /// Prepares a ChangeRequest as a query; whatever is wrong with it fails `start`.
    #[napi]
    pub fn changes(&self, format: String, request: Buffer) -> Query {
        self.prepare(&format, &request, core::Work::changes)
    }
}

async fn snapshot(engine: &core::Engine, name: &str, selection: &[u8]) -> core::Result<Buffer> {
    let selection: TableSelection = decode(selection)?;
    encode(&engine.table_snapshot(name, selection).await?)
}

async fn schema(engine: &core::Engine, name: &str, selection: &[u8]) -> core::Result<Buffer> {
    let selection: TableSelection = decode(selection)?;
    encode(&engine.table_schema(name, selection).await?)
}

async fn history(engine: &core::Engine, name: &str, request: &[u8]) -> core::Result<Buffer> {
    let request: HistoryRequest = decode(request)?;
    encode(&engine.table_history(name, request).await?)
}

async fn files(session: &core::Session, name: &str, request: &[u8]) -> core::Result<Buffer> {
    let request: FileRequest = decode(request)?;
    encode(&session.table_files(name, request).await?)
}
