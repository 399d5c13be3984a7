//! The functions that an engine has: those built in, and the macros.

use std::collections::HashSet;
use std::sync::RwLock;

use datafusion::execution::{FunctionRegistry, SessionState};

use super::describe::{describe, describe_macro};
use crate::error::Result;
use crate::generated::{EngineLimits, FunctionInfo, MacroRegistration};
use crate::sql::Macros;

/// What the parser or the planner makes of a call before it looks for a function.
const SPECIAL: [&str; 2] = ["unnest", "exists"];

pub struct Functions {
    built_in: Vec<FunctionInfo>,
    names: HashSet<String>,
    macros: RwLock<Macros>,
}

impl Functions {
    /// The functions of `state`, and no macros yet.
    pub fn new(state: &SessionState) -> Result<Self> {
        let mut names = state.udfs();
        names.extend(state.udafs());
        names.extend(state.udwfs());
        names.extend(state.higher_order_function_names());
        names.extend(state.table_functions().keys().cloned());
        names.extend(SPECIAL.map(str::to_owned));
        Ok(Self {
            built_in: describe(state)?,
            names,
            macros: RwLock::default(),
        })
    }

    pub fn built_in(&self) -> &[FunctionInfo] {
        &self.built_in
    }

    pub fn macros(&self) -> Macros {
        self.macros.read().expect("no writer panics").clone()
    }

    /// Adds macros, which may call one another, or none where one can't be; answers what they are.
    pub fn define(&self, added: Vec<MacroRegistration>, limits: &EngineLimits) -> Result<Vec<FunctionInfo>> {
        let infos = added
            .iter()
            .map(|added| describe_macro(&added.name, &added.definition))
            .collect();
        let mut macros = self.macros.write().expect("no writer panics");
        *macros = macros.with(added, &|name| self.names.contains(name), limits)?;
        Ok(infos)
    }

    /// Forgets a macro that no other calls.
    pub fn drop_macro(&self, name: &str) -> Result<()> {
        let mut macros = self.macros.write().expect("no writer panics");
        *macros = macros.without(name)?;
        Ok(())
    }
}
