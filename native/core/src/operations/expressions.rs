//! The SQL expressions of operations.

use std::collections::BTreeMap;

use super::operation::Operation;
use crate::error::Result;
use crate::generated::EngineLimits;
use crate::sql::{Macros, expand_expression};

/// Writes the macros of all expressions out, so that the library and the log of the table know none.
pub fn expand_macros(operation: &mut Operation, macros: &Macros, limits: &EngineLimits) -> Result<()> {
    if macros.names().next().is_none() {
        return Ok(());
    }
    for (name, sql) in expressions(operation) {
        if let Some(expanded) = expand_expression(name, sql, macros, limits)? {
            *sql = expanded;
        }
    }
    Ok(())
}

fn expressions(operation: &mut Operation) -> Vec<(&str, &mut String)> {
    use Operation as O;
    match operation {
        O::AddConstraints(request) => named(&mut request.constraints).collect(),
        O::Create(request) => named(&mut request.constraints).collect(),
        O::Delete(request) => vec![("predicate", &mut request.predicate)],
        O::Merge(request) => {
            let predicates = [
                ("matched_predicate", &mut request.matched_predicate),
                ("not_matched_predicate", &mut request.not_matched_predicate),
                (
                    "not_matched_by_source_predicate",
                    &mut request.not_matched_by_source_predicate,
                ),
            ];
            let predicates = predicates
                .into_iter()
                .filter_map(|(name, sql)| Some((name, sql.as_mut()?)));
            std::iter::once(("predicate", &mut request.predicate))
                .chain(predicates)
                .chain(named(&mut request.matched_updates))
                .chain(named(&mut request.not_matched_inserts))
                .collect()
        }
        O::Update(request) => {
            let predicate = request.predicate.as_mut().map(|sql| ("predicate", sql));
            named(&mut request.updates).chain(predicate).collect()
        }
        O::Write(request) => {
            let replaced = request.replace_where.as_mut().map(|sql| ("replace_where", sql));
            let constraints = request.extra_constraints.iter_mut().flatten();
            let constraints = constraints.map(|(name, sql)| (name.as_str(), sql));
            constraints.chain(replaced).collect()
        }
        O::Checkpoint(_)
        | O::CleanupMetadata(_)
        | O::AddFeatures(_)
        | O::Convert(_)
        | O::DataCheck(_)
        | O::DropConstraints(_)
        | O::IncomingRows(_)
        | O::Optimize(_)
        | O::ParameterValues(_)
        | O::Restore(_)
        | O::SetProperties(_)
        | O::Vacuum(_) => Vec::new(),
    }
}

fn named(expressions: &mut BTreeMap<String, String>) -> impl Iterator<Item = (&str, &mut String)> {
    expressions.iter_mut().map(|(name, sql)| (name.as_str(), sql))
}
