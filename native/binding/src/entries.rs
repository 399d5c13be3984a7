//! What registry entries say, as JavaScript has it checked.

use lakegate_core::entries;
use lakegate_core::generated::RowCheck;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::engine::Engine;
use crate::fault::{Outcome, guarded};
use crate::payload::{decode, encode};

#[napi]
impl Engine {
    /// The EntryCheck of a SchemaContract.
    #[napi]
    pub fn check_contract(&self, contract: Buffer) -> Outcome<Buffer> {
        guarded(|| encode(&entries::check_contract(&self.inner, &decode(&contract)?)?))
    }

    /// The EntryCheck of a SemanticModel.
    #[napi]
    pub fn check_semantic_model(&self, model: Buffer) -> Outcome<Buffer> {
        guarded(|| encode(&entries::check_semantic_model(&self.inner, &decode(&model)?)?))
    }

    /// The SemanticStatement that answers a SemanticQuery of a SemanticModel.
    #[napi]
    pub fn semantic_statement(&self, model: Buffer, query: Buffer) -> Outcome<Buffer> {
        guarded(|| {
            encode(&entries::semantic_statement(
                &self.inner,
                &decode(&model)?,
                &decode(&query)?,
            )?)
        })
    }
}

/// The KeyedMerge of MergeKeys.
#[napi]
pub fn keyed_merge(keys: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&entries::keyed_merge(&decode(&keys)?)?))
}

/// The EntryCheck of a ParameterTable.
#[napi]
pub fn check_parameter_table(table: Buffer) -> Outcome<Buffer> {
    guarded(|| encode(&entries::check_parameter_table(&decode(&table)?)))
}

/// The statement that stands for a ParameterTable without values.
#[napi]
pub fn empty_parameter_statement(table: Buffer) -> Outcome<String> {
    guarded(|| entries::empty_statement(&decode(&table)?))
}

/// Holds a RelationShape to a SchemaContract, and plans a RowCheck where one is given; answers a ContractVerdict.
#[napi]
pub fn contract_verdict(contract: Buffer, shape: Buffer, rows: Option<Buffer>) -> Outcome<Buffer> {
    guarded(|| {
        let rows: Option<RowCheck> = rows.map(|rows| decode(&rows)).transpose()?;
        encode(&entries::contract_verdict(
            &decode(&contract)?,
            &decode(&shape)?,
            rows.as_ref(),
        )?)
    })
}
