//! Arithmetic of decimals with Arrow's answers for less work: a literal is brought to the scale of what it is added to once, not
//! row by row, and values that fit in 64 bits are multiplied as such.

use std::sync::Arc;

use arrow::array::{Array, ArrayRef, AsArray, Datum, PrimitiveArray};
use arrow::buffer::NullBuffer;
use arrow::compute::kernels::numeric::mul;
use arrow::datatypes::{DECIMAL128_MAX_PRECISION, DECIMAL128_MAX_SCALE, DataType, Decimal128Type, Field, FieldRef};
use arrow::error::ArrowError;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::ColumnarValue;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::type_coercion::binary::BinaryTypeCoercer;
use datafusion::logical_expr::{
    BinaryExpr, Expr, ExprSchemable, Operator, ReturnFieldArgs, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl,
    Signature, Volatility,
};
use datafusion::physical_expr_common::datum::apply;

#[derive(Debug)]
pub struct DecimalArithmetic;

impl FunctionRewrite for DecimalArithmetic {
    fn name(&self) -> &str {
        "decimal_arithmetic"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let Expr::BinaryExpr(BinaryExpr { left, op, right }) = &expr else {
            return Ok(Transformed::no(expr));
        };
        if !matches!(op, Operator::Plus | Operator::Minus | Operator::Multiply) {
            return Ok(Transformed::no(expr));
        }
        let types = (left.get_type(schema)?, right.get_type(schema)?);
        let types = BinaryTypeCoercer::new(&types.0, op, &types.1).get_input_types();
        let Ok(types @ (DataType::Decimal128(..), DataType::Decimal128(..))) = &types else {
            return Ok(Transformed::no(expr));
        };
        let rewritten = match op {
            Operator::Multiply => Some(product(left, right)),
            _ => aligned(left, *op, right, types),
        };
        Ok(rewritten.map_or_else(|| Transformed::no(expr), Transformed::yes))
    }
}

fn product(left: &Expr, right: &Expr) -> Expr {
    let product = Product(Signature::user_defined(Volatility::Immutable));
    ScalarUDF::from(product).call(vec![left.clone(), right.clone()])
}

/// None where neither is a literal of a smaller scale.
fn aligned(left: &Expr, op: Operator, right: &Expr, types: &(DataType, DataType)) -> Option<Expr> {
    let (new_left, new_right) = (scaled(left, &types.0, &types.1), scaled(right, &types.1, &types.0));
    if new_left.is_none() && new_right.is_none() {
        return None;
    }
    let operand = |new: Option<Expr>, old: &Expr| Box::new(new.unwrap_or_else(|| old.clone()));
    let (left, right) = (operand(new_left, left), operand(new_right, right));
    Some(Expr::BinaryExpr(BinaryExpr::new(left, op, right)))
}

/// A literal with the scale of the other operand and as many digits before the point, so that the type of the sum stays.
fn scaled(literal: &Expr, own: &DataType, other: &DataType) -> Option<Expr> {
    let (Expr::Literal(value, metadata), DataType::Decimal128(_, to)) = (literal, other) else {
        return None;
    };
    let ScalarValue::Decimal128(Some(value), precision, scale) = value.cast_to(own).ok()? else {
        return None;
    };
    let more = u8::try_from(to.checked_sub(scale)?).ok().filter(|more| *more > 0)?;
    let precision = precision
        .checked_add(more)
        .filter(|all| *all <= DECIMAL128_MAX_PRECISION)?;
    let value = value.checked_mul(10_i128.checked_pow(more.into())?)?;
    Some(Expr::Literal(
        ScalarValue::Decimal128(Some(value), precision, *to),
        metadata.clone(),
    ))
}

#[derive(Debug, PartialEq, Eq, Hash)]
struct Product(Signature);

impl ScalarUDFImpl for Product {
    fn name(&self) -> &str {
        "decimal_product"
    }

    fn signature(&self) -> &Signature {
        &self.0
    }

    fn return_type(&self, types: &[DataType]) -> Result<DataType> {
        BinaryTypeCoercer::new(&types[0], &Operator::Multiply, &types[1]).get_result_type()
    }

    fn return_field_from_args(&self, args: ReturnFieldArgs) -> Result<FieldRef> {
        let [left, right] = [&args.arg_fields[0], &args.arg_fields[1]];
        let data_type = self.return_type(&[left.data_type().clone(), right.data_type().clone()])?;
        let nullable = left.is_nullable() || right.is_nullable();
        Ok(Arc::new(Field::new(self.name(), data_type, nullable)))
    }

    fn coerce_types(&self, types: &[DataType]) -> Result<Vec<DataType>> {
        let (left, right) = BinaryTypeCoercer::new(&types[0], &Operator::Multiply, &types[1]).get_input_types()?;
        Ok(vec![left, right])
    }

    fn invoke_with_args(&self, args: ScalarFunctionArgs) -> Result<ColumnarValue> {
        apply(&args.args[0], &args.args[1], multiplied)
    }
}

/// Arrow's kernel where a value has more than 64 bits, or the scale would be too large.
fn multiplied(left: &dyn Datum, right: &dyn Datum) -> Result<ArrayRef, ArrowError> {
    match short_product(left.get(), right.get()) {
        Some(product) => product,
        None => mul(left, right),
    }
}

fn short_product(
    (left, is_one): (&dyn Array, bool),
    (right, is_other_one): (&dyn Array, bool),
) -> Option<Result<ArrayRef, ArrowError>> {
    let (DataType::Decimal128(p1, s1), DataType::Decimal128(p2, s2)) = (left.data_type(), right.data_type()) else {
        return None;
    };
    let scale = s1.checked_add(*s2).filter(|scale| *scale <= DECIMAL128_MAX_SCALE)?;
    let precision = p1.saturating_add(p2 + 1).min(DECIMAL128_MAX_PRECISION);
    let (left, right) = (
        left.as_primitive::<Decimal128Type>(),
        right.as_primitive::<Decimal128Type>(),
    );
    if is_one || is_other_one || !are_short(left.values()) || !are_short(right.values()) {
        return None;
    }
    let pairs = left.values().iter().zip(right.values());
    let products = pairs.map(|(left, right)| i128::from(*left as i64) * i128::from(*right as i64));
    let nulls = NullBuffer::union(left.nulls(), right.nulls());
    let product = PrimitiveArray::<Decimal128Type>::new(products.collect::<Vec<_>>().into(), nulls);
    Some(
        product
            .with_precision_and_scale(precision, scale)
            .map(|product| Arc::new(product) as _),
    )
}

fn are_short(values: &[i128]) -> bool {
    let beyond = values
        .iter()
        .fold(0, |beyond, value| beyond | (value ^ i128::from(*value as i64)));
    beyond == 0
}
