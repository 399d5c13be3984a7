//! Planning the nodes of a pipeline, each over the columns of those that it reads, and all tables at one version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;

use super::lineage::column_origins;
use super::plan::{PlanRequest, read_in};
use super::read::Read;
use super::relations::Relations;
use super::run::within;
use crate::error::{Error, Result};
use crate::generated::{
    ColumnLineage, ErrorCode, NodePlan, NodePlanning, NodePlans, NodeSpec, Parameter, QueryParameters, QuerySource,
    TablePin, TypedParameter,
};
use crate::normalize::normalized_schema;
use crate::schema::from_arrow_field;
use crate::session::Session;
use crate::sql::quoted;
use crate::type_name::type_name;

impl Session {
    /// Plans nodes, each after those that it reads; what is wrong with one is told in its place.
    pub async fn plan_nodes(self: &Arc<Self>, planning: NodePlanning) -> Result<NodePlans> {
        let session = self.clone();
        within(self, async move {
            let mut planner = Planner::new(&session, planning);
            let mut nodes = Vec::new();
            for spec in std::mem::take(&mut planner.planning.nodes) {
                nodes.push(planner.node(spec).await);
            }
            let sources = planner.sources.into_values().collect();
            Ok(NodePlans { nodes, sources })
        })
        .await
    }
}

struct Planner<'a> {
    session: &'a Session,
    planning: NodePlanning,
    /// The columns of the nodes so far; none of one that could not be planned.
    shapes: BTreeMap<String, Option<SchemaRef>>,
    sources: BTreeMap<String, QuerySource>,
    /// Used again by the next node: to make one takes longer than to plan a small node.
    state: Option<SessionState>,
}

impl<'a> Planner<'a> {
    fn new(session: &'a Session, planning: NodePlanning) -> Self {
        Self {
            session,
            planning,
            shapes: BTreeMap::new(),
            sources: BTreeMap::new(),
            state: None,
        }
    }

    async fn node(&mut self, spec: NodeSpec) -> NodePlan {
        let (name, sql) = (spec.name.clone(), spec.sql.clone());
        let (shape, plan) = match self.planned(spec).await {
            Ok(Some((shape, plan))) => (Some(shape), plan),
            Ok(None) => (None, unplanned(&name, sql, None)),
            Err(error) => (None, unplanned(&name, sql, Some(error))),
        };
        self.shapes.insert(name, shape);
        plan
    }

    /// Nothing where a node that it reads could not be planned.
    async fn planned(&mut self, spec: NodeSpec) -> Result<Option<(SchemaRef, NodePlan)>> {
        let Some(request) = self.request(&spec)? else {
            return Ok(None);
        };
        let mut read = self.read(&request).await?;
        let mut sql = read.statement.text.clone();
        if spec.is_check
            && let Some(column) = boolean_column(&analyzed(self.session, &read)?)
        {
            sql = format!("SELECT * FROM ({sql}) AS answers WHERE {} IS NOT TRUE", quoted(&column));
            read = self
                .read(&PlanRequest {
                    sql: sql.clone(),
                    ..request
                })
                .await?;
        }
        let shape = normalized_schema(analyzed(self.session, &read)?.schema().as_arrow());
        let identity = read.identity(self.session, None)?;
        for source in &identity.sources {
            self.sources.insert(source.name.clone(), source.clone());
        }
        self.state = read.state;
        let plan = NodePlan {
            columns: columns(&shape, &read.logical)?,
            fields: shape.fields().iter().map(|field| from_arrow_field(field)).collect(),
            identity: Some(identity),
            ..unplanned(&spec.name, sql, None)
        };
        Ok(Some((shape, plan)))
    }

    fn request(&self, spec: &NodeSpec) -> Result<Option<PlanRequest>> {
        let statement = self.session.statement(&spec.sql)?;
        let mut shapes = BTreeMap::new();
        for relation in &statement.relations {
            match self.shapes.get(&relation.name) {
                Some(Some(shape)) => shapes.insert(relation.name.clone(), shape.clone()),
                Some(None) => return Ok(None),
                None => continue,
            };
        }
        let mut request = PlanRequest {
            sql: spec.sql.clone(),
            parameters: Some(bindings(spec)),
            gate: self.planning.gate.clone(),
            shapes,
            ..PlanRequest::default()
        };
        request.provided.kept = self.planning.kept.clone();
        let provided = |name: &str| request.provides(name);
        let relations = Relations::of(self.session, &statement, &provided, None, &BTreeMap::new())?;
        self.refuse_captured(&relations)?;
        request.pins = self.pins(&relations);
        Ok(Some(request))
    }

    /// A view means tables by their names, and not nodes.
    fn refuse_captured(&self, relations: &Relations) -> Result<()> {
        for open in &relations.views {
            let names = open.statement.relations.iter();
            if let Some(name) = names
                .map(|relation| &relation.name)
                .find(|name| self.shapes.contains_key(*name))
            {
                let view = &open.view.name;
                let message = format!(
                    "The view '{view}' reads '{name}', which is the name of a node here: give the node another"
                );
                return Err(Error::new(ErrorCode::NameTaken, message).with("view", view.as_str()));
            }
        }
        Ok(())
    }

    /// What was found of a table once holds for all nodes.
    fn pins(&self, relations: &Relations) -> BTreeMap<String, TablePin> {
        let pins = relations.tables.iter().filter_map(|table| {
            let found = self.sources.get(&table.name).map(|source| TablePin {
                version: Some(source.version),
                timestamp: None,
            });
            let pin = found.or_else(|| self.planning.pins.get(&table.name).cloned())?;
            Some((table.name.clone(), pin))
        });
        pins.collect()
    }

    async fn read(&mut self, request: &PlanRequest) -> Result<Read> {
        let read = read_in(self.state.take(), self.session, request).await?;
        if !read.statement.is_query || read.statement.reads_schema {
            let message = "A node is a SELECT over nodes, tables and views";
            return Err(Error::new(ErrorCode::StatementNotAllowed, message));
        }
        Ok(read)
    }
}

/// With a null for what has no value.
fn bindings(spec: &NodeSpec) -> QueryParameters {
    let values = spec.parameters.iter().map(|(name, parameter)| {
        let value = parameter.default.clone().unwrap_or_default();
        let r#type = parameter.r#type.clone();
        (name.clone(), Parameter::Typed(TypedParameter { r#type, value }))
    });
    QueryParameters::Named(values.collect())
}

fn unplanned(name: &str, sql: String, error: Option<Error>) -> NodePlan {
    NodePlan {
        name: name.to_owned(),
        sql,
        columns: Vec::new(),
        fields: Vec::new(),
        identity: None,
        error: error.map(|error| error.failure()),
    }
}

/// The plan with all types made to fit, which finds those that don't.
fn analyzed(session: &Session, read: &Read) -> Result<LogicalPlan> {
    let (analyzer, options) = (session.state().analyzer(), session.state().config_options());
    Ok(analyzer.execute_and_check(read.logical.clone(), options, |_, _| {})?)
}

/// The name of the only column, where it is one of booleans.
fn boolean_column(plan: &LogicalPlan) -> Option<String> {
    match plan.schema().fields().as_ref() {
        [field] if *field.data_type() == DataType::Boolean => Some(field.name().clone()),
        _ => None,
    }
}

fn columns(shape: &SchemaRef, logical: &LogicalPlan) -> Result<Vec<ColumnLineage>> {
    let origins = column_origins(logical)?;
    let columns = shape.fields().iter().zip(origins).map(|(field, from)| ColumnLineage {
        name: field.name().clone(),
        dtype: type_name(field.data_type()),
        from,
    });
    Ok(columns.collect())
}
