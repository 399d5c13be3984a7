//! A statement's plan over what it reads.

use std::borrow::Cow;
use std::sync::Arc;

use datafusion::catalog::view::ViewTable;
use datafusion::catalog::{
    CatalogProvider, CatalogProviderList, MemoryCatalogProvider, MemoryCatalogProviderList, MemorySchemaProvider,
    SchemaProvider, TableProvider,
};
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::execution::SessionState;
use datafusion::execution::context::SQLOptions;
use datafusion::logical_expr::LogicalPlan;

use super::grouping::with_plain_groups;
use super::parameters::bind;
use super::read::Read;
use super::relations::OpenView;
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, QueryParameters};
use crate::session::Session;
use crate::sql::Statement;
use crate::view::SealedView;

impl Read {
    /// Plans the statement over its relations and puts the values of its parameters in.
    pub async fn resolve(&mut self, session: &Session) -> Result<()> {
        let logical = self.planned(session).await?;
        self.logical = bind(logical, self.parameters.as_ref(), session.limits().parameters)?;
        Ok(())
    }

    /// The same, where it was planned over the very same before; whether it was.
    pub fn resolve_again(&mut self, session: &Session) -> bool {
        let Some(plan) = self.known_plan(session) else {
            return false;
        };
        let bound = bind(plan, self.parameters.as_ref(), session.limits().parameters);
        bound.map(|bound| self.logical = bound).is_ok()
    }

    async fn planned(&mut self, session: &Session) -> Result<LogicalPlan> {
        if let Some(plan) = self.known_plan(session) {
            return Ok(plan);
        }
        let plan = self.plan_anew(session).await?;
        if self.is_reusable() {
            session.engine.plans.keep(session.state().session_id(), self, &plan);
        }
        Ok(plan)
    }

    fn known_plan(&self, session: &Session) -> Option<LogicalPlan> {
        let id = session.state().session_id();
        self.is_reusable()
            .then(|| session.engine.plans.plan(id, self))
            .flatten()
    }

    async fn plan_anew(&mut self, session: &Session) -> Result<LogicalPlan> {
        let schema = Arc::new(MemorySchemaProvider::new());
        for open in &self.tables {
            schema.register_table(open.table.name.clone(), open.snapshot.provider_for(session.scan())?)?;
        }
        for provided in &self.provided {
            schema.register_table(provided.name.clone(), provided.provider.clone())?;
        }
        self.own_state(session).register_catalog_list(catalogs(schema.clone())?);
        for open in &self.relations.views {
            if self.provided.iter().any(|provided| provided.name == open.view.name) {
                continue;
            }
            match self.plan_view(session, open).await {
                Ok(plan) => {
                    let view = ViewTable::new(plan, Some(open.statement.text.clone()));
                    schema.register_table(open.view.name.clone(), Arc::new(view))?;
                }
                Err(error) if open.is_read => return Err(error),
                Err(_) => {}
            }
        }
        if !session.visible().is_all() {
            let visible = catalogs(self.visible(session, &schema).await?)?;
            self.own_state(session).register_catalog_list(visible);
        }
        plan(self.state(session), &self.statement).await
    }

    /// Those of the relations that the statement may name; views are planned over all.
    async fn visible(&self, session: &Session, all: &MemorySchemaProvider) -> Result<Arc<dyn SchemaProvider>> {
        let schema = MemorySchemaProvider::new();
        for name in all.table_names() {
            if self.shows(session, &name)
                && let Some(table) = all.table(&name).await?
            {
                schema.register_table(name.clone(), self.sealed(session, &name, table))?;
            }
        }
        Ok(Arc::new(schema))
    }

    /// A view is sealed where it reads what the statement may not name.
    fn sealed(&self, session: &Session, name: &str, table: Arc<dyn TableProvider>) -> Arc<dyn TableProvider> {
        let hides = |open: &OpenView| {
            let below = self.relations.below(&open.statement);
            below.keys().any(|name| !self.shows(session, name))
        };
        let Some(open) = self.relations.view(name).filter(|open| hides(open)) else {
            return table;
        };
        let plan = table.get_logical_plan().map(Cow::into_owned);
        match plan {
            Some(plan) => Arc::new(SealedView::new(plan, Some(open.statement.text.clone()))),
            // Its rows are provided, and no others can be reached.
            None => table,
        }
    }

    async fn plan_view(&self, session: &Session, open: &OpenView) -> Result<LogicalPlan> {
        let view = &open.view;
        let within = |mut error: Error| {
            error.location = None;
            error.message = format!("The view '{}': {}", view.name, error.message);
            error.with("view", view.name.as_str())
        };
        let bindings = view.bindings()?;
        bound(self.state(session), &open.statement, &bindings, session)
            .await
            .map_err(within)
    }
}

async fn bound(
    state: &SessionState,
    statement: &Statement,
    bindings: &QueryParameters,
    session: &Session,
) -> Result<LogicalPlan> {
    let limits = session.limits();
    let plan = plan(state, statement).await?;
    let relations = scans(&plan)?;
    if relations as i64 > limits.sql_chain {
        let maximum = limits.sql_chain;
        let message = format!("It reads more than {maximum} relations once its views are written out");
        return Err(Error::new(ErrorCode::StatementTooComplex, message).with("maximum", maximum));
    }
    bind(plan, Some(bindings), limits.parameters)
}

async fn plan(state: &SessionState, statement: &Statement) -> Result<LogicalPlan> {
    let plan = state.statement_to_plan(statement.parsed.clone()).await?;
    SQLOptions::new()
        .with_allow_ddl(false)
        .with_allow_dml(false)
        .with_allow_statements(false)
        .verify_plan(&plan)
        .map_err(|error| Error::new(ErrorCode::StatementNotAllowed, error.strip_backtrace()))?;
    Ok(with_plain_groups(plan, state.config_options())?)
}

/// How many relations a plan reads.
fn scans(plan: &LogicalPlan) -> Result<usize> {
    let mut count = 0;
    plan.apply_with_subqueries(|node| {
        count += usize::from(matches!(node, LogicalPlan::TableScan(_)));
        Ok(TreeNodeRecursion::Continue)
    })?;
    Ok(count)
}

fn catalogs(schema: Arc<dyn SchemaProvider>) -> Result<Arc<dyn CatalogProviderList>> {
    let catalog = MemoryCatalogProvider::new();
    catalog.register_schema("public", schema)?;
    let catalogs = MemoryCatalogProviderList::new();
    catalogs.register_catalog("lakegate".to_owned(), Arc::new(catalog));
    Ok(Arc::new(catalogs))
}
