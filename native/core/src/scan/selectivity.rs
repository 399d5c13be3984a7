//! How many of its rows a scan's filters leave, as far as the bounds of its columns tell.

use std::sync::Arc;

use datafusion::common::{ColumnStatistics, DFSchema, Result, Statistics};
use datafusion::logical_expr::Expr;
use datafusion::logical_expr::utils::conjunction;
use datafusion::physical_expr::intervals::utils::check_support;
use datafusion::physical_expr::{AnalysisContext, PhysicalExpr, analyze, conjunction as all_of, split_conjunction};

use super::columns::Columns;

/// The part that is left where `make` makes expressions over the columns as queries see them; 1 where nothing is known.
pub fn selectivity(
    filters: &[Expr],
    columns: &Columns,
    statistics: &Statistics,
    make: impl Fn(Expr, &DFSchema) -> Result<Arc<dyn PhysicalExpr>>,
) -> Result<f64> {
    let Some(filter) = conjunction(filters.iter().cloned()) else {
        return Ok(1.0);
    };
    let schema = &columns.schema;
    let filter = make(filter, &DFSchema::try_from(schema.clone())?)?;
    let parts = split_conjunction(&filter).into_iter();
    let parts: Vec<_> = parts.filter(|part| check_support(part, schema)).cloned().collect();
    if parts.is_empty() {
        return Ok(1.0);
    }
    let places = columns.places(&columns.indices(None)).into_iter();
    let bounds: Vec<ColumnStatistics> = places
        .map(|place| statistics.column_statistics[place].clone())
        .collect();
    let known = AnalysisContext::try_from_statistics(schema, &bounds)?;
    Ok(analyze(&all_of(parts), known, schema)?.selectivity.unwrap_or(1.0))
}
