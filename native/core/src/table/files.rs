//! The data files of a table, all or those that a predicate leaves.

use std::collections::HashSet;

use datafusion::common::DFSchema;
use datafusion::datasource::provider_as_source;
use datafusion::logical_expr::LogicalPlanBuilder;
use object_store::path::Path;

use super::snapshot::TableSnapshot;
use crate::error::Result;
use crate::generated::{DeltaAddAction, FilePage};
use crate::query::files_read;
use crate::scan::{LoggedFile, located};
use crate::session::Session;
use crate::sql::parse_predicate;

impl TableSnapshot {
    /// The first `limit` files by path, after path `after` where it is given, that may hold rows for which `predicate`
    /// is true: those that a query with this filter reads.
    pub async fn files(
        &self,
        session: &Session,
        predicate: Option<&str>,
        after: Option<&str>,
        limit: usize,
    ) -> Result<FilePage> {
        let left = match predicate {
            Some(predicate) => Some(self.files_left(session, predicate).await?),
            None => None,
        };
        let mut files: Vec<_> = self
            .logged_files()
            .into_iter()
            .filter(|file| after.is_none_or(|after| file.path().as_ref() > after))
            .filter(|file| {
                left.as_ref()
                    .is_none_or(|left| left.contains(&located(&file.path(), &self.store)))
            })
            .collect();
        files.sort_by(|one, other| one.path().cmp(&other.path()));
        Ok(FilePage {
            version: self.version,
            more: files.len() > limit,
            items: files.iter().take(limit).map(add_action).collect(),
        })
    }

    async fn files_left(&self, session: &Session, predicate: &str) -> Result<HashSet<Path>> {
        let state = session.state();
        let source = provider_as_source(self.provider()?);
        let schema = DFSchema::try_from(source.schema().as_ref().clone())?;
        let predicate = parse_predicate(predicate, &schema, state, &session.macros(), session.limits())?;
        let plan = LogicalPlanBuilder::scan("files", source, None)?
            .filter(predicate)?
            .build()?;
        let plan = state.optimize(&plan)?;
        let plan = state.query_planner().create_physical_plan(&plan, state).await?;
        Ok(files_read(&plan).into_values().flatten().collect())
    }
}

fn add_action(file: &LoggedFile) -> DeltaAddAction {
    let add = file.add();
    DeltaAddAction {
        path: add.path,
        size: add.size,
        modification_time: add.modification_time,
        data_change: add.data_change,
        partition_values: add.partition_values.into_iter().collect(),
        stats: add.stats,
        tags: add
            .tags
            .into_iter()
            .flatten()
            .map(|(name, value)| (name, value.unwrap_or_default()))
            .collect(),
    }
}
