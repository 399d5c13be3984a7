//! The rows that a merge writes, for the constraints that they break to be told.

use std::collections::BTreeMap;

use datafusion::common::{Column, DFSchema, JoinType, ScalarValue};
use datafusion::execution::SessionState;
use datafusion::logical_expr::{Expr, LogicalPlan, cast, lit};
use datafusion::prelude::DataFrame;

use super::data_check::rows_of;
use crate::error::Result;
use crate::generated::DeltaMergeRequest;
use crate::table::TableSnapshot;

/// Rows that a merge finds and leaves alone.
enum Untouched {
    None,
    All,
    If(Expr),
}

pub struct Merged<'a> {
    pub request: &'a DeltaMergeRequest,
    pub target_alias: &'a str,
    pub source_alias: &'a str,
    pub snapshot: &'a TableSnapshot,
    pub session: &'a SessionState,
}

impl Merged<'_> {
    /// Those that are changed, and those that are new.
    pub fn rows(&self, source: &LogicalPlan) -> Result<Vec<DataFrame>> {
        let target = rows_of(self.snapshot, self.session)?.alias(self.target_alias)?;
        let source = DataFrame::new(self.session.clone(), source.clone()).alias(self.source_alias)?;
        let both = target.schema().join(source.schema())?;
        let on = self.expression(&self.request.predicate, &both)?;
        let mut rows = Vec::new();
        if !self.request.matched_updates.is_empty() {
            let matched = target.clone().join_on(source.clone(), JoinType::Inner, [on.clone()])?;
            rows.push(self.changed(matched, &both)?);
        }
        if !self.request.not_matched_inserts.is_empty() {
            rows.push(self.new(source.join_on(target, JoinType::LeftAnti, [on])?)?);
        }
        Ok(rows)
    }

    /// Rows of the table that stay as they are.
    pub fn rest(&self, source: &LogicalPlan) -> Result<Option<DataFrame>> {
        let target = rows_of(self.snapshot, self.session)?.alias(self.target_alias)?;
        let source = DataFrame::new(self.session.clone(), source.clone()).alias(self.source_alias)?;
        let both = target.schema().join(source.schema())?;
        let on = self.expression(&self.request.predicate, &both)?;
        let unmatched = self.left(
            target
                .clone()
                .join_on(source.clone(), JoinType::LeftAnti, [on.clone()])?,
        )?;
        let matched = match self.untouched(&both)? {
            Untouched::None => None,
            Untouched::All => Some(target.join_on(source, JoinType::LeftSemi, [on])?),
            Untouched::If(holds) => Some(target.join_on(source, JoinType::LeftSemi, [on, holds])?),
        };
        let parts: Vec<_> = unmatched.into_iter().chain(matched).collect();
        let parts = parts
            .into_iter()
            .map(|part| self.plain(part))
            .collect::<Result<Vec<_>>>()?;
        let mut parts = parts.into_iter();
        let Some(first) = parts.next() else { return Ok(None) };
        Ok(Some(parts.try_fold(first, |all, part| all.union(part))?))
    }

    /// Of the rows that match nothing those that aren't deleted.
    fn left(&self, unmatched: DataFrame) -> Result<Option<DataFrame>> {
        let predicate = &self.request.not_matched_by_source_predicate;
        if !self.request.not_matched_by_source_delete {
            return Ok(Some(unmatched));
        }
        let Some(sql) = predicate else { return Ok(None) };
        let goes = self.expression(sql, &unmatched.schema().clone())?;
        Ok(Some(unmatched.filter(goes.is_not_true())?))
    }

    /// Which rows that match are neither changed nor deleted.
    fn untouched(&self, both: &DFSchema) -> Result<Untouched> {
        let predicate = self.request.matched_predicate.as_ref();
        let predicate = predicate.map(|sql| self.expression(sql, both)).transpose()?;
        let changes = !self.request.matched_updates.is_empty();
        Ok(match (changes, self.request.matched_delete, predicate) {
            (false, false, _) => Untouched::All,
            (true, true, _) | (_, _, None) => Untouched::None,
            (_, _, Some(predicate)) => Untouched::If(predicate.is_not_true()),
        })
    }

    /// The columns of the table by their names alone.
    fn plain(&self, rows: DataFrame) -> Result<DataFrame> {
        let table = self.snapshot.arrow_schema();
        let columns = table.fields().iter().map(|field| {
            let column = Expr::Column(Column::new(Some(self.target_alias), field.name()));
            column.alias(field.name())
        });
        Ok(rows.select(columns)?)
    }

    fn changed(&self, matched: DataFrame, both: &DFSchema) -> Result<DataFrame> {
        let is_deleted = self.request.matched_delete;
        let predicate = self.request.matched_predicate.as_ref();
        let predicate = predicate.map(|sql| self.expression(sql, both)).transpose()?;
        let matched = match predicate {
            Some(predicate) if is_deleted => matched.filter(predicate.is_not_true())?,
            Some(predicate) => matched.filter(predicate)?,
            None => matched,
        };
        let old = |name: &str| Expr::Column(Column::new(Some(self.target_alias), name));
        let columns = self.columns(&self.request.matched_updates, both, old)?;
        Ok(matched.select(columns)?)
    }

    fn new(&self, unmatched: DataFrame) -> Result<DataFrame> {
        let schema = unmatched.schema().clone();
        let unmatched = match &self.request.not_matched_predicate {
            Some(sql) => unmatched.filter(self.expression(sql, &schema)?)?,
            None => unmatched,
        };
        let columns = self.columns(&self.request.not_matched_inserts, &schema, |_| lit(ScalarValue::Null))?;
        Ok(unmatched.select(columns)?)
    }

    /// The columns of the table with the values that are set, or `other` ones.
    fn columns(
        &self,
        values: &BTreeMap<String, String>,
        schema: &DFSchema,
        other: impl Fn(&str) -> Expr,
    ) -> Result<Vec<Expr>> {
        let table = self.snapshot.arrow_schema();
        let columns = table.fields().iter().map(|field| {
            let value = match values.get(field.name()) {
                Some(sql) => self.expression(sql, schema)?,
                None => other(field.name()),
            };
            Ok(cast(value, field.data_type().clone()).alias(field.name()))
        });
        columns.collect()
    }

    fn expression(&self, sql: &str, schema: &DFSchema) -> Result<Expr> {
        Ok(self.session.create_logical_expr(sql, schema)?)
    }
}
