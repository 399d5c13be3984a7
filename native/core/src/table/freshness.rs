//! Whether tables, views and macros still are as a plan found them.

use std::sync::Arc;

use object_store::ObjectMeta;

use super::catalog::Catalog;
use super::commit_look::CommitLook;
use super::snapshot::TableSnapshot;
use super::table::Table;
use crate::error::Result;
use crate::sql::{MacroRevision, Macros};
use crate::view::{View, Views};

/// The tables of a plan with the commits that it read them at, and its views.
pub struct Freshness {
    /// Of the macros of its statement; none where it has none.
    macros: Option<MacroRevision>,
    seen: Vec<Seen>,
    views: Vec<Arc<View>>,
}

struct Seen {
    table: Arc<Table>,
    version: i64,
    commit: Option<ObjectMeta>,
    /// Whether a commit after this one changes nothing.
    pinned: bool,
}

impl Freshness {
    pub fn new<'a>(
        tables: impl Iterator<Item = (&'a Arc<Table>, &'a TableSnapshot, bool)>,
        views: Vec<Arc<View>>,
        macros: Option<MacroRevision>,
    ) -> Self {
        let seen = tables.map(|(table, snapshot, pinned)| Seen {
            table: table.clone(),
            version: snapshot.version,
            commit: snapshot.commit.clone(),
            pinned,
        });
        Self {
            macros,
            seen: seen.collect(),
            views,
        }
    }

    /// Whether its macros mean what they did.
    pub fn has_macros_of(&self, macros: &Macros) -> bool {
        self.macros.is_none_or(|(revision, _)| revision == macros.revision().0)
    }

    /// What is known without waiting: nothing where a table isn't in a folder of this machine.
    pub fn now(&self, catalog: &Catalog, views: &Views) -> Option<bool> {
        let mut fresh = self.views.iter().all(|view| views.serves(view));
        for seen in &self.seen {
            fresh &= catalog.serves(&seen.table) && seen.now()?;
        }
        Some(fresh)
    }

    pub async fn check(&self, catalog: &Catalog, views: &Views) -> Result<bool> {
        if let Some(fresh) = self.now(catalog, views) {
            return Ok(fresh);
        }
        for seen in &self.seen {
            if !catalog.serves(&seen.table) || !seen.check().await? {
                return Ok(false);
            }
        }
        Ok(self.views.iter().all(|view| views.serves(view)))
    }
}

impl Seen {
    fn now(&self) -> Option<bool> {
        self.look().now()
    }

    async fn check(&self) -> Result<bool> {
        self.look().check().await
    }

    fn look(&self) -> CommitLook<'_> {
        CommitLook {
            store: &self.table.store,
            version: self.version,
            commit: self.commit.as_ref(),
            next: (!self.pinned).then_some(self.version + 1),
        }
    }
}
