//! Everything that a statement reads, down to its tables.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::error::{Error, Location, Result};
use crate::generated::ErrorCode;
use crate::session::Session;
use crate::sql::Statement;
use crate::view::View;

/// A table or a provided relation, and where the statement, or the view that reads it, names it.
#[derive(Debug, Clone)]
pub struct Named {
    pub name: String,
    pub location: Option<Location>,
    /// The views that lead to it, outermost first.
    pub path: Vec<String>,
}

/// A view with its statement.
#[derive(Clone)]
pub struct OpenView {
    pub view: Arc<View>,
    pub statement: Arc<Statement>,
    /// Whether the statement leads to it; the information schema shows all the others too.
    pub is_read: bool,
}

#[derive(Default)]
pub struct Relations {
    pub tables: Vec<Named>,
    /// Each after those that it reads.
    pub views: Vec<OpenView>,
    /// Of those that the request provides, the ones that are read.
    pub provided: Vec<String>,
}

/// A statement that is planned as that of a view, where another one, or itself, is about to be registered.
pub struct Trial {
    /// The view whose statement it is.
    pub of: String,
    /// In place of what has its name.
    pub candidate: Arc<View>,
}

impl Relations {
    /// What `statement` reads, where the names in `provided` stand for themselves and those in `own` for views.
    pub fn of(
        session: &Session,
        statement: &Statement,
        provided: &dyn Fn(&str) -> bool,
        trial: Option<&Trial>,
        own: &BTreeMap<String, Arc<View>>,
    ) -> Result<Self> {
        let mut expansion = Expansion {
            session,
            provided,
            trial,
            own,
            path: trial.map(|trial| trial.of.clone()).into_iter().collect(),
            found: Self::default(),
        };
        expansion.statement(statement)?;
        if statement.reads_schema {
            expansion.all_views();
        }
        Ok(expansion.found)
    }

    pub fn reads(&self, name: &str) -> bool {
        self.tables.iter().any(|table| table.name == name)
    }

    pub fn view(&self, name: &str) -> Option<&OpenView> {
        self.views.iter().find(|open| open.view.name == name)
    }

    /// The names of the views and tables below `statement`, views included.
    pub fn below(&self, statement: &Statement) -> BTreeMap<String, bool> {
        let mut names = BTreeMap::new();
        let mut open: Vec<&Statement> = vec![statement];
        while let Some(statement) = open.pop() {
            for relation in &statement.relations {
                let view = self.view(&relation.name);
                if names.insert(relation.name.clone(), view.is_some()).is_none()
                    && let Some(view) = view
                {
                    open.push(&view.statement);
                }
            }
        }
        names
    }

    /// The views whose rows are kept, as far out as they are.
    pub fn outermost_kept<'a>(&'a self, statement: &'a Statement) -> Vec<&'a OpenView> {
        let mut kept: Vec<&OpenView> = Vec::new();
        let mut open: Vec<&Statement> = vec![statement];
        while let Some(statement) = open.pop() {
            let views = statement
                .relations
                .iter()
                .filter_map(|relation| self.view(&relation.name));
            for view in views {
                if !view.view.is_kept() {
                    open.push(&view.statement);
                } else if !kept.iter().any(|known| Arc::ptr_eq(&known.view, &view.view)) {
                    kept.push(view);
                }
            }
        }
        kept
    }
}

struct Expansion<'a> {
    session: &'a Session,
    provided: &'a dyn Fn(&str) -> bool,
    trial: Option<&'a Trial>,
    /// Views that only this statement knows.
    own: &'a BTreeMap<String, Arc<View>>,
    path: Vec<String>,
    found: Relations,
}

impl Expansion<'_> {
    fn statement(&mut self, statement: &Statement) -> Result<()> {
        for relation in &statement.relations {
            self.relation(&relation.name, relation.location)?;
        }
        Ok(())
    }

    fn relation(&mut self, name: &str, location: Option<Location>) -> Result<()> {
        if (self.provided)(name) {
            if !self.found.provided.iter().any(|known| known == name) {
                self.found.provided.push(name.to_owned());
            }
            return Ok(());
        }
        if let Some(view) = self.lookup(name) {
            return self.view(view, true);
        }
        if !self.found.reads(name) {
            self.found.tables.push(Named {
                name: name.to_owned(),
                // A place in a view's statement says nothing to who reads the view.
                location: location.filter(|_| self.inner_path().is_empty()),
                path: self.inner_path().to_vec(),
            });
        }
        Ok(())
    }

    fn view(&mut self, view: Arc<View>, is_read: bool) -> Result<()> {
        let name = view.name.clone();
        if self.path.contains(&name) {
            return Err(cyclic(&self.path, &name));
        }
        if self.found.view(&name).is_some() {
            return Ok(());
        }
        self.path.push(name);
        let statement = self.session.statement(&view.sql)?;
        self.statement(&statement)?;
        self.path.pop();
        self.found.views.push(OpenView {
            view,
            statement,
            is_read,
        });
        Ok(())
    }

    /// Those that can't be planned are left out, as tables are that can't be read.
    fn all_views(&mut self) {
        for name in self.session.engine.views.names() {
            if self.session.visible().shows(&name)
                && let Some(view) = self.lookup(&name)
            {
                self.path.clear();
                let _unplanned = self.view(view, false);
            }
        }
    }

    /// The views that lead from the statement to where the expansion is.
    fn inner_path(&self) -> &[String] {
        &self.path[usize::from(self.trial.is_some()).min(self.path.len())..]
    }

    fn lookup(&self, name: &str) -> Option<Arc<View>> {
        match self.trial {
            Some(trial) if trial.candidate.name == name => Some(trial.candidate.clone()),
            _ => self
                .own
                .get(name)
                .cloned()
                .or_else(|| self.session.engine.views.get(name)),
        }
    }
}

fn cyclic(path: &[String], name: &str) -> Error {
    let start = path.iter().position(|step| step == name).unwrap_or_default();
    let cycle: Vec<_> = path[start..].iter().map(String::as_str).chain([name]).collect();
    let message = format!("The view '{name}' would read itself: {}", cycle.join(" reads "));
    Error::new(ErrorCode::CyclicDependency, message).with("path", cycle.join(" → "))
}

/// Says through which views a relation came to be read.
pub fn explain_path(mut error: Error, path: &[String]) -> Error {
    if path.is_empty() {
        return error;
    }
    let path = path.join(" → ");
    error.message = format!("{} (read by the view {path})", error.message);
    error.with("path", path)
}
