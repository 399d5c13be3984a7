//! The macros that are registered: expressions that stand for calls. A set of them never changes; a changed one is a new
//! set with a new revision.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;
use std::sync::Arc;

use datafusion::sql::sqlparser::ast::{Expr, Visit, VisitMut};

use super::expansion::Expansion;
use super::hint::closest;
use super::limits::check_shape;
use super::macro_body::MacroBody;
use crate::error::{Error, Result};
use crate::generated::{EngineLimits, ErrorCode, FunctionDefinition, MacroRegistration};

/// Which macros there are, and whether they may be called.
pub type MacroRevision = (u64, bool);

/// Whether a built-in function has a name.
pub type BuiltIn<'a> = &'a dyn Fn(&str) -> bool;

#[derive(Clone, Default)]
pub struct Macros {
    known: Arc<BTreeMap<String, Arc<Macro>>>,
    revision: u64,
    refused: bool,
}

pub struct Macro {
    pub definition: FunctionDefinition,
    pub body: MacroBody,
    /// The expression without macros.
    pub expanded: Expr,
}

impl Macros {
    /// Differs between sets in which SQL may mean something else.
    pub fn revision(&self) -> MacroRevision {
        (self.revision, self.refused)
    }

    /// The same macros, where a call of any is refused.
    pub fn refused(&self) -> Self {
        Self {
            refused: true,
            ..self.clone()
        }
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.known.keys().map(String::as_str)
    }

    /// The macro that a call of `name` means.
    pub fn find(&self, name: &str) -> Result<Option<&Arc<Macro>>> {
        match self.known.get(name) {
            Some(_) if self.refused => {
                let message = format!(
                    "{name} is a macro, and the session's functions are strict: only built-in functions are let in"
                );
                Err(Error::new(ErrorCode::StatementNotAllowed, message))
            }
            found => Ok(found),
        }
    }

    /// Adds macros, which may call one another, in place of those that have their names.
    pub fn with(&self, added: Vec<MacroRegistration>, built_in: BuiltIn, limits: &EngineLimits) -> Result<Self> {
        let mut bodies: BTreeMap<String, (FunctionDefinition, MacroBody)> = BTreeMap::new();
        for MacroRegistration { name, definition } in added {
            if built_in(&name) {
                let message = format!("{name} is a built-in function: choose another name");
                return Err(Error::new(ErrorCode::NameTaken, message).with("name", name));
            }
            let body = MacroBody::parse(&name, &definition, limits)?;
            bodies.insert(name, (definition, body));
        }
        let mut building = Building {
            macros: self.clone(),
            waiting: self.affected(bodies),
            path: Vec::new(),
            built_in,
            limits,
        };
        while let Some(name) = building.waiting.keys().next().cloned() {
            building.finish(&name)?;
        }
        let mut macros = building.macros;
        macros.revision += 1;
        Ok(macros)
    }

    pub fn without(&self, name: &str) -> Result<Self> {
        let users: Vec<_> = self.users(name).map(str::to_owned).collect();
        if !users.is_empty() {
            let message = format!("{name} is used by the macros {}", users.join(", "));
            return Err(Error::new(ErrorCode::EntryInUse, message).with("used_by", users));
        }
        let mut known = self.known.as_ref().clone();
        known.remove(name);
        Ok(Self {
            known: Arc::new(known),
            revision: self.revision + 1,
            refused: self.refused,
        })
    }

    /// Writes the macros out in `tree`; whether there were any.
    pub fn expand<T: Visit + VisitMut>(&self, tree: &mut T, limits: &EngineLimits) -> Result<bool> {
        if self.known.is_empty() {
            return Ok(false);
        }
        let mut expansion = Expansion::new(self, limits);
        if let ControlFlow::Break(error) = VisitMut::visit(tree, &mut expansion) {
            return Err(error);
        }
        if expansion.calls > 0 {
            check_shape(tree, limits)?;
        }
        Ok(expansion.calls > 0)
    }

    fn users<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        let calls = |known: &Macro| known.body.calls.contains(name);
        self.known
            .iter()
            .filter(move |(_, known)| calls(known))
            .map(|(user, _)| user.as_str())
    }

    /// What is added, and the macros that have to be written out again because of it.
    fn affected(
        &self,
        mut bodies: BTreeMap<String, (FunctionDefinition, MacroBody)>,
    ) -> BTreeMap<String, (FunctionDefinition, MacroBody)> {
        let mut new: Vec<String> = bodies.keys().cloned().collect();
        while let Some(name) = new.pop() {
            for user in self.users(&name) {
                if !bodies.contains_key(user) {
                    let known = &self.known[user];
                    bodies.insert(user.to_owned(), (known.definition.clone(), known.body.clone()));
                    new.push(user.to_owned());
                }
            }
        }
        bodies
    }
}

/// A set of macros in which some wait for those that they call.
struct Building<'a> {
    macros: Macros,
    waiting: BTreeMap<String, (FunctionDefinition, MacroBody)>,
    path: Vec<String>,
    built_in: BuiltIn<'a>,
    limits: &'a EngineLimits,
}

impl Building<'_> {
    fn finish(&mut self, name: &str) -> Result<()> {
        self.refuse_cycle(name)?;
        let Some((definition, body)) = self.waiting.get(name).cloned() else {
            return Ok(());
        };
        self.path.push(name.to_owned());
        for called in &body.calls {
            self.finish(called)?;
        }
        self.path.pop();
        self.require_known(name, &body.calls)?;
        let mut expanded = body.expression.clone();
        self.macros.expand(&mut expanded, self.limits)?;
        self.waiting.remove(name);
        let finished = Macro {
            definition,
            body,
            expanded,
        };
        Arc::make_mut(&mut self.macros.known).insert(name.to_owned(), Arc::new(finished));
        Ok(())
    }

    fn refuse_cycle(&self, name: &str) -> Result<()> {
        let Some(start) = self.path.iter().position(|earlier| earlier == name) else {
            return Ok(());
        };
        let mut path = self.path[start..].to_vec();
        path.push(name.to_owned());
        let message = format!("The macro {name} would call itself: {}", path.join(" → "));
        Err(Error::new(ErrorCode::CyclicDependency, message).with("path", path))
    }

    fn require_known(&self, name: &str, calls: &BTreeSet<String>) -> Result<()> {
        let known = |called: &String| self.macros.known.contains_key(called) || (self.built_in)(called);
        let Some(unknown) = calls.iter().find(|called| !known(called)) else {
            return Ok(());
        };
        let hint = closest(unknown, self.macros.names()).map(|near| format!(". Did you mean '{near}'?"));
        let message = format!(
            "The macro {name} calls {unknown}, and there is no such function{}",
            hint.unwrap_or_default()
        );
        Err(Error::new(ErrorCode::InvalidEntry, message).with("function", unknown.as_str()))
    }
}
