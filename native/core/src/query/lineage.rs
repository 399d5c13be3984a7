//! Which columns of the relations of a plan the values of its own columns come from.

use std::collections::BTreeSet;

use datafusion::common::DFSchema;
use datafusion::common::tree_node::{TreeNode, TreeNodeRecursion};
use datafusion::logical_expr::{Distinct, Expr, JoinType, LogicalPlan};

use crate::error::Result;
use crate::generated::ColumnOrigin;

/// A relation and its column.
type Origins = BTreeSet<(String, String)>;

/// For each column of the plan those that its values are computed of, through aliases and views down to scans.
pub fn column_origins(plan: &LogicalPlan) -> Result<Vec<Vec<ColumnOrigin>>> {
    let columns = origins(plan)?.into_iter();
    Ok(columns
        .map(|origins| origins.into_iter().map(origin).collect())
        .collect())
}

fn origin((relation, column): (String, String)) -> ColumnOrigin {
    ColumnOrigin { relation, column }
}

fn origins(plan: &LogicalPlan) -> Result<Vec<Origins>> {
    let columns = known(plan)?;
    match columns {
        Some(columns) if columns.len() == plan.schema().fields().len() => Ok(columns),
        _ => anything(plan),
    }
}

/// By what the plan does; nothing where that doesn't tell its columns apart.
fn known(plan: &LogicalPlan) -> Result<Option<Vec<Origins>>> {
    Ok(Some(match plan {
        LogicalPlan::TableScan(scan) => {
            let fields = scan.projected_schema.fields().iter();
            let relation = scan.table_name.table();
            fields
                .map(|field| Origins::from([(relation.to_owned(), field.name().clone())]))
                .collect()
        }
        LogicalPlan::Projection(projection) => of_all(&projection.expr, &projection.input)?,
        LogicalPlan::Aggregate(aggregate) => {
            let expressions = aggregate.group_expr.iter().chain(&aggregate.aggr_expr);
            of_all(expressions, &aggregate.input)?
        }
        LogicalPlan::Window(window) => {
            let added = of_all(&window.window_expr, &window.input)?;
            [origins(&window.input)?, added].concat()
        }
        LogicalPlan::Distinct(Distinct::On(on)) => of_all(&on.select_expr, &on.input)?,
        LogicalPlan::Join(join) => joined(join.join_type, origins(&join.left)?, origins(&join.right)?),
        LogicalPlan::Union(union) => {
            let mut inputs = Vec::new();
            for input in &union.inputs {
                inputs.push(origins(input)?);
            }
            side_by_side(inputs)
        }
        LogicalPlan::Unnest(unnest) => {
            let input = origins(&unnest.input)?;
            let sources = unnest.dependency_indices.iter();
            sources
                .map(|index| input.get(*index).cloned().unwrap_or_default())
                .collect()
        }
        LogicalPlan::Values(_) | LogicalPlan::EmptyRelation(_) => {
            vec![Origins::new(); plan.schema().fields().len()]
        }
        LogicalPlan::RecursiveQuery(query) => origins(&query.static_term)?,
        LogicalPlan::Filter(_)
        | LogicalPlan::Sort(_)
        | LogicalPlan::Limit(_)
        | LogicalPlan::Repartition(_)
        | LogicalPlan::Distinct(Distinct::All(_))
        | LogicalPlan::SubqueryAlias(_)
        | LogicalPlan::Subquery(_) => match plan.inputs().as_slice() {
            [input] => origins(input)?,
            _ => return Ok(None),
        },
        _ => return Ok(None),
    }))
}

/// Every column may come from everything that is read.
fn anything(plan: &LogicalPlan) -> Result<Vec<Origins>> {
    let mut all = Origins::new();
    for input in plan.inputs() {
        all.extend(origins(input)?.into_iter().flatten());
    }
    Ok(vec![all; plan.schema().fields().len()])
}

fn joined(join_type: JoinType, left: Vec<Origins>, right: Vec<Origins>) -> Vec<Origins> {
    let mark = |columns: Vec<Origins>| columns.into_iter().flatten().collect::<Origins>();
    match join_type {
        JoinType::LeftSemi | JoinType::LeftAnti => left,
        JoinType::RightSemi | JoinType::RightAnti => right,
        JoinType::LeftMark => [left, vec![mark(right)]].concat(),
        JoinType::RightMark => [right, vec![mark(left)]].concat(),
        _ => [left, right].concat(),
    }
}

fn side_by_side(inputs: Vec<Vec<Origins>>) -> Vec<Origins> {
    let mut columns: Vec<Origins> = Vec::new();
    for input in inputs {
        columns.resize_with(columns.len().max(input.len()), Origins::new);
        for (column, origins) in columns.iter_mut().zip(input) {
            column.extend(origins);
        }
    }
    columns
}

fn of_all<'a>(expressions: impl IntoIterator<Item = &'a Expr>, input: &LogicalPlan) -> Result<Vec<Origins>> {
    let below = origins(input)?;
    let expressions = expressions.into_iter();
    expressions
        .map(|expression| of_one(expression, input.schema(), &below))
        .collect()
}

fn of_one(expression: &Expr, schema: &DFSchema, below: &[Origins]) -> Result<Origins> {
    let mut found = Origins::new();
    let mut subqueries = Vec::new();
    expression.apply(|part| {
        match part {
            Expr::Column(column) => {
                let index = schema.maybe_index_of_column(column);
                found.extend(index.and_then(|index| below.get(index)).into_iter().flatten().cloned());
            }
            Expr::ScalarSubquery(subquery) => subqueries.push(subquery.subquery.clone()),
            Expr::Exists(exists) => subqueries.push(exists.subquery.subquery.clone()),
            Expr::InSubquery(within) => subqueries.push(within.subquery.subquery.clone()),
            _ => {}
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    for subquery in subqueries {
        found.extend(origins(&subquery)?.into_iter().flatten());
    }
    Ok(found)
}
