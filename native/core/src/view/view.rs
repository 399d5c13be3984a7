//! A statement with a name.

use std::collections::BTreeMap;

use crate::error::{Error, Result};
use crate::generated::{
    ErrorCode, Parameter, QueryParameters, TypedParameter, ViewCache, ViewParameter, ViewSpec, ViewUse,
};
use crate::sql::Statement;

pub struct View {
    pub name: String,
    pub sql: String,
    pub parameters: BTreeMap<String, ViewParameter>,
    pub cache_policy: ViewCache,
}

impl View {
    pub fn new(name: &str, spec: ViewSpec) -> Self {
        Self {
            name: name.to_owned(),
            sql: spec.sql,
            parameters: spec.parameters,
            cache_policy: spec.cache_policy,
        }
    }

    pub fn is_kept(&self) -> bool {
        self.cache_policy != ViewCache::None
    }

    /// The values that its parameters have where nobody gives others; `None` where one has none.
    pub fn defaults(&self) -> Option<BTreeMap<String, TypedParameter>> {
        self.parameters.iter().map(default_value).collect()
    }

    /// The values of its placeholders in a statement that reads it by name.
    pub fn bindings(&self) -> Result<QueryParameters> {
        let values = self.parameters.iter().map(|parameter| {
            let (name, value) = default_value(parameter).ok_or_else(|| self.missing(parameter.0))?;
            Ok((name, Parameter::Typed(value)))
        });
        Ok(QueryParameters::Named(values.collect::<Result<_>>()?))
    }

    /// Values to plan it with before anyone gives others: a null for what has no default.
    pub fn sample_bindings(&self) -> QueryParameters {
        let values = self.parameters.iter().map(|(name, parameter)| {
            let value = parameter.default.clone().unwrap_or_default();
            let r#type = parameter.r#type.clone();
            (name.clone(), Parameter::Typed(TypedParameter { r#type, value }))
        });
        QueryParameters::Named(values.collect())
    }

    pub fn used(&self, statement: &Statement) -> ViewUse {
        ViewUse {
            statement: statement.text.clone(),
            parameters: self.parameters.clone(),
        }
    }

    fn missing(&self, parameter: &str) -> Error {
        let name = &self.name;
        let message = format!(
            "The parameter {parameter} of the view '{name}' has no default: read it with a value at /v1/views/{name}/rows"
        );
        Error::new(ErrorCode::ParameterMissing, message)
            .with("view", name.as_str())
            .with("parameter", parameter)
    }
}

fn default_value((name, parameter): (&String, &ViewParameter)) -> Option<(String, TypedParameter)> {
    let value = parameter.default.clone()?;
    let r#type = parameter.r#type.clone();
    Some((name.clone(), TypedParameter { r#type, value }))
}
