//! What the nodes of a pipeline read: their statements, and the relations and parameters that these name.

use std::sync::Arc;

use futures::future::try_join_all;

use super::run::within;
use crate::entries::{Faults, node_sql};
use crate::error::Result;
use crate::generated::{NodeDraft, NodeReading, NodeStatement, NodeStatements};
use crate::session::Session;

/// Fewer nodes than these are read sooner than threads are told to.
const FEW: usize = 16;

impl Session {
    /// Reads the statements of nodes, some on each thread; what is wrong with one is told in its place.
    pub async fn read_nodes(self: &Arc<Self>, reading: NodeReading) -> Result<NodeStatements> {
        let session = self.clone();
        within(self, async move {
            let threads = session.state().config().target_partitions().max(1);
            let share = reading.nodes.len().div_ceil(threads).max(FEW);
            let shares = reading.nodes.chunks(share).map(|nodes| {
                let (session, nodes) = (session.clone(), nodes.to_vec());
                tokio::spawn(async move { session.read_each(&nodes) })
            });
            let nodes = try_join_all(shares).await?.into_iter().flatten().collect();
            Ok(NodeStatements { nodes })
        })
        .await
    }

    fn read_each(&self, nodes: &[NodeDraft]) -> Vec<NodeStatement> {
        nodes.iter().map(|node| self.read_node(node)).collect()
    }

    fn read_node(&self, draft: &NodeDraft) -> NodeStatement {
        let mut node = NodeStatement {
            name: draft.name.clone(),
            sql: None,
            relations: Vec::new(),
            parameters: Vec::new(),
            errors: Vec::new(),
        };
        let mut faults = Faults::default();
        let sql = node_sql(&self.engine, draft, &mut faults);
        if let Some((pointer, sql)) = sql
            && let Some(statement) = faults.take_at(pointer, "sql", self.statement(&sql))
        {
            let relations = statement.relations.iter();
            node.relations = relations.map(|relation| relation.name.clone()).collect();
            node.parameters = statement.parameters();
            node.sql = Some(sql);
        }
        node.errors = faults.into_check().errors;
        node
    }
}
