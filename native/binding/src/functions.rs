//! Functions as JavaScript sees them.

use std::sync::Arc;

use lakegate_core as core;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::engine::Engine;
use crate::fault::{Outcome, guarded, outcome};
use crate::payload::{decode, encode};

#[napi]
impl Engine {
    /// The built-in functions by name, as FunctionInfo[].
    #[napi]
    pub fn built_in_functions(&self) -> Outcome<Buffer> {
        guarded(|| encode(&self.inner.built_in_functions()))
    }

    /// Adds the macros of MacroRegistrations, all or none; answers FunctionInfo[].
    #[napi]
    pub async fn define_macros(&self, registrations: Buffer) -> Outcome<Buffer> {
        outcome(define(&self.inner, &registrations))
    }

    /// Whether SQL, a statement or an expression, calls a macro.
    #[napi]
    pub fn calls_macro(&self, sql: String, name: String) -> bool {
        self.inner.calls_macro(&sql, &name)
    }

    /// Forgets a macro that no other calls.
    #[napi]
    pub fn drop_macro(&self, name: String) -> Outcome<()> {
        guarded(|| self.inner.drop_macro(&name))
    }
}

fn define(engine: &Arc<core::Engine>, registrations: &[u8]) -> core::Result<Buffer> {
    encode(&engine.define_macros(decode(registrations)?)?)
}
