//! What the nodes of a pipeline read: their statements, and the relations and parameters that these name.

use std::sync::Arc;

use crate::entries::{Faults, node_sql};
use crate::generated::{NodeDraft, NodeReading, NodeStatement, NodeStatements};
use crate::session::Session;

impl Session {
    /// Reads the statements of nodes; what is wrong with one is told in its place.
    pub fn read_nodes(self: &Arc<Self>, reading: &NodeReading) -> NodeStatements {
        NodeStatements {
            nodes: reading.nodes.iter().map(|node| self.read_node(node)).collect(),
        }
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
