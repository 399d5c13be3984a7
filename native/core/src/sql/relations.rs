//! Expressions over several relations: their columns get the names of these.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    BinaryOperator, Expr, Function, Ident, visit_expressions, visit_expressions_mut,
};

/// Qualifies every column: one without a relation is of `base`. Answers the relations that are named besides.
pub fn qualify(expression: &mut Expr, base: &str, others: &[&str]) -> Vec<String> {
    let mut named = Vec::new();
    let _ = visit_expressions_mut(expression, |expression| {
        let parts = match expression {
            Expr::Identifier(column) => vec![column.clone()],
            Expr::CompoundIdentifier(parts) => parts.clone(),
            _ => return ControlFlow::<()>::Continue(()),
        };
        let other = others
            .iter()
            .find(|other| parts.len() > 1 && is_named(&parts[0], other));
        let is_based = parts.len() > 1 && is_named(&parts[0], base);
        let column = &parts[usize::from(other.is_some() || is_based)..];
        let relation = match other {
            Some(other) => {
                named.push((*other).to_owned());
                other
            }
            None => base,
        };
        *expression = Expr::CompoundIdentifier([&[Ident::with_quote('"', relation)], column].concat());
        ControlFlow::Continue(())
    });
    named
}

/// Whether one of its functions is among those for which `is_one` is true.
pub fn calls(expression: &Expr, is_one: impl Fn(&str) -> bool) -> bool {
    visit_expressions(expression, |expression| match expression {
        Expr::Function(function) if is_one(&name_of(function)) => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// Whether one of its functions looks at a window of rows.
pub fn calls_window(expression: &Expr) -> bool {
    visit_expressions(expression, |expression| match expression {
        Expr::Function(function) if function.over.is_some() => ControlFlow::Break(()),
        _ => ControlFlow::Continue(()),
    })
    .is_break()
}

/// Has every function for which `is_aggregate` is true look only at rows that fulfil `condition`.
pub fn filter_aggregates(expression: &mut Expr, condition: &Expr, is_aggregate: impl Fn(&str) -> bool) {
    let _ = visit_expressions_mut(expression, |expression| {
        if let Expr::Function(function) = expression
            && is_aggregate(&name_of(function))
        {
            function.filter = Some(Box::new(match function.filter.take() {
                Some(own) => Expr::BinaryOp {
                    left: Box::new(Expr::Nested(own)),
                    op: BinaryOperator::And,
                    right: Box::new(Expr::Nested(Box::new(condition.clone()))),
                },
                None => condition.clone(),
            }));
        }
        ControlFlow::<()>::Continue(())
    });
}

fn name_of(function: &Function) -> String {
    function.name.to_string().to_lowercase()
}

/// Whether SQL means the relation by an identifier, which is lower case unless it is quoted.
fn is_named(identifier: &Ident, relation: &str) -> bool {
    match identifier.quote_style {
        Some(_) => identifier.value == relation,
        None => identifier.value.eq_ignore_ascii_case(relation),
    }
}
