//! Rows whose keys others have too, by the contracts of their table.

use arrow::array::AsArray;
use arrow::datatypes::Int64Type;
use datafusion::common::{Column, JoinType, NullEquality};
use datafusion::functions_aggregate::expr_fn::{count, sum};
use datafusion::logical_expr::{Expr, LogicalPlanBuilder, ident, lit};
use datafusion::prelude::DataFrame;

use super::violations::{sample, with_missing};
use crate::entries::Contracts;
use crate::error::{Error, Result};

/// Tells rows that are written from those that stay.
const WRITTEN: &str = "#written";
const ROWS: &str = "#rows";

/// Holds the rows that an operation is about to write, beside those that stay, to the keys of the table's contracts.
pub async fn hold_keys(contracts: &Contracts, written: Vec<DataFrame>, rest: Option<DataFrame>) -> Result<()> {
    for (index, keys, check) in contracts.keys() {
        let written = written.iter().map(|rows| keyed(rows.clone(), contracts, keys, 1));
        let Some(written) = united(written.collect::<Result<_>>()?)? else {
            continue;
        };
        let rest = rest.clone().map(|rows| keyed(rows, contracts, keys, 0)).transpose()?;
        let rest = rest.map(|rest| with_keys_of(rest, &written, keys)).transpose()?;
        let all = rest.into_iter().try_fold(written, |all, rest| all.union(rest))?;
        let repeated = repeated(all, keys)?;
        let rows = counted(repeated.clone()).await?;
        if rows > 0 {
            let shown = repeated.select(keys.iter().map(ident))?;
            contracts.note(index, Vec::new(), vec![check.broken(rows, sample(shown).await?)]);
        }
    }
    contracts.refusal().map_or(Ok(()), Err)
}

fn keyed(rows: DataFrame, contracts: &Contracts, keys: &[String], written: i64) -> Result<DataFrame> {
    let rows = with_missing(rows, contracts)?;
    let columns = keys.iter().map(|key| ident(key).alias(key));
    Ok(rows.select(columns.chain([lit(written).alias(WRITTEN)]))?)
}

fn united(rows: Vec<DataFrame>) -> Result<Option<DataFrame>> {
    let mut rows = rows.into_iter();
    let Some(first) = rows.next() else { return Ok(None) };
    Ok(Some(rows.try_fold(first, |all, more| all.union(more))?))
}

/// Those of the rows whose keys are among the written ones, nulls as values.
fn with_keys_of(rest: DataFrame, written: &DataFrame, keys: &[String]) -> Result<DataFrame> {
    let columns = |relation: &str| -> Vec<Column> {
        let columns = keys.iter().map(|key| Column::new(Some(relation), key));
        columns.collect()
    };
    let written = written
        .clone()
        .select(keys.iter().map(ident))?
        .distinct()?
        .alias("written")?;
    let (state, rest) = rest.alias("rest")?.into_parts();
    let plan = LogicalPlanBuilder::from(rest).join_detailed(
        written.into_unoptimized_plan(),
        JoinType::LeftSemi,
        (columns("rest"), columns("written")),
        None,
        NullEquality::NullEqualsNull,
    )?;
    let found = DataFrame::new(state, plan.build()?);
    let plain = keys.iter().map(String::as_str).chain([WRITTEN]);
    Ok(found.select(plain.map(|name| ident(name).alias(name)))?)
}

/// The keys of several rows, with how many of these are written.
fn repeated(rows: DataFrame, keys: &[String]) -> Result<DataFrame> {
    let groups: Vec<Expr> = keys.iter().map(ident).collect();
    let figures = vec![count(lit(1_i64)).alias(ROWS), sum(ident(WRITTEN)).alias(WRITTEN)];
    let grouped = rows.aggregate(groups, figures)?;
    let is_repeated = ident(ROWS).gt(lit(1_i64)).and(ident(WRITTEN).gt(lit(0_i64)));
    Ok(grouped.filter(is_repeated)?)
}

async fn counted(repeated: DataFrame) -> Result<i64> {
    let total = repeated.aggregate(Vec::new(), vec![sum(ident(WRITTEN)).alias(WRITTEN)])?;
    let batches = total.collect().await?;
    let figures = batches
        .first()
        .and_then(|batch| batch.column(0).as_primitive_opt::<Int64Type>().cloned());
    let figures = figures.ok_or_else(|| Error::internal("a sum of numbers is no number"))?;
    Ok(figures.iter().next().flatten().unwrap_or_default())
}
