//! The statement that answers what a semantic model is asked for.

use std::sync::Arc;

use datafusion::sql::sqlparser::ast::Expr;

use crate::engine::Engine;
use crate::error::{Error, Result};
use crate::generated::{
    EngineLimits, ErrorCode, FilterOperator as Op, FilterTerm, Parameter, SemanticDimension, SemanticFilter,
    SemanticJoinType, SemanticMetric, SemanticModel, SemanticQuery, SemanticStatement, TimeGrain,
};
use crate::sql::{closest, filter_aggregates, parse_as_written, qualify, quoted};

pub fn semantic_statement(
    engine: &Arc<Engine>,
    model: &SemanticModel,
    query: &SemanticQuery,
) -> Result<SemanticStatement> {
    let aggregates = engine.operation_settings()?.aggregate_functions();
    let writing = Writing {
        model,
        limits: &engine.config.limits,
        is_aggregate: &|name| aggregates.contains_key(name),
        parameters: Vec::new(),
        joined: vec![false; model.joins.len()],
    };
    writing.statement(query)
}

/// A statement that is being written.
struct Writing<'a> {
    model: &'a SemanticModel,
    limits: &'a EngineLimits,
    is_aggregate: &'a dyn Fn(&str) -> bool,
    parameters: Vec<Parameter>,
    /// Which of the model's joins it needs.
    joined: Vec<bool>,
}

impl<'a> Writing<'a> {
    fn statement(mut self, query: &SemanticQuery) -> Result<SemanticStatement> {
        let (dimensions, metrics) = (self.dimensions(query)?, self.metrics(query)?);
        let columns = [dimensions.as_slice(), metrics.as_slice()].concat();
        if columns.is_empty() {
            return Err(invalid("The question names neither a metric nor a dimension"));
        }
        let (of_groups, of_rows) = query.filters.iter().partition(|filter| self.is_of_groups(filter));
        let (filters, groups) = (self.filters(of_rows)?, self.filters(of_groups)?);
        let mut sql = format!("SELECT {} FROM {}", columns.join(", "), self.relations()?);
        if !filters.is_empty() {
            sql += &format!(" WHERE {}", filters.join(" AND "));
        }
        if !dimensions.is_empty() {
            let places: Vec<_> = (1..=dimensions.len()).map(|place| place.to_string()).collect();
            sql += &format!(" GROUP BY {}", places.join(", "));
        }
        if !groups.is_empty() {
            sql += &format!(" HAVING {}", groups.join(" AND "));
        }
        let order = order(query)?;
        if !order.is_empty() {
            sql += &format!(" ORDER BY {}", order.join(", "));
        }
        Ok(SemanticStatement {
            sql,
            parameters: self.parameters,
        })
    }

    fn dimensions(&mut self, query: &SemanticQuery) -> Result<Vec<String>> {
        let mut is_cut = false;
        let columns = query.dimensions.iter().map(|name| {
            let dimension = self.dimension(name)?;
            let value = self.expression(&dimension.expression)?;
            let grain = query.grain.filter(|_| !dimension.time_grains.is_empty());
            is_cut |= grain.is_some();
            Ok(match grain {
                Some(grain) => format!("date_trunc('{}', {value}) AS {}", word(grain, dimension)?, quoted(name)),
                None => format!("{value} AS {}", quoted(name)),
            })
        });
        let columns = columns.collect::<Result<Vec<String>>>()?;
        match query.grain {
            Some(_) if !is_cut => Err(invalid("A grain goes with a dimension that has time grains")),
            _ => Ok(columns),
        }
    }

    fn metrics(&mut self, query: &SemanticQuery) -> Result<Vec<String>> {
        let columns = query.metrics.iter().map(|name| {
            let value = self.aggregate(self.metric(name)?)?;
            Ok(format!("{value} AS {}", quoted(name)))
        });
        columns.collect()
    }

    fn aggregate(&mut self, metric: &SemanticMetric) -> Result<String> {
        let mut value = self.qualified(&metric.expression)?;
        if let Some(filter) = &metric.filter {
            let condition = self.qualified(filter)?;
            filter_aggregates(&mut value, &condition, self.is_aggregate);
        }
        Ok(value.to_string())
    }

    /// Whether it asks something of a metric, which only groups have.
    fn is_of_groups(&self, filter: &SemanticFilter) -> bool {
        matches!(filter, SemanticFilter::Term(term) if self.metric(&term.dimension).is_ok())
    }

    fn filters(&mut self, filters: Vec<&SemanticFilter>) -> Result<Vec<String>> {
        filters.into_iter().map(|filter| self.filter(filter)).collect()
    }

    fn filter(&mut self, filter: &SemanticFilter) -> Result<String> {
        match filter {
            SemanticFilter::Sql(sql) => Ok(format!("({})", self.expression(sql)?)),
            SemanticFilter::Term(term) if self.is_of_groups(filter) => {
                let value = self.aggregate(self.metric(&term.dimension)?)?;
                self.term(&value, term)
            }
            SemanticFilter::Term(term) => {
                let value = self.expression(&self.dimension(&term.dimension)?.expression)?;
                self.term(&value, term)
            }
        }
    }

    fn term(&mut self, value: &str, term: &FilterTerm) -> Result<String> {
        let operator = operator(term.operator);
        if !operator.takes.contains(&term.values.len()) {
            let message = format!("The filter of '{}' has {} values", term.dimension, term.values.len());
            return Err(invalid(format!("{message}, but its operator takes {}", operator.told)));
        }
        let values: Vec<_> = term.values.iter().map(|value| self.parameter(value)).collect();
        Ok(format!("({value} {})", (operator.write)(&values)))
    }

    fn parameter(&mut self, value: &Parameter) -> String {
        self.parameters.push(value.clone());
        format!("${}", self.parameters.len())
    }

    /// The model's relation with those that it is joined to.
    fn relations(&mut self) -> Result<String> {
        let mut conditions = vec![None; self.model.joins.len()];
        // A condition may need a join that nothing else does.
        while let Some(index) = (0..conditions.len()).find(|index| self.joined[*index] && conditions[*index].is_none())
        {
            conditions[index] = Some(self.expression(&self.model.joins[index].on)?);
        }
        let joins = self.model.joins.iter().zip(conditions);
        let joins = joins.filter_map(|(join, on)| {
            let kind = match join.r#type {
                SemanticJoinType::Left => "LEFT",
                SemanticJoinType::Inner => "INNER",
            };
            on.map(|on| {
                format!(
                    " {kind} JOIN {} AS {} ON {on}",
                    quoted(&join.relation),
                    quoted(&join.name)
                )
            })
        });
        Ok(quoted(&self.model.relation) + &joins.collect::<String>())
    }

    fn expression(&mut self, sql: &str) -> Result<String> {
        Ok(self.qualified(sql)?.to_string())
    }

    /// The expression with its columns qualified, whose joins the statement needs.
    fn qualified(&mut self, sql: &str) -> Result<Expr> {
        let mut expression = parse_as_written(sql, self.limits)?;
        let names: Vec<_> = self.model.joins.iter().map(|join| join.name.as_str()).collect();
        for named in qualify(&mut expression, &self.model.relation, &names) {
            if let Some(index) = names.iter().position(|name| *name == named) {
                self.joined[index] = true;
            }
        }
        Ok(expression)
    }

    fn dimension(&self, name: &str) -> Result<&'a SemanticDimension> {
        let dimensions = &self.model.dimensions;
        let found = dimensions.iter().find(|dimension| dimension.name == name);
        found.ok_or_else(|| {
            unknown(
                "dimension",
                name,
                dimensions.iter().map(|dimension| dimension.name.as_str()),
            )
        })
    }

    fn metric(&self, name: &str) -> Result<&'a SemanticMetric> {
        let metrics = &self.model.metrics;
        let found = metrics.iter().find(|metric| metric.name == name);
        found.ok_or_else(|| unknown("metric", name, metrics.iter().map(|metric| metric.name.as_str())))
    }
}

/// How an operator is written, and how many values it takes.
struct Operator {
    takes: std::ops::RangeInclusive<usize>,
    told: &'static str,
    write: fn(&[String]) -> String,
}

fn operator(operator: Op) -> Operator {
    macro_rules! of {
        ($takes:expr, $told:literal, $write:expr) => {
            Operator {
                takes: $takes,
                told: $told,
                write: $write,
            }
        };
    }
    match operator {
        Op::Eq => of!(1..=1, "one", |values| format!("= {}", values[0])),
        Op::Ne => of!(1..=1, "one", |values| format!("<> {}", values[0])),
        Op::Lt => of!(1..=1, "one", |values| format!("< {}", values[0])),
        Op::Le => of!(1..=1, "one", |values| format!("<= {}", values[0])),
        Op::Gt => of!(1..=1, "one", |values| format!("> {}", values[0])),
        Op::Ge => of!(1..=1, "one", |values| format!(">= {}", values[0])),
        Op::Like => of!(1..=1, "one", |values| format!("LIKE {}", values[0])),
        Op::In => of!(1..=usize::MAX, "one or more", |values| format!(
            "IN ({})",
            values.join(", ")
        )),
        Op::NotIn => of!(1..=usize::MAX, "one or more", |values| format!(
            "NOT IN ({})",
            values.join(", ")
        )),
        Op::Between => of!(2..=2, "two", |values| format!(
            "BETWEEN {} AND {}",
            values[0], values[1]
        )),
        Op::IsNull => of!(0..=0, "none", |_| "IS NULL".to_owned()),
        Op::IsNotNull => of!(0..=0, "none", |_| "IS NOT NULL".to_owned()),
    }
}

fn order(query: &SemanticQuery) -> Result<Vec<String>> {
    let names = || query.dimensions.iter().chain(&query.metrics).map(String::as_str);
    let order = query.order_by.iter().map(|order| {
        if !names().any(|name| name == order.name) {
            return Err(unknown("column of the question", &order.name, names()));
        }
        let direction = if order.descending { "DESC" } else { "ASC" };
        Ok(format!("{} {direction}", quoted(&order.name)))
    });
    order.collect()
}

fn word(grain: TimeGrain, dimension: &SemanticDimension) -> Result<&'static str> {
    if !dimension.time_grains.contains(&grain) {
        let message = format!("The dimension '{}' can't be cut to this grain", dimension.name);
        return Err(invalid(message));
    }
    Ok(match grain {
        TimeGrain::Day => "day",
        TimeGrain::Week => "week",
        TimeGrain::Month => "month",
        TimeGrain::Quarter => "quarter",
        TimeGrain::Year => "year",
    })
}

fn unknown<'a>(noun: &str, name: &str, known: impl Iterator<Item = &'a str> + Clone) -> Error {
    let message = match closest(name, known.clone()) {
        Some(near) => format!("There is no {noun} '{name}'. Did you mean '{near}'?"),
        None => format!(
            "There is no {noun} '{name}'; there are {}",
            known.collect::<Vec<_>>().join(", ")
        ),
    };
    Error::new(ErrorCode::UnknownColumn, message).with("name", name)
}

fn invalid(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::InvalidQuery, message)
}
