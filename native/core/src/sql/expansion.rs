//! Puts the expressions of macros in place of their calls.

use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{
    AccessExpr, Expr, Function, FunctionArg, FunctionArgExpr, FunctionArguments, Ident, ObjectName, Spanned, Subscript,
    Value, Visit, VisitMut, Visitor, VisitorMut,
};

use super::limits::location;
use super::macro_body::MacroParameter;
use super::macros::{Macro, Macros};
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// The function that a call means: SQL folds a name that isn't quoted.
pub fn called(name: &ObjectName) -> Option<String> {
    match name.0.as_slice() {
        [part] => part.as_ident().map(|ident| match ident.quote_style {
            Some(_) => ident.value.clone(),
            None => ident.value.to_lowercase(),
        }),
        _ => None,
    }
}

/// Whether a call of a function of the name is somewhere in `tree`.
pub fn calls_named(tree: &impl Visit, function: &str) -> bool {
    tree.visit(&mut Calls(function)).is_break()
}

struct Calls<'a>(&'a str);

impl Visitor for Calls<'_> {
    type Break = ();

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<()> {
        match expr {
            Expr::Function(call) if called(&call.name).is_some_and(|name| name == self.0) => ControlFlow::Break(()),
            _ => ControlFlow::Continue(()),
        }
    }
}

pub struct Expansion<'a> {
    macros: &'a Macros,
    limits: &'a EngineLimits,
    /// Nodes that expansions have made.
    made: usize,
    pub calls: usize,
}

impl<'a> Expansion<'a> {
    pub fn new(macros: &'a Macros, limits: &'a EngineLimits) -> Self {
        Self {
            macros,
            limits,
            made: 0,
            calls: 0,
        }
    }

    fn expand(&mut self, name: &str, call: &Function) -> Result<Option<Expr>> {
        let Some(known) = self.macros.find(name)? else {
            return Ok(None);
        };
        let mut substitution = Substitution {
            parameters: &known.body.parameters,
            arguments: arguments(name, known, call)?,
            sizes: Vec::new(),
            made: 0,
            left: (self.limits.sql_tokens as usize).saturating_sub(self.made),
        };
        substitution.sizes = substitution.arguments.iter().map(size).collect();
        let mut expanded = known.expanded.clone();
        substitution.made = size(&expanded);
        if VisitMut::visit(&mut expanded, &mut substitution).is_break() || substitution.made > substitution.left {
            return Err(self.too_large());
        }
        self.made += substitution.made;
        self.calls += 1;
        Ok(Some(Expr::Nested(Box::new(expanded))))
    }

    fn too_large(&self) -> Error {
        let maximum = self.limits.sql_tokens;
        let message = format!("The macros of the statement, written out, are more than {maximum} expressions");
        Error::new(ErrorCode::StatementTooComplex, message)
            .with("limit", "sql_tokens")
            .with("maximum", maximum)
    }
}

impl VisitorMut for Expansion<'_> {
    type Break = Error;

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<Error> {
        let Expr::Function(call) = expr else {
            return ControlFlow::Continue(());
        };
        let Some(name) = called(&call.name) else {
            return ControlFlow::Continue(());
        };
        match self.expand(&name, call) {
            Ok(Some(expanded)) => {
                *expr = expanded;
                ControlFlow::Continue(())
            }
            Ok(None) => ControlFlow::Continue(()),
            Err(error) => ControlFlow::Break(error.at(location(call.name.span().start))),
        }
    }
}

/// An argument for each parameter, in their order.
fn arguments(name: &str, known: &Macro, call: &Function) -> Result<Vec<Expr>> {
    let parameters = &known.body.parameters;
    let mut arguments: Vec<Option<Expr>> = vec![None; parameters.len()];
    for (place, (named, value)) in given(name, call)?.into_iter().enumerate() {
        let place = match named {
            None => place,
            Some(named) => parameters
                .iter()
                .position(|parameter| parameter.name == named.value)
                .ok_or_else(|| misfit(name, parameters, &format!("has no parameter '{named}'")))?,
        };
        let argument = arguments.get_mut(place);
        let argument = argument.ok_or_else(|| misfit(name, parameters, "has too many arguments here"))?;
        if argument.replace(value).is_some() {
            return Err(misfit(
                name,
                parameters,
                &format!("has '{}' twice here", parameters[place].name),
            ));
        }
    }
    let filled = arguments.into_iter().zip(parameters).map(|(argument, parameter)| {
        let value = argument.or_else(|| parameter.default.clone());
        value.ok_or_else(|| misfit(name, parameters, &format!("lacks '{}' here", parameter.name)))
    });
    filled.collect()
}

/// The arguments of a call, some of them with a name.
fn given(name: &str, call: &Function) -> Result<Vec<(Option<Ident>, Expr)>> {
    let is_plain = call.over.is_none()
        && call.filter.is_none()
        && call.null_treatment.is_none()
        && call.within_group.is_empty()
        && matches!(call.parameters, FunctionArguments::None);
    let list = match &call.args {
        FunctionArguments::List(list) if list.duplicate_treatment.is_none() && list.clauses.is_empty() => list,
        _ => return Err(not_plain(name)),
    };
    if !is_plain {
        return Err(not_plain(name));
    }
    let arguments = list.args.iter().map(|argument| match argument {
        FunctionArg::Unnamed(FunctionArgExpr::Expr(value)) => Ok((None, value.clone())),
        FunctionArg::Named {
            name,
            arg: FunctionArgExpr::Expr(value),
            ..
        } => Ok((Some(name.clone()), value.clone())),
        _ => Err(not_plain(name)),
    });
    arguments.collect()
}

fn not_plain(name: &str) -> Error {
    let message = format!(
        "{name} is a macro: it takes expressions, and no *, DISTINCT, FILTER, ORDER BY or OVER, which its own expression may have"
    );
    Error::new(ErrorCode::InvalidQuery, message)
}

fn misfit(name: &str, parameters: &[MacroParameter], what: &str) -> Error {
    let listed = parameters.iter().map(|parameter| match &parameter.default {
        Some(default) => format!("{} => {default}", parameter.name),
        None => parameter.name.clone(),
    });
    let call = format!("{name}({})", listed.collect::<Vec<_>>().join(", "));
    Error::new(
        ErrorCode::InvalidQuery,
        format!("{name} {what}: it is called as {call}"),
    )
    .with("function", name)
}

/// Puts arguments in place of parameters, in brackets.
struct Substitution<'a> {
    parameters: &'a [MacroParameter],
    arguments: Vec<Expr>,
    sizes: Vec<usize>,
    made: usize,
    left: usize,
}

impl Substitution<'_> {
    /// None where `name` is none of the parameters.
    fn argument(&mut self, name: &Ident) -> Option<Expr> {
        let place = self
            .parameters
            .iter()
            .position(|parameter| parameter.name == name.value)?;
        self.made += self.sizes[place];
        let fits = self.made <= self.left;
        // What is too large is never made: the visit ends here.
        fits.then(|| Expr::Nested(Box::new(self.arguments[place].clone())))
    }
}

impl VisitorMut for Substitution<'_> {
    type Break = ();

    fn post_visit_expr(&mut self, expr: &mut Expr) -> ControlFlow<()> {
        let replaced = match expr {
            Expr::Identifier(name) => self.argument(name),
            Expr::CompoundIdentifier(parts) => self.argument(&parts[0]).map(|root| {
                let fields = parts[1..].iter().map(field);
                Expr::CompoundFieldAccess {
                    root: Box::new(root),
                    access_chain: fields.collect(),
                }
            }),
            _ => return ControlFlow::Continue(()),
        };
        if let Some(replaced) = replaced {
            *expr = replaced;
        }
        match self.made <= self.left {
            true => ControlFlow::Continue(()),
            false => ControlFlow::Break(()),
        }
    }
}

/// A field of what comes before it, which DataFusion takes by its name in brackets only.
fn field(name: &Ident) -> AccessExpr {
    let index = Expr::value(Value::SingleQuotedString(name.value.clone()));
    AccessExpr::Subscript(Subscript::Index { index })
}

/// How many expressions are in one.
fn size(expression: &Expr) -> usize {
    let mut size = Size(0);
    let _ = expression.visit(&mut size);
    size.0
}

struct Size(usize);

impl Visitor for Size {
    type Break = ();

    fn pre_visit_expr(&mut self, _: &Expr) -> ControlFlow<()> {
        self.0 += 1;
        ControlFlow::Continue(())
    }
}
