//! Functions whose result grows with an argument, held to a size and to the room that the process has: they allocate outside of any
//! memory pool.

use std::hash::{Hash, Hasher};
use std::sync::Arc;

use arrow::array::{Array, ArrayRef};
use arrow::compute::concat;
use arrow::datatypes::{DataType, FieldRef};
use datafusion::common::{DataFusionError, Result};
use datafusion::logical_expr::simplify::{ExprSimplifyResult, SimplifyContext};
use datafusion::logical_expr::{
    ColumnarValue, Documentation, Expr, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature,
};

use super::growth::{LOOSE, growth, text_bytes};
use crate::query::has_ended;
use crate::resident::Resident;

/// Bytes of one batch of results.
const BATCH: i64 = 64 << 20;
/// Bytes of a constant: it is copied into every row.
const CONSTANT: i64 = 64 << 10;

pub struct Bounded {
    inner: Arc<ScalarUDF>,
    resident: Arc<Resident>,
}

impl Bounded {
    pub fn new(inner: Arc<ScalarUDF>, resident: Arc<Resident>) -> Self {
        Self { inner, resident }
    }

    fn growth(&self, args: &ScalarFunctionArgs, rows: usize) -> Result<i64> {
        let arrays = args.args.iter().map(values).collect::<Result<Vec<_>>>()?;
        growth(self.name(), &arrays, rows)
    }

    fn make(&self, args: ScalarFunctionArgs, bytes: i64) -> Result<ColumnarValue> {
        if has_ended() {
            let message = format!("{} makes nothing for a query that has ended", self.name());
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        let _room = self.resident.room(bytes.max(0) as usize)?;
        self.inner.invoke_with_args(args)
    }

    /// Makes so many rows at once as are surely within the bound.
    fn make_pieces(&self, args: &ScalarFunctionArgs) -> Result<ColumnarValue> {
        let mut pieces = Vec::new();
        let (mut start, mut length, mut made) = (0, args.number_rows, 0i64);
        while start < args.number_rows {
            length = length.min(args.number_rows - start);
            let piece = sliced(args, start, length);
            let bytes = self.growth(&piece, length)?;
            if bytes > BATCH && length > 1 {
                length = length.div_ceil(2);
                continue;
            }
            self.require(bytes, BATCH)?;
            let piece = self.make(piece, bytes)?.into_array(length)?;
            made = made.saturating_add(text_bytes(&piece, length)?);
            self.require(made, BATCH)?;
            pieces.push(piece);
            start += length;
        }
        let pieces: Vec<&dyn Array> = pieces.iter().map(AsRef::as_ref).collect();
        Ok(ColumnarValue::Array(concat(&pieces)?))
    }

    fn require(&self, bytes: i64, limit: i64) -> Result<()> {
        if bytes <= limit {
            return Ok(());
        }
        let message = format!("{} would make {bytes} bytes at once, more than {limit}", self.name());
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

fn sliced(args: &ScalarFunctionArgs, start: usize, length: usize) -> ScalarFunctionArgs {
    let arguments = args.args.iter().map(|argument| match argument {
        ColumnarValue::Array(values) => ColumnarValue::Array(values.slice(start, length)),
        ColumnarValue::Scalar(value) => ColumnarValue::Scalar(value.clone()),
    });
    ScalarFunctionArgs {
        args: arguments.collect(),
        arg_fields: args.arg_fields.clone(),
        number_rows: length,
        return_field: args.return_field.clone(),
        config_options: args.config_options.clone(),
    }
}

impl std::fmt::Debug for Bounded {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Bounded").field(&self.inner).finish()
    }
}

impl PartialEq for Bounded {
    fn eq(&self, other: &Self) -> bool {
        self.inner == other.inner
    }
}

impl Eq for Bounded {}

impl Hash for Bounded {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.inner.hash(state);
    }
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

    fn is_strict(&self) -> bool {
        self.inner.inner().is_strict()
    }

    fn simplify(&self, args: Vec<Expr>, context: &SimplifyContext) -> Result<ExprSimplifyResult> {
        match self.name() {
            // They put a function in their place that has no bound.
            "concat" | "concat_ws" => Ok(ExprSimplifyResult::Original(args)),
            _ => self.inner.simplify(args, context),
        }
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let constant = args.args.iter().all(|arg| matches!(arg, ColumnarValue::Scalar(_)));
        let rows = if constant { 1 } else { args.number_rows };
        let limit = if constant { CONSTANT } else { BATCH };
        let bytes = self.growth(&args, rows)?;
        if !LOOSE.contains(&self.name()) {
            self.require(bytes, limit)?;
            return self.make(args, bytes);
        }
        if !constant && bytes > BATCH {
            return self.make_pieces(&args);
        }
        self.require(bytes, BATCH)?;
        let made = self.make(args, bytes)?;
        if constant {
            self.require(text_bytes(&values(&made)?, 1)?, limit)?;
        }
        Ok(made)
    }

    fn documentation(&self) -> Option<&Documentation> {
        self.inner.documentation()
    }
}
