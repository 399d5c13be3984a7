//! The functions and operators that Lakegate adds to DataFusion's, and what it changes in these: no silent overflow, no
//! unbounded growth, no lost zone, no lost NULL.

mod bounded;
mod changes;
mod checked_arithmetic;
mod checked_sum;
mod collections;
mod decimal_arithmetic;
mod describe;
mod function;
mod growth;
mod hashes;
mod json;
mod json_operators;
mod json_text;
mod lists;
mod registry;
mod subqueries;
mod text;
mod zoned;

use std::sync::Arc;

use datafusion::execution::{FunctionRegistry, SessionState};

use self::bounded::Bounded;
use self::checked_arithmetic::CheckedIntegers;
use self::checked_sum::CheckedSum;
use self::decimal_arithmetic::DecimalArithmetic;
use self::function::Function;
use self::json_operators::JsonOperators;
use self::lists::ListLogic;
pub use self::registry::Functions;
use self::subqueries::EmptySubqueries;
use self::zoned::Zoned;
use crate::error::Result;
use crate::resident::Resident;

pub fn install(state: &mut SessionState, resident: &Arc<Resident>) -> Result<()> {
    state.register_function_rewrite(Arc::new(EmptySubqueries))?;
    state.register_function_rewrite(Arc::new(ListLogic))?;
    state.register_function_rewrite(Arc::new(CheckedIntegers))?;
    state.register_function_rewrite(Arc::new(DecimalArithmetic))?;
    let sum = state.udaf("sum")?;
    state.register_udaf(Arc::new(CheckedSum::new(sum).into()))?;
    for name in growth::GROWING {
        let function = state.udf(name)?;
        state.register_udf(Arc::new(Bounded::new(function, resident.clone()).into()))?;
    }
    for name in zoned::FUNCTIONS {
        let function = state.udf(name)?;
        state.register_udf(Arc::new(Zoned::new(function).into()))?;
    }
    for function in own() {
        state.register_udf(Arc::new(function.udf()))?;
    }
    let operators = JsonOperators {
        get: state.udf("json_get")?,
        as_text: state.udf("json_as_text")?,
    };
    Ok(state.register_expr_planner(Arc::new(operators))?)
}

/// Lakegate's own functions.
fn own() -> impl Iterator<Item = Function> {
    let groups = [
        changes::functions(),
        collections::functions(),
        hashes::functions(),
        json::functions(),
        text::functions(),
    ];
    groups.into_iter().flatten()
}
