//! Relations that a request provides: kept rows, and Delta tables at a version.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow::datatypes::{Schema, SchemaRef};
use datafusion::catalog::TableProvider;
use datafusion::datasource::empty::EmptyTable;

use super::relations::Relations;
use crate::error::{Error, Result};
use crate::generated::{ErrorCode, ProvidedRelations, RowSchema, TablePin, ViewSpec};
use crate::normalize::normalized_schema;
use crate::schema::row_schema;
use crate::session::Session;
use crate::table::{Table, TableSnapshot};
use crate::view::{KeptRows, View};

/// What reads a provided relation, with what must live as long.
pub struct Provided {
    pub name: String,
    pub provider: Arc<dyn TableProvider>,
    /// What kept rows are the result of.
    pub key: Option<String>,
    _table: Option<(Arc<Table>, Arc<TableSnapshot>)>,
}

/// Opens those that are read.
pub async fn open_provided(
    session: &Session,
    relations: &Relations,
    provided: &ProvidedRelations,
) -> Result<Vec<Provided>> {
    let mut opened = Vec::new();
    for name in &relations.provided {
        opened.extend(open(session, name, provided).await?);
    }
    Ok(opened)
}

/// Stands for those of which only the columns are known.
pub fn shaped(relations: &Relations, shapes: &BTreeMap<String, SchemaRef>) -> Vec<Provided> {
    let known = relations
        .provided
        .iter()
        .filter_map(|name| Some((name, shapes.get(name)?)));
    known
        .map(|(name, shape)| Provided {
            name: name.clone(),
            provider: Arc::new(EmptyTable::new(shape.clone())),
            key: None,
            _table: None,
        })
        .collect()
}

/// The views that a statement has to itself.
pub fn own_views(views: &BTreeMap<String, ViewSpec>) -> BTreeMap<String, Arc<View>> {
    let views = views.iter();
    views
        .map(|(name, spec)| (name.clone(), Arc::new(View::new(name, spec.clone()))))
        .collect()
}

/// Opens all of them.
pub async fn open_all(session: &Session, provided: &ProvidedRelations) -> Result<Vec<Provided>> {
    let mut opened = Vec::new();
    for name in provided.kept.keys().chain(provided.delta.keys()) {
        opened.extend(open(session, name, provided).await?);
    }
    Ok(opened)
}

async fn open(session: &Session, name: &str, provided: &ProvidedRelations) -> Result<Option<Provided>> {
    if let Some(kept) = provided.kept.get(name) {
        return Ok(Some(Provided {
            name: name.to_owned(),
            provider: KeptRows::open(kept, &session.engine.view_memory).await?,
            key: Some(kept.key.clone()),
            _table: None,
        }));
    }
    let Some(delta) = provided.delta.get(name) else {
        return Ok(None);
    };
    let table = session.engine.catalog.place(&delta.uri, &BTreeMap::new())?;
    let pin = TablePin {
        version: Some(delta.version),
        timestamp: None,
    };
    let snapshot = table.snapshot(Some(&pin)).await?;
    let provider = snapshot.provider()?;
    if !has_columns(&provider.schema(), &delta.schema) {
        let message = "A Delta table can't hold the types of its columns exactly";
        return Err(Error::new(ErrorCode::UnsupportedType, message));
    }
    Ok(Some(Provided {
        name: name.to_owned(),
        provider,
        key: None,
        _table: Some((table, snapshot)),
    }))
}

/// Whether names and types are those that are wanted; what may be null says nothing of the rows.
fn has_columns(schema: &Schema, wanted: &RowSchema) -> bool {
    let own = row_schema(&normalized_schema(schema));
    let names = |schema: &RowSchema| -> Vec<_> {
        let fields = schema.fields.iter();
        fields.map(|field| (field.name.clone(), field.r#type.clone())).collect()
    };
    names(&own) == names(wanted)
}
