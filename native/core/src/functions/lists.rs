//! `IN` lists of one value that AND or OR connects, made one before DataFusion does so: it takes lists without a common entry for never or
//! always true, which they aren't for NULL, and compares entries that aren't constants by how they are written.

use arrow::datatypes::DataType;
use datafusion::common::config::ConfigOptions;
use datafusion::common::tree_node::Transformed;
use datafusion::common::{DFSchema, Result, ScalarValue};
use datafusion::logical_expr::expr::InList;
use datafusion::logical_expr::expr_rewriter::FunctionRewrite;
use datafusion::logical_expr::utils::{conjunction, disjunction};
use datafusion::logical_expr::{BinaryExpr, Expr, ExprSchemable, Operator, and, lit, or};

#[derive(Debug)]
pub struct ListLogic;

impl FunctionRewrite for ListLogic {
    fn name(&self) -> &str {
        "list_logic"
    }

    fn rewrite(&self, expr: Expr, schema: &DFSchema, _: &ConfigOptions) -> Result<Transformed<Expr>> {
        let made = match &expr {
            Expr::Not(inner) => match inner.as_ref() {
                Expr::InList(list) => Some(Expr::InList(negated(list.clone()))),
                _ => None,
            },
            Expr::BinaryExpr(BinaryExpr { left, op, right }) if matches!(op, Operator::And | Operator::Or) => {
                match (list_of(left), list_of(right)) {
                    (Some(left), Some(right)) if left.expr == right.expr && !left.expr.is_volatile() => {
                        connected(left, *op, right, schema)?
                    }
                    _ => None,
                }
            }
            _ => None,
        };
        Ok(made.map_or(Transformed::no(expr), Transformed::yes))
    }
}

/// The list that a condition is, or several of one column that OR connects.
fn list_of(expr: &Expr) -> Option<InList> {
    match expr {
        Expr::InList(list) => Some(list.clone()),
        Expr::BinaryExpr(BinaryExpr {
            left,
            op: Operator::Or,
            right,
        }) => {
            let (mut left, right) = (alternative_of(left)?, alternative_of(right)?);
            let are_one = left.expr == right.expr && !left.negated && !right.negated;
            left.list.extend(right.list);
            are_one.then_some(left)
        }
        _ => None,
    }
}

fn alternative_of(expr: &Expr) -> Option<InList> {
    let Expr::BinaryExpr(BinaryExpr {
        left,
        op: Operator::Eq,
        right,
    }) = expr
    else {
        return list_of(expr);
    };
    match (left.as_ref(), right.as_ref()) {
        (Expr::Column(_), Expr::Literal(..)) => Some(InList::new(left.clone(), vec![right.as_ref().clone()], false)),
        (Expr::Literal(..), Expr::Column(_)) => Some(InList::new(right.clone(), vec![left.as_ref().clone()], false)),
        _ => None,
    }
}

fn negated(list: InList) -> InList {
    InList {
        negated: !list.negated,
        ..list
    }
}

/// Two lists as one condition; nothing where DataFusion does that right.
fn connected(left: InList, operator: Operator, right: InList, schema: &DFSchema) -> Result<Option<Expr>> {
    let is_or = operator == Operator::Or;
    let (left, right) = (of_one_type(left, schema)?, of_one_type(right, schema)?);
    if has_null(&left) || has_null(&right) {
        let [left, right] = [left, right].map(beside_null);
        return Ok(Some(if is_or { or(left, right) } else { and(left, right) }));
    }
    // `a OR b` is `NOT (NOT a AND NOT b)`.
    let [left, right] = [left, right].map(|list| if is_or { negated(list) } else { list });
    let (mut kept, other) = match (left.negated, right.negated) {
        (true, true) => return Ok(None),
        (true, false) => (right, left),
        (false, _) => (left, right),
    };
    if !(are_comparable(&kept, schema)? && are_comparable(&other, schema)?) {
        return Ok(Some(written_out(kept, other, is_or)));
    }
    kept.list.retain(|entry| other.list.contains(entry) != other.negated);
    if kept.list.is_empty() {
        return Ok(Some(nothing_in(*kept.expr, is_or, schema)?));
    }
    kept.negated = is_or;
    Ok(Some(Expr::InList(kept)))
}

/// `x IN ()`, or `x NOT IN ()`: false or true, and NULL where `x` is.
fn nothing_in(value: Expr, is_negated: bool, schema: &DFSchema) -> Result<Expr> {
    if !value.nullable(schema)? {
        return Ok(lit(is_negated));
    }
    Ok(match is_negated {
        true => or(value.is_not_null(), unknown()),
        false => and(value.is_null(), unknown()),
    })
}

/// Numbers as those that the list is of, where they are the same number as such.
fn of_one_type(mut list: InList, schema: &DFSchema) -> Result<InList> {
    let wanted = list.expr.get_type(schema)?;
    if wanted.is_floating() || wanted.is_decimal() {
        for entry in &mut list.list {
            if let Expr::Literal(value, _) = entry
                && let Some(same) = same_number(value, &wanted)
            {
                *value = same;
            }
        }
    }
    Ok(list)
}

fn same_number(value: &ScalarValue, wanted: &DataType) -> Option<ScalarValue> {
    let found = value.data_type();
    let same = value.cast_to(wanted).ok().filter(|_| found.is_numeric())?;
    same.cast_to(&found).is_ok_and(|back| back == *value).then_some(same)
}

/// Whether equal entries are those that are written alike.
fn are_comparable(list: &InList, schema: &DFSchema) -> Result<bool> {
    let wanted = list.expr.get_type(schema)?;
    Ok(list.list.iter().all(|entry| match entry {
        Expr::Literal(value, _) => {
            let found = value.data_type();
            let are_alike = (found.is_integer() && wanted.is_integer()) || (found.is_string() && wanted.is_string());
            are_alike || found == wanted
        }
        _ => false,
    }))
}

/// Both lists, of which one is compared entry by entry, so that they stay apart.
fn written_out(kept: InList, other: InList, is_or: bool) -> Expr {
    let [kept, other] = [kept, other].map(|list| if is_or { negated(list) } else { list });
    let InList { expr, list, negated } = other;
    let compared = list.into_iter().map(|entry| match negated {
        true => expr.as_ref().clone().not_eq(entry),
        false => expr.as_ref().clone().eq(entry),
    });
    let other = match negated {
        true => conjunction(compared),
        false => disjunction(compared),
    };
    let other = other.unwrap_or_else(|| lit(negated));
    match is_or {
        true => or(Expr::InList(kept), other),
        false => and(Expr::InList(kept), other),
    }
}

fn has_null(list: &InList) -> bool {
    list.list.iter().any(is_null)
}

fn is_null(entry: &Expr) -> bool {
    matches!(entry, Expr::Literal(value, _) if value.is_null())
}

/// `x IN (1, NULL)` is `x IN (1) OR NULL`, and `x NOT IN (1, NULL)` is `x NOT IN (1) AND NULL`.
fn beside_null(mut list: InList) -> Expr {
    if !has_null(&list) {
        return Expr::InList(list);
    }
    list.list.retain(|entry| !is_null(entry));
    match (list.list.is_empty(), list.negated) {
        (true, _) => unknown(),
        (false, true) => and(Expr::InList(list), unknown()),
        (false, false) => or(Expr::InList(list), unknown()),
    }
}

fn unknown() -> Expr {
    lit(ScalarValue::Boolean(None))
}
