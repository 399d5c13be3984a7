//! Plans what a plan has several times by itself, and puts its rows in the place of each.
//!
//! Only what has to read all its rows before it gives one: of others a limit may want few, and a join's filter may spare most. Where
//! each is below a join whose other side has conditions, that filter may spare more than one reading for all does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use datafusion::common::tree_node::{Transformed, TransformedResult, TreeNode, TreeNodeRecursion};
use datafusion::datasource::{provider_as_source, source_as_provider};
use datafusion::error::Result;
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, TableScan};
use futures::FutureExt;
use futures::future::BoxFuture;

use super::repeated_exec::{Repeated, with_inputs};
use crate::physical::Template;
use crate::scan;

/// A part of a plan, with where the tables are in memory that it reads: their names needn't tell.
#[derive(PartialEq, Eq, Hash)]
struct Part {
    plan: LogicalPlan,
    tables: Vec<usize>,
}

/// How often each part is there.
type Found = HashMap<Part, usize>;

/// The physical plan of an optimised one.
pub fn planned<'a>(state: &'a SessionState, logical: &'a LogicalPlan) -> BoxFuture<'a, Result<Template>> {
    async move {
        let outermost = outermost(logical)?;
        if outermost.is_empty() {
            return Template::planned(state, logical).await;
        }
        let config = state.config_options();
        let mut repeated = HashMap::new();
        for part in outermost {
            let plan = planned(state, &part.plan).await?.finished(config)?;
            repeated.insert(part, Arc::new(Repeated::new(plan)?));
        }
        let logical = replaced(logical, &repeated)?;
        let plan = Template::planned(state, &logical).await?.finished(config)?;
        Ok(Template::of_finished(with_inputs(plan)?))
    }
    .boxed()
}

/// What it has several times, without what is only there in others of these.
fn outermost(logical: &LogicalPlan) -> Result<Vec<Part>> {
    let mut found = Found::new();
    logical.apply_with_subqueries(|node| {
        if let Some(part) = part(node)? {
            *found.entry(part).or_default() += 1;
        }
        Ok(TreeNodeRecursion::Continue)
    })?;
    found.retain(|_, count| *count > 1);
    let needed = match found.is_empty() {
        true => HashSet::new(),
        false => needed(logical, &found)?,
    };
    let mut outermost = Vec::new();
    if needed.is_empty() {
        return Ok(outermost);
    }
    logical.apply_with_subqueries(|node| {
        let Some(part) = part(node)?.filter(|part| needed.contains(part)) else {
            return Ok(TreeNodeRecursion::Continue);
        };
        if !outermost.contains(&part) {
            outermost.push(part);
        }
        Ok(TreeNodeRecursion::Jump)
    })?;
    Ok(outermost)
}

/// Those that are needed whole at least once.
fn needed(logical: &LogicalPlan, found: &Found) -> Result<HashSet<Part>> {
    let mut needed = HashSet::new();
    mark(logical, false, found, &mut needed)?;
    Ok(needed)
}

/// `is_spared`: whether a join above may spare rows of the node.
fn mark(node: &LogicalPlan, is_spared: bool, found: &Found, needed: &mut HashSet<Part>) -> Result<()> {
    if let Some(part) = part(node)?.filter(|part| !is_spared && found.contains_key(part)) {
        needed.insert(part);
    }
    if let LogicalPlan::Join(join) = node {
        let (left, right) = (has_conditions(&join.left, found)?, has_conditions(&join.right, found)?);
        mark(&join.left, is_spared || right, found, needed)?;
        mark(&join.right, is_spared || left, found, needed)?;
    } else {
        for input in node.inputs() {
            mark(input, is_spared, found, needed)?;
        }
    }
    node.apply_subqueries(|subquery| {
        mark(subquery, false, found, needed)?;
        Ok(TreeNodeRecursion::Jump)
    })?;
    Ok(())
}

/// None for what isn't worth it, or may differ from one reading to the next.
fn part(node: &LogicalPlan) -> Result<Option<Part>> {
    if !matches!(
        node,
        LogicalPlan::Aggregate(_) | LogicalPlan::Window(_) | LogicalPlan::Distinct(_)
    ) {
        return Ok(None);
    }
    let mut tables = Vec::new();
    let mut is_same = true;
    node.apply(|below| {
        match below {
            LogicalPlan::TableScan(table) => {
                let provider = source_as_provider(&table.source)?;
                is_same &= provider.downcast_ref::<scan::TableScan>().is_some();
                tables.push(Arc::as_ptr(&provider).cast::<()>() as usize);
            }
            LogicalPlan::Extension(_) | LogicalPlan::RecursiveQuery(_) => is_same = false,
            _ => {}
        }
        below.apply_expressions(|expression| {
            is_same &= !expression.is_volatile() && !expression.exists(|part| Ok(reads_elsewhere(part)))?;
            Ok(TreeNodeRecursion::Continue)
        })?;
        Ok(match is_same {
            true => TreeNodeRecursion::Continue,
            false => TreeNodeRecursion::Stop,
        })
    })?;
    Ok((is_same && !tables.is_empty()).then(|| Part {
        plan: node.clone(),
        tables,
    }))
}

fn reads_elsewhere(expression: &Expr) -> bool {
    matches!(
        expression,
        Expr::ScalarSubquery(_)
            | Expr::InSubquery(_)
            | Expr::Exists(_)
            | Expr::SetComparison(_)
            | Expr::OuterReferenceColumn(..)
            | Expr::Placeholder(_)
    )
}

/// Besides those of what is there several times, which its other readers have as well.
fn has_conditions(side: &LogicalPlan, found: &Found) -> Result<bool> {
    let mut has_conditions = false;
    side.apply(|node| {
        if part(node)?.is_some_and(|part| found.contains_key(&part)) {
            return Ok(TreeNodeRecursion::Jump);
        }
        has_conditions |= match node {
            LogicalPlan::Filter(_) | LogicalPlan::Limit(_) => true,
            LogicalPlan::TableScan(table) => !table.filters.is_empty() || table.fetch.is_some(),
            _ => false,
        };
        Ok(match has_conditions {
            true => TreeNodeRecursion::Stop,
            false => TreeNodeRecursion::Continue,
        })
    })?;
    Ok(has_conditions)
}

fn replaced(logical: &LogicalPlan, repeated: &HashMap<Part, Arc<Repeated>>) -> Result<LogicalPlan> {
    let replaced = logical.clone().transform_down_with_subqueries(|node| {
        let Some(rows) = part(&node)?.and_then(|part| repeated.get(&part)) else {
            return Ok(Transformed::no(node));
        };
        let rows = LogicalPlan::TableScan(TableScan {
            table_name: "repeated".into(),
            source: provider_as_source(rows.clone()),
            projection: None,
            projected_schema: node.schema().clone(),
            filters: Vec::new(),
            fetch: None,
            statistics_requests: Default::default(),
        });
        Ok(Transformed::new(rows, true, TreeNodeRecursion::Jump))
    });
    replaced.data()
}
