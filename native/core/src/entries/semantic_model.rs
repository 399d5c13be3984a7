//! Semantic models, checked before they are registered.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::Expr;

use super::faults::Faults;
use crate::engine::Engine;
use crate::error::Result;
use crate::generated::{EngineLimits, EntryCheck, SemanticModel};
use crate::sql::{calls, parse_as_written};

/// Everything that is wrong with a model.
pub fn check_semantic_model(engine: &Arc<Engine>, model: &SemanticModel) -> Result<EntryCheck> {
    let aggregates = engine.operation_settings()?.aggregate_functions();
    let mut check = ModelCheck {
        faults: Faults::default(),
        limits: &engine.config.limits,
        is_aggregate: &|name| aggregates.contains_key(name),
    };
    check.texts(model);
    check.names(model);
    check.joins(model);
    check.dimensions(model);
    check.metrics(model);
    Ok(check.faults.into_check())
}

struct ModelCheck<'a> {
    faults: Faults,
    limits: &'a EngineLimits,
    is_aggregate: &'a dyn Fn(&str) -> bool,
}

impl ModelCheck<'_> {
    fn texts(&mut self, model: &SemanticModel) {
        let required = [
            ("/semantic_id", &model.semantic_id),
            ("/kind", &model.kind),
            ("/entity", &model.entity),
            ("/version", &model.version),
            ("/stability", &model.stability),
            ("/relation", &model.relation),
        ];
        for (pointer, text) in required {
            self.faults.require_text(pointer, text);
        }
    }

    /// Dimensions and metrics are columns of one answer, so no two of them share a name.
    fn names(&mut self, model: &SemanticModel) {
        let grain = model.grain.iter().map(String::as_str);
        self.faults.require_distinct(|index| format!("/grain/{index}"), grain);
        let keys = model.keys.iter().map(String::as_str);
        self.faults.require_distinct(|index| format!("/keys/{index}"), keys);
        let joins = model.joins.iter().map(|join| join.name.as_str());
        self.faults
            .require_distinct(|index| format!("/joins/{index}/name"), joins);
        let dimensions = model.dimensions.iter().map(|dimension| dimension.name.as_str());
        let metrics = model.metrics.iter().map(|metric| metric.name.as_str());
        let pointer = |index: usize| match index.checked_sub(model.dimensions.len()) {
            Some(metric) => format!("/metrics/{metric}/name"),
            None => format!("/dimensions/{index}/name"),
        };
        self.faults.require_distinct(pointer, dimensions.chain(metrics));
    }

    fn joins(&mut self, model: &SemanticModel) {
        for (index, join) in model.joins.iter().enumerate() {
            let at = |field: &str| format!("/joins/{index}/{field}");
            self.faults.require_text(at("relation"), &join.relation);
            if join.name == model.relation {
                self.faults
                    .add(at("name"), "uniqueItems", "is the name of the model's own relation");
            }
            self.plain(at("on"), &join.on);
        }
    }

    fn dimensions(&mut self, model: &SemanticModel) {
        for (index, dimension) in model.dimensions.iter().enumerate() {
            self.plain(format!("/dimensions/{index}/expression"), &dimension.expression);
        }
    }

    fn metrics(&mut self, model: &SemanticModel) {
        for (index, metric) in model.metrics.iter().enumerate() {
            let pointer = format!("/metrics/{index}/expression");
            let parsed = self.parse(&pointer, &metric.expression);
            if parsed.is_some_and(|parsed| !calls(&parsed, self.is_aggregate)) {
                let message = "has no aggregate, such as sum(amount) or count(*)";
                self.faults.add(pointer, "expression", message);
            }
            if let Some(filter) = &metric.filter {
                self.plain(format!("/metrics/{index}/filter"), filter);
            }
        }
    }

    fn plain(&mut self, pointer: String, sql: &str) {
        let parsed = self.parse(&pointer, sql);
        if parsed.is_some_and(|parsed| calls(&parsed, self.is_aggregate)) {
            self.faults
                .add(pointer, "expression", "has an aggregate, which only a metric may");
        }
    }

    fn parse(&mut self, pointer: &str, sql: &str) -> Option<Expr> {
        if sql.trim().is_empty() {
            self.faults.require_text(pointer, sql);
            return None;
        }
        self.faults
            .take(pointer, "expression", parse_as_written(sql, self.limits))
    }
}
