//! What all nodes of a pipeline are planned over: each table at one version, each view by one definition.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use arrow::datatypes::SchemaRef;
use tokio::sync::SetOnce;

use super::provided::own_views;
use super::relations::Relations;
use crate::error::{Error, Result};
use crate::generated::{
    DeltaFeatureGate, ErrorCode, KeptRelation, NodePlanning, NodeSpec, QuerySource, TablePin, ViewSpec,
};
use crate::session::Session;
use crate::view::View;

pub struct NodeGround {
    pub session: Arc<Session>,
    pub gate: Option<DeltaFeatureGate>,
    pub needs_identity: bool,
    /// The columns of each node, once it is planned; none of one that could not be.
    shapes: BTreeMap<String, SetOnce<Option<SchemaRef>>>,
    kept: BTreeMap<String, KeptRelation>,
    pins: BTreeMap<String, TablePin>,
    views: BTreeMap<String, ViewSpec>,
    sources: Mutex<BTreeMap<String, QuerySource>>,
}

/// A node with what it names.
pub struct OpenNode {
    pub place: usize,
    pub spec: NodeSpec,
    /// None of a statement that can't be read.
    relations: Option<Relations>,
    names: Vec<String>,
}

impl NodeGround {
    /// Fixes the versions and definitions. The nodes come back in the order in which they are planned.
    pub async fn open(session: Arc<Session>, planning: NodePlanning) -> Result<(Self, Vec<OpenNode>)> {
        let names = planning.nodes.iter().map(|node| node.name.clone());
        let mut own = own_views(&planning.views);
        let mut ground = Self {
            session,
            gate: planning.gate,
            needs_identity: planning.needs_identity,
            shapes: names.map(|name| (name, SetOnce::new())).collect(),
            kept: planning.kept,
            pins: planning.pins,
            views: planning.views,
            sources: Mutex::default(),
        };
        let nodes = planning.nodes.into_iter().enumerate();
        let nodes: Vec<_> = nodes
            .map(|(place, spec)| ground.open_node(place, spec, &mut own))
            .collect();
        ground.fix_versions(&nodes).await;
        let nodes = ground.spread(nodes)?;
        Ok((ground, nodes))
    }

    /// Puts what reads no other first, then what reads those alone, and so on, so that few wait for the one before them.
    fn spread(&self, mut nodes: Vec<OpenNode>) -> Result<Vec<OpenNode>> {
        let mut depths: BTreeMap<String, usize> = BTreeMap::new();
        for node in &nodes {
            let mut depth = 0;
            for name in node.names.iter().filter(|name| self.shapes.contains_key(*name)) {
                let below = depths
                    .get(name)
                    .ok_or_else(|| Error::internal(format!("the node {name} is planned after one that reads it")))?;
                depth = depth.max(below + 1);
            }
            depths.insert(node.spec.name.clone(), depth);
        }
        nodes.sort_by_key(|node| depths.get(&node.spec.name).copied());
        Ok(nodes)
    }

    /// What is wrong with it is told when it is planned.
    fn open_node(&mut self, place: usize, spec: NodeSpec, own: &mut BTreeMap<String, Arc<View>>) -> OpenNode {
        let mut node = OpenNode {
            place,
            spec,
            relations: None,
            names: Vec::new(),
        };
        let Ok(statement) = self.session.statement(&node.spec.sql) else {
            return node;
        };
        node.names = statement.relations.iter().map(|named| named.name.clone()).collect();
        let visible = self.session.visible();
        if !node
            .names
            .iter()
            .all(|name| self.shapes.contains_key(name) || visible.shows(name))
        {
            return node;
        }
        let provided = |name: &str| self.shapes.contains_key(name) || self.kept.contains_key(name);
        let Ok(relations) = Relations::of(&self.session, &statement, &provided, None, own) else {
            return node;
        };
        for open in &relations.views {
            own.entry(open.view.name.clone()).or_insert_with(|| open.view.clone());
            let spec = || ViewSpec {
                sql: open.statement.text.clone(),
                parameters: open.view.parameters.clone(),
                cache_policy: open.view.cache_policy,
            };
            self.views.entry(open.view.name.clone()).or_insert_with(spec);
        }
        node.relations = Some(relations);
        node
    }

    /// A table that can't be opened is told where it is read.
    async fn fix_versions(&mut self, nodes: &[OpenNode]) {
        let relations = nodes.iter().filter_map(|node| node.relations.as_ref());
        let tables = relations.flat_map(|relations| relations.tables.iter().map(|table| table.name.clone()));
        for name in tables.collect::<BTreeSet<_>>() {
            if let Ok(version) = self.version(&name).await {
                let pin = TablePin {
                    version: Some(version),
                    timestamp: None,
                };
                self.pins.insert(name, pin);
            }
        }
    }

    async fn version(&self, table: &str) -> Result<i64> {
        let found = self.session.engine.catalog.table(table).await?;
        Ok(found.snapshot(self.pins.get(table)).await?.version)
    }

    /// The columns of the nodes that a node names, as soon as they are known; nothing where one could not be planned.
    pub async fn shapes_of(&self, node: &OpenNode) -> Option<BTreeMap<String, SchemaRef>> {
        let mut shapes = BTreeMap::new();
        for name in &node.names {
            if let Some(told) = self.shapes.get(name) {
                shapes.insert(name.clone(), told.wait().await.clone()?);
            }
        }
        Some(shapes)
    }

    pub fn tell_shape(&self, node: &str, shape: Option<SchemaRef>) {
        if let Some(told) = self.shapes.get(node) {
            // Each node is planned once.
            let _ = told.set(shape);
        }
    }

    pub fn pins_of(&self, node: &OpenNode) -> BTreeMap<String, TablePin> {
        let tables = node.relations.iter().flat_map(|relations| &relations.tables);
        let pin = |name: &String| Some((name.clone(), self.pins.get(name)?.clone()));
        tables.filter_map(|table| pin(&table.name)).collect()
    }

    /// The values of parameter tables that it may read.
    pub fn kept_of(&self, node: &OpenNode) -> BTreeMap<String, KeptRelation> {
        let provided = node.relations.iter().flat_map(|relations| &relations.provided);
        let kept = |name: &String| Some((name.clone(), self.kept.get(name)?.clone()));
        provided.filter_map(kept).collect()
    }

    /// The definitions of the views that it reads. A view means tables by their names, and not nodes.
    pub fn views_of(&self, node: &OpenNode) -> Result<BTreeMap<String, ViewSpec>> {
        let mut views = BTreeMap::new();
        for open in node.relations.iter().flat_map(|relations| &relations.views) {
            let mut names = open.statement.relations.iter().map(|relation| &relation.name);
            if let Some(name) = names.find(|name| self.shapes.contains_key(*name)) {
                return Err(captured(&open.view.name, name));
            }
            if let Some(spec) = self.views.get(&open.view.name) {
                views.insert(open.view.name.clone(), spec.clone());
            }
        }
        Ok(views)
    }

    pub fn note(&self, sources: &[QuerySource]) {
        let mut all = self.sources.lock().expect("no holder panics");
        for source in sources {
            all.insert(source.name.clone(), source.clone());
        }
    }

    /// The tables that were read.
    pub fn sources(&self) -> Vec<QuerySource> {
        self.sources
            .lock()
            .expect("no holder panics")
            .values()
            .cloned()
            .collect()
    }
}

fn captured(view: &str, node: &str) -> Error {
    let message = format!("The view '{view}' reads '{node}', which is the name of a node here: give the node another");
    Error::new(ErrorCode::NameTaken, message).with("view", view)
}
