//! What Lakegate changes in DataFusion's functions and operators: no silent overflow, no unbounded growth.

mod bounded;
mod checked_arithmetic;

use std::sync::Arc;

use datafusion::execution::{FunctionRegistry, SessionState};

use self::bounded::Bounded;
use self::checked_arithmetic::CheckedIntegers;
use crate::error::Result;

pub fn install(state: &mut SessionState) -> Result<()> {
    state.register_function_rewrite(Arc::new(CheckedIntegers))?;
    for name in bounded::GROWING {
        if let Ok(function) = state.udf(name) {
            state.register_udf(Arc::new(Bounded::new(function).into()))?;
        }
    }
    Ok(())
}
