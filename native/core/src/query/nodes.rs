//! Planning the nodes of a pipeline, each over the columns of those that it reads, and all tables at one version.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use arrow::datatypes::{DataType, SchemaRef};
use datafusion::execution::SessionState;
use datafusion::logical_expr::LogicalPlan;
use tokio::task::JoinSet;

use super::lineage::column_origins;
use super::node_ground::{NodeGround, OpenNode};
use super::plan::{PlanRequest, read_in};
use super::read::Read;
use super::run::within;
use crate::error::{Error, Result};
use crate::generated::{
    ColumnLineage, ErrorCode, NodePlan, NodePlanning, NodePlans, NodeSpec, Parameter, QueryParameters, TypedParameter,
};
use crate::normalize::normalized_schema;
use crate::schema::from_arrow_field;
use crate::session::Session;
use crate::sql::quoted;
use crate::type_name::type_name;

/// So many nodes are planned sooner than another thread is told to.
const FEW: usize = 4;

impl Session {
    /// Plans nodes, each after those that it reads; what is wrong with one is told in its place.
    pub async fn plan_nodes(self: &Arc<Self>, planning: NodePlanning) -> Result<NodePlans> {
        let session = self.clone();
        within(self, async move {
            let (ground, nodes) = NodeGround::open(session, planning).await?;
            let (ground, turns) = (Arc::new(ground), Arc::new(Turns::new(nodes)));
            let threads = ground.session.state().config().target_partitions();
            let mut planners = JoinSet::new();
            for _ in 0..threads.min(turns.nodes.len().div_ceil(FEW)) {
                planners.spawn(plan_some(ground.clone(), turns.clone()));
            }
            let mut planned = Vec::new();
            while let Some(some) = planners.join_next().await {
                planned.extend(some?);
            }
            planned.sort_by_key(|(place, _)| *place);
            Ok(NodePlans {
                nodes: planned.into_iter().map(|(_, plan)| plan).collect(),
                sources: ground.sources(),
            })
        })
        .await
    }
}

/// Nodes, each taken by whoever is free for it, and after those that it reads.
struct Turns {
    nodes: Vec<OpenNode>,
    next: AtomicUsize,
}

impl Turns {
    fn new(nodes: Vec<OpenNode>) -> Self {
        let next = AtomicUsize::new(0);
        Self { nodes, next }
    }

    fn take(&self) -> Option<&OpenNode> {
        self.nodes.get(self.next.fetch_add(1, Ordering::Relaxed))
    }
}

/// Plans nodes until all are taken.
async fn plan_some(ground: Arc<NodeGround>, turns: Arc<Turns>) -> Vec<(usize, NodePlan)> {
    let mut planner = Planner {
        state: None,
        ground: &ground,
    };
    let mut planned = Vec::new();
    while let Some(node) = turns.take() {
        planned.push((node.place, planner.node(node).await));
    }
    planned
}

struct Planner<'a> {
    ground: &'a NodeGround,
    /// Used again by the next node: to make one takes longer than to plan a small node.
    state: Option<SessionState>,
}

impl Planner<'_> {
    async fn node(&mut self, node: &OpenNode) -> NodePlan {
        let NodeSpec { name, sql, .. } = &node.spec;
        let (shape, plan) = match self.planned(node).await {
            Ok(Some((shape, plan))) => (Some(shape), plan),
            Ok(None) => (None, unplanned(name, sql.clone(), None)),
            Err(error) => (None, unplanned(name, sql.clone(), Some(error))),
        };
        self.ground.tell_shape(name, shape);
        plan
    }

    /// Nothing where a node that it reads could not be planned.
    async fn planned(&mut self, node: &OpenNode) -> Result<Option<(SchemaRef, NodePlan)>> {
        let Some(request) = self.request(node).await? else {
            return Ok(None);
        };
        let spec = &node.spec;
        let mut read = self.read(&request).await?;
        let mut analyzed_plan = analyzed(&self.ground.session, &read)?;
        let mut sql = read.statement.text.clone();
        if spec.is_check
            && let Some(column) = boolean_column(&analyzed_plan)
        {
            sql = format!("SELECT * FROM ({sql}) AS answers WHERE {} IS NOT TRUE", quoted(&column));
            self.state = read.state;
            read = self
                .read(&PlanRequest {
                    sql: sql.clone(),
                    ..request
                })
                .await?;
            analyzed_plan = analyzed(&self.ground.session, &read)?;
        }
        let shape = normalized_schema(analyzed_plan.schema().as_arrow());
        let identity = read.identity(&self.ground.session, None)?;
        self.ground.note(&identity.sources);
        self.state = read.state;
        let plan = NodePlan {
            columns: columns(&shape, &read.logical)?,
            fields: shape.fields().iter().map(|field| from_arrow_field(field)).collect(),
            is_planned: true,
            identity: Some(identity).filter(|_| self.ground.needs_identity),
            ..unplanned(&spec.name, sql, None)
        };
        Ok(Some((shape, plan)))
    }

    async fn request(&self, node: &OpenNode) -> Result<Option<PlanRequest>> {
        let ground = self.ground;
        let Some(shapes) = ground.shapes_of(node).await else {
            return Ok(None);
        };
        let mut request = PlanRequest {
            sql: node.spec.sql.clone(),
            parameters: Some(bindings(&node.spec)),
            pins: ground.pins_of(node),
            gate: ground.gate.clone(),
            shapes,
            ..PlanRequest::default()
        };
        request.provided.kept = ground.kept_of(node);
        request.provided.views = ground.views_of(node)?;
        Ok(Some(request))
    }

    async fn read(&mut self, request: &PlanRequest) -> Result<Read> {
        let read = read_in(self.state.take(), &self.ground.session, request).await?;
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
        is_planned: false,
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
