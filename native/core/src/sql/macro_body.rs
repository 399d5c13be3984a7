//! A macro's parameters and expression, parsed and checked.

use std::collections::{BTreeSet, HashSet};
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, Ident, Value, ValueWithSpan, Visit, Visitor};

use super::expansion::called;
use super::expression::parse_as_written;
use super::hint::closest;
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode, FunctionDefinition, FunctionParameter};

#[derive(Clone)]
pub struct MacroBody {
    pub parameters: Vec<MacroParameter>,
    /// As it was registered, with its calls of other macros.
    pub expression: Expr,
    /// The functions that it calls.
    pub calls: BTreeSet<String>,
}

#[derive(Clone)]
pub struct MacroParameter {
    pub name: String,
    pub default: Option<Expr>,
}

impl MacroBody {
    pub fn parse(name: &str, definition: &FunctionDefinition, limits: &EngineLimits) -> Result<Self> {
        let parsed = || {
            let parameters = parameters(&definition.parameters, limits)?;
            let names: Vec<_> = parameters.iter().map(|parameter| parameter.name.as_str()).collect();
            let expression = parse_as_written(&definition.expression, limits)?;
            let mut reading = Reading::new(&names);
            reading.read(&expression)?;
            Ok(Self {
                calls: reading.calls,
                parameters,
                expression,
            })
        };
        parsed().map_err(|mut error: Error| {
            error.message = format!("{name}: {}", error.message);
            error
        })
    }
}

fn parameters(given: &[FunctionParameter], limits: &EngineLimits) -> Result<Vec<MacroParameter>> {
    let mut names = HashSet::new();
    let mut parameters: Vec<MacroParameter> = Vec::with_capacity(given.len());
    for FunctionParameter { name, default } in given {
        if !is_identifier(name) || !names.insert(name) {
            let message = format!("The parameter '{name}' has a name that is no identifier, or that another has");
            return Err(Error::new(ErrorCode::InvalidEntry, message).with("parameter", name.as_str()));
        }
        if default.is_none() && parameters.last().is_some_and(|last| last.default.is_some()) {
            let message = format!("The parameter {name} needs a default, since one before it has");
            return Err(Error::new(ErrorCode::InvalidEntry, message).with("parameter", name.as_str()));
        }
        let default = default.as_ref().map(|sql| {
            let default = parse_as_written(sql, limits)?;
            Reading::new(&[]).read(&default)?;
            Ok::<_, Error>(default)
        });
        parameters.push(MacroParameter {
            name: name.clone(),
            default: default.transpose()?,
        });
    }
    Ok(parameters)
}

fn is_identifier(name: &str) -> bool {
    let mut characters = name.chars();
    characters
        .next()
        .is_some_and(|first| first.is_ascii_alphabetic() || first == '_')
        && characters.all(|other| other.is_ascii_alphanumeric() || other == '_')
}

/// Reads which functions an expression calls, and refuses names that aren't parameters.
struct Reading<'a> {
    parameters: &'a [&'a str],
    calls: BTreeSet<String>,
}

impl<'a> Reading<'a> {
    fn new(parameters: &'a [&'a str]) -> Self {
        Self {
            parameters,
            calls: BTreeSet::new(),
        }
    }

    fn read(&mut self, expression: &Expr) -> Result<()> {
        match expression.visit(self) {
            ControlFlow::Continue(()) => Ok(()),
            ControlFlow::Break(error) => Err(error),
        }
    }

    fn require(&self, name: &Ident) -> ControlFlow<Error> {
        if self.parameters.contains(&name.value.as_str()) {
            return ControlFlow::Continue(());
        }
        let near = closest(&name.value, self.parameters.iter().copied());
        let message = match near {
            Some(near) => format!("'{name}' is no parameter. Did you mean '{near}'?"),
            None => format!("'{name}' is no parameter: an expression names its parameters only"),
        };
        let error = Error::new(ErrorCode::InvalidEntry, message).with("name", name.value.as_str());
        ControlFlow::Break(error.at(super::limits::location(name.span.start)))
    }
}

impl Visitor for Reading<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        match expr {
            Expr::Identifier(name) => self.require(name),
            Expr::CompoundIdentifier(parts) => parts
                .first()
                .map_or(ControlFlow::Continue(()), |name| self.require(name)),
            Expr::Function(call) => {
                self.calls.extend(called(&call.name));
                ControlFlow::Continue(())
            }
            _ => ControlFlow::Continue(()),
        }
    }

    fn pre_visit_value(&mut self, value: &ValueWithSpan) -> ControlFlow<Error> {
        match &value.value {
            Value::Placeholder(name) => {
                let message = format!("An expression has no placeholders such as {name}: name a parameter");
                ControlFlow::Break(Error::new(ErrorCode::InvalidEntry, message))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}
