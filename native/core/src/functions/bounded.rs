//! Functions whose result grows with an argument, held to a size: they allocate outside of any memory pool.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray};
use arrow::compute::kernels::length::length;
use arrow::compute::{cast, max};
use arrow::datatypes::{DataType, FieldRef, Int64Type};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

pub const GROWING: [&str; 7] = [
    "repeat",
    "lpad",
    "rpad",
    "array_repeat",
    "array_resize",
    "range",
    "generate_series",
];

/// Bytes of one batch of results.
const BATCH: i64 = 64 << 20;
/// Bytes of a constant: it is copied into every row.
const CONSTANT: i64 = 64 << 10;
/// What a padded character, a list element or a number is counted as.
const ITEM: i64 = 8;

#[derive(Debug, PartialEq, Eq, Hash)]
pub struct Bounded {
    inner: Arc<ScalarUDF>,
}

impl Bounded {
    pub fn new(inner: Arc<ScalarUDF>) -> Self {
        Self { inner }
    }

    fn check(&self, args: &ScalarFunctionArgs) -> Result<()> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let limit = if constant { CONSTANT } else { BATCH };
        let arrays: Vec<ArrayRef> = args.args.iter().map(values).collect::<Result<_>>()?;
        let size = match self.name() {
            "range" | "generate_series" => series(&arrays, rows)?,
            "repeat" => total(&arrays[1], rows)?.saturating_mul(longest(&arrays[0])?),
            _ => total(&arrays[1], rows)?.saturating_mul(ITEM),
        };
        if size <= limit {
            return Ok(());
        }
        let message = format!("{} would make {size} bytes at once, more than {limit}", self.name());
        Err(DataFusionError::ResourcesExhausted(message))
    }
}

/// The values of an argument; a single one stands for every row.
fn values(argument: &ColumnarValue) -> Result<ArrayRef> {
    match argument {
        ColumnarValue::Array(values) => Ok(values.clone()),
        ColumnarValue::Scalar(value) => value.to_array(),
    }
}

fn integers(array: &ArrayRef) -> Result<ArrayRef> {
    Ok(cast(array, &DataType::Int64)?)
}

fn total(counts: &ArrayRef, rows: usize) -> Result<i64> {
    let counts = integers(counts)?;
    let counts = counts.as_primitive::<Int64Type>();
    let sum = counts
        .iter()
        .flatten()
        .fold(0i64, |sum, count| sum.saturating_add(count.max(0)));
    Ok(match counts.len() {
        1 => sum.saturating_mul(rows as i64),
        _ => sum,
    })
}

fn longest(texts: &ArrayRef) -> Result<i64> {
    let lengths = integers(&length(texts)?)?;
    Ok(max(lengths.as_primitive::<Int64Type>()).unwrap_or_default())
}

/// Numbers in all series together, counted as bytes; only integers are counted, others belong in FROM.
fn series(arrays: &[ArrayRef], rows: usize) -> Result<i64> {
    if !arrays
        .iter()
        .all(|array| array.data_type().is_integer() || array.data_type().is_null())
    {
        let message = "Lists of dates and times aren't made by range and generate_series here: use them in FROM";
        return Err(DataFusionError::Plan(message.to_owned()));
    }
    let arrays: Vec<ArrayRef> = arrays.iter().map(integers).collect::<Result<_>>()?;
    let value = |index: usize, row: usize| {
        let array = arrays.get(index)?.as_primitive::<Int64Type>();
        let row = if array.len() == 1 { 0 } else { row };
        array.is_valid(row).then(|| array.value(row))
    };
    let mut numbers = 0i64;
    for row in 0..rows {
        let first = value(0, row).unwrap_or_default();
        let (start, stop) = value(1, row).map_or((0, first), |stop| (first, stop));
        let step = value(2, row).unwrap_or(1).saturating_abs().max(1);
        numbers = numbers.saturating_add(stop.saturating_sub(start).saturating_abs() / step);
    }
    Ok(numbers.saturating_mul(ITEM))
}

impl ScalarUDFImpl for Bounded {
    fn name(&self) -> &str {
        self.inner.name()
    }

    fn aliases(&self) -> &[String] {
        self.inner.aliases()
    }

    fn signature(&self) -> &Signature {
        self.inner.signature()
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        self.inner.return_type(types)
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        self.inner.return_field_from_args(args)
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        self.inner.coerce_types(types)
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        self.inner.simplify(args, context)
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        self.check(&args)?;
        self.inner.invoke_with_args(args)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
