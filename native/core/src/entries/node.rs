//! Nodes of pipelines as SQL.

use std::sync::Arc;

use super::faults::Faults;
use crate::engine::Engine;
use crate::error::Result;
use crate::generated::{EngineLimits, KeyedMerge, MergeKeys, NodeCheck, NodeDraft, NodeExpressions};
use crate::sql::{calls, calls_window, parse_as_written, quoted, text_literal};

/// The statement of a node, and the member that it is from; nothing where that is at fault.
pub fn node_sql(engine: &Arc<Engine>, draft: &NodeDraft, faults: &mut Faults) -> Option<(&'static str, String)> {
    let limits = &engine.config.limits;
    match draft {
        NodeDraft { sql: Some(sql), .. } => Some(("/sql", sql.clone())),
        NodeDraft { table: Some(table), .. } => Some(("/table", format!("SELECT * FROM {}", quoted(table)))),
        NodeDraft {
            expressions: Some(expressions),
            ..
        } => {
            let settings = faults.take("/expressions", "expression", engine.operation_settings())?;
            let is_aggregate = |name: &str| settings.aggregate_functions().contains_key(name);
            expressions_sql(expressions, limits, &is_aggregate, faults).map(|sql| ("/expressions", sql))
        }
        NodeDraft { check: Some(check), .. } => check_sql(check, limits, faults).map(|sql| ("/check", sql)),
        _ => None,
    }
}

fn expressions_sql(
    node: &NodeExpressions,
    limits: &EngineLimits,
    is_aggregate: &dyn Fn(&str) -> bool,
    faults: &mut Faults,
) -> Option<String> {
    let columns = node
        .columns
        .iter()
        .map(|(name, sql)| (format!("/expressions/columns/{name}"), sql));
    let condition = node.filter.iter().map(|sql| ("/expressions/filter".to_owned(), sql));
    for (pointer, sql) in columns.chain(condition) {
        let Some(expression) = faults.take(&pointer, "expression", parse_as_written(sql, limits)) else {
            continue;
        };
        if calls(&expression, is_aggregate) || calls_window(&expression) {
            faults.add(&pointer, "expression", "looks at more than one row");
        }
    }
    let added = node
        .columns
        .iter()
        .map(|(name, sql)| format!("({sql}) AS {}", quoted(name)));
    let selected: Vec<_> = std::iter::once("*".to_owned()).chain(added).collect();
    let condition = node.filter.as_ref().map(|sql| format!(" WHERE ({sql})"));
    let sql = format!(
        "SELECT {} FROM {}{}",
        selected.join(", "),
        quoted(&node.of),
        condition.unwrap_or_default()
    );
    faults.are_none().then_some(sql)
}

fn check_sql(check: &NodeCheck, limits: &EngineLimits, faults: &mut Faults) -> Option<String> {
    let Some(of) = &check.of else {
        if !(check.not_null.is_empty() && check.unique.is_empty() && check.rows.is_empty()) {
            faults.add("/check", "not", "has rules, which go with `of`");
        }
        return check.sql.clone();
    };
    for (name, sql) in &check.rows {
        faults.take(
            format!("/check/rows/{name}"),
            "expression",
            parse_as_written(sql, limits),
        );
    }
    let rules: Vec<_> = rules(check, &quoted(of)).collect();
    if rules.is_empty() {
        faults.add("/check", "required", "names no rule: not_null, unique or rows");
    }
    faults
        .are_none()
        .then(|| format!("{} ORDER BY rule", rules.join(" UNION ALL ")))
}

/// For each rule a statement that gives one row where rows break it: its name, and how many do.
fn rules<'a>(check: &'a NodeCheck, of: &'a str) -> impl Iterator<Item = String> + 'a {
    let missing = check.not_null.iter().map(move |column| {
        let rows = format!("{of} WHERE {} IS NULL", quoted(column));
        rule(&format!("not_null: {column}"), &rows)
    });
    let unique = (!check.unique.is_empty()).then(|| {
        let keys: Vec<_> = check.unique.iter().map(|column| quoted(column)).collect();
        let rows = format!(
            "(SELECT 1 FROM {of} GROUP BY {} HAVING count(*) > 1) AS repeated",
            keys.join(", ")
        );
        rule(&format!("unique: {}", check.unique.join(", ")), &rows)
    });
    let broken = check.rows.iter().map(move |(name, sql)| {
        let rows = format!("{of} WHERE ({sql}) IS NOT TRUE");
        rule(name, &rows)
    });
    missing.chain(unique).chain(broken)
}

fn rule(name: &str, rows: &str) -> String {
    format!(
        "SELECT {} AS rule, count(*) AS found FROM {rows} HAVING count(*) > 0",
        text_literal(name)
    )
}

/// What a merge does with rows that are told apart by `keys`.
pub fn keyed_merge(MergeKeys { keys, columns }: &MergeKeys) -> Result<KeyedMerge> {
    let mut faults = Faults::default();
    let known: Vec<_> = columns.iter().map(String::as_str).collect();
    for (index, key) in keys.iter().enumerate() {
        faults.require_known(format!("/keys/{index}"), "column", key, &known);
    }
    faults.into_result()?;
    let from = |column: &String| format!("source.{}", quoted(column));
    let same: Vec<_> = keys
        .iter()
        .map(|key| format!("target.{} = {}", quoted(key), from(key)))
        .collect();
    let others = columns.iter().filter(|column| !keys.contains(column));
    Ok(KeyedMerge {
        predicate: same.join(" AND "),
        matched_updates: others.map(|column| (column.clone(), from(column))).collect(),
        not_matched_inserts: columns.iter().map(|column| (column.clone(), from(column))).collect(),
    })
}
