//! Planning a view before it is registered.

use std::sync::Arc;

use super::plan::{PlanRequest, read};
use super::read::Read;
use super::relations::Trial;
use super::volatility::volatile_function;
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, ViewPlan, ViewSpec};
use crate::normalize::normalized_schema;
use crate::schema::from_arrow_field;
use crate::session::Session;
use crate::view::View;

impl Session {
    /// Plans the view as it would be registered, then those of `dependents` over it; refuses what can't be planned.
    pub async fn plan_view(self: &Arc<Self>, name: &str, spec: ViewSpec, dependents: &[String]) -> Result<ViewPlan> {
        if self.engine.catalog.has(name).await? {
            let message = format!("The name '{name}' belongs to a table: choose another");
            return Err(Error::new(ErrorCode::NameTaken, message));
        }
        let candidate = Arc::new(View::new(name, spec));
        let read = self.read_view(&candidate, &candidate).await?;
        for name in dependents {
            if let Some(dependent) = self.engine.views.get(name) {
                let planned = self.read_view(&dependent, &candidate).await;
                planned.map_err(|error| would_break(name, error))?;
            }
        }
        let columns = normalized_schema(read.logical.schema().as_arrow());
        let relations = read.statement.relations.iter();
        Ok(ViewPlan {
            dependencies: relations.map(|relation| relation.name.clone()).collect(),
            columns: columns.fields().iter().map(|field| from_arrow_field(field)).collect(),
            volatile: volatile_function(&read.logical)?,
        })
    }

    async fn read_view(&self, view: &View, candidate: &Arc<View>) -> Result<Read> {
        let request = PlanRequest {
            sql: view.sql.clone(),
            parameters: Some(view.sample_bindings()),
            trial: Some(Trial {
                of: view.name.clone(),
                candidate: candidate.clone(),
            }),
            ..PlanRequest::default()
        };
        let read = read(self, &request).await?;
        if !read.statement.is_query || read.statement.reads_schema {
            let message = "A view is a SELECT over tables and views";
            return Err(Error::new(ErrorCode::StatementNotAllowed, message));
        }
        Ok(read)
    }
}

fn would_break(name: &str, error: Error) -> Error {
    let message = format!(
        "The view '{name}' reads this one and could no longer be planned: {}",
        error.message
    );
    Error::new(ErrorCode::EntryInUse, message).with("view", name)
}
