//! Which relations patterns show, as JavaScript asks it.

use lakegate_core::Visible;
use napi::bindgen_prelude::Buffer;
use napi_derive::napi;

use crate::fault::{Outcome, guarded};
use crate::payload::encode;

/// Those of `names` that fit one of `patterns`, as string[].
#[napi]
pub fn visible_names(patterns: Vec<String>, names: Vec<String>) -> Outcome<Buffer> {
    guarded(|| {
        let visible = Visible::new(Some(&patterns))?;
        let shown = names.into_iter().filter(|name| visible.shows(name));
        encode(&shown.collect::<Vec<_>>())
    })
}
