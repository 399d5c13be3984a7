//! Lakegate as the database of a file: queries are asked, statements that make relations are carried over to its routes.

use std::ops::ControlFlow;

use sqllogictest::{DB, DBOutput};
use sqlparser::ast::{CreateTable, CreateView, Insert, Visit, Visitor};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::cells::{Kind, kinds, rows};
use crate::fault::Fault;
use crate::names::lower;
use crate::reason::Reason;
use crate::relations::{NewTable, Relations, Stored};
use crate::server::Server;
use crate::settings::Settings;
use crate::statement::{Statement, words};
use crate::table::{Table, inserted, relation};

pub type Output = DBOutput<Kind>;

/// What became of the last statement.
#[derive(Clone)]
pub enum Outcome {
    Asked(Option<Fault>),
    Carried(Stored),
    Done,
    Inapplicable(Reason),
}

pub struct Database {
    server: Server,
    relations: Relations,
    settings: Settings,
    outcome: Option<Outcome>,
}

impl Database {
    pub fn new(server: Server) -> Self {
        let relations = Relations::default();
        Self {
            server,
            relations,
            settings: Settings::default(),
            outcome: None,
        }
    }

    pub fn take_outcome(&mut self) -> Option<Outcome> {
        self.outcome.take()
    }

    /// Forgets what a file has made and set.
    pub fn clear(&mut self) {
        self.relations.clear(&self.server);
        self.settings.clear();
    }

    /// Whether a statement asks, so that its failure says something.
    pub fn asks(&self, sql: &str) -> bool {
        matches!(Statement::of(sql), Statement::Query)
    }

    pub fn is_made(&self, name: &str) -> bool {
        self.relations.is_made(name)
    }

    fn perform(&mut self, sql: &str) -> Result<(Output, Outcome), Fault> {
        let sql = self.named(sql);
        let done = |outcome| (DBOutput::StatementComplete(0), outcome);
        match Statement::of(&sql) {
            Statement::Query => self.ask(&sql).map(|output| (output, Outcome::Asked(None))),
            Statement::Table(made) => self.make(&made).map(|stored| done(Outcome::Carried(stored))),
            Statement::View(made) => self.define(&made).map(|stored| done(Outcome::Carried(stored))),
            Statement::Insert(insert) => self.insert(&insert).map(|stored| done(Outcome::Carried(stored))),
            Statement::Drop(names) => {
                names
                    .iter()
                    .for_each(|name| self.relations.remove(&self.server, &unquoted(name)));
                Ok(done(Outcome::Done))
            }
            Statement::Setting { name, value } => {
                self.settings.set(&name, &value);
                Ok(done(Outcome::Inapplicable(Reason::Setting)))
            }
            Statement::Inapplicable(reason) => {
                if [Reason::File, Reason::Write].contains(&reason) {
                    self.lose_what_it_names(&sql);
                }
                Err(Fault::Inapplicable(reason))
            }
        }
    }

    /// What can't be read has no names to change.
    fn named(&self, sql: &str) -> String {
        if self.settings.is_exact() {
            sql.to_owned()
        } else {
            lower(sql).unwrap_or_else(|_| sql.to_owned())
        }
    }

    fn ask(&mut self, sql: &str) -> Result<Output, Fault> {
        self.require_applicable(sql)?;
        let answer = self
            .server
            .query(sql, self.settings.session(&self.server)?.as_deref())?;
        let types = kinds(&answer.schema);
        let rows = rows(&answer.batches).map_err(Fault::broken)?;
        let is_empty = types.is_empty() && rows.is_empty();
        Ok(if is_empty {
            DBOutput::StatementComplete(0)
        } else {
            DBOutput::Rows { types, rows }
        })
    }

    fn require_applicable(&self, sql: &str) -> Result<(), Fault> {
        let reads = Reads::of(sql);
        let reason = if reads.0.iter().any(|name| name.contains('.')) {
            Reason::Catalog
        } else if reads.0.iter().any(|name| self.relations.is_lost(name)) {
            Reason::Lost
        } else {
            return Ok(());
        };
        Err(Fault::Inapplicable(reason))
    }

    fn make(&mut self, made: &CreateTable) -> Result<Stored, Fault> {
        let name = relation(&made.name).ok_or(Fault::Inapplicable(Reason::Uncarried))?;
        if made.if_not_exists && self.relations.is_made(&name) {
            return Err(Fault::Inapplicable(Reason::RefusedWrite));
        }
        let table = Table::of(made).map_err(Fault::Inapplicable);
        let put = match (table, made.query.as_ref()) {
            (Ok(table), Some(query)) => self.require_applicable(&query.to_string()).map(|()| table),
            (table, _) => table,
        };
        let put = put.and_then(|table| self.put_table(&name, table));
        // Declared types have a say in how DataFusion plans the query.
        let put = put.map_err(|fault| match fault {
            Fault::Refused { .. } if !made.columns.is_empty() => Fault::Inapplicable(Reason::Uncarried),
            other => other,
        });
        self.or_lost(&name, put)
    }

    fn define(&mut self, made: &CreateView) -> Result<Stored, Fault> {
        let name = relation(&made.name).ok_or(Fault::Inapplicable(Reason::Uncarried))?;
        let names = made
            .columns
            .iter()
            .map(|column| column.name.to_string())
            .collect::<Vec<_>>()
            .join(", ");
        let query = match names.is_empty() {
            true => made.query.to_string(),
            false => format!("SELECT * FROM ({}) AS v({names})", made.query),
        };
        let applies = self.require_applicable(&query);
        let put = applies.and_then(|()| self.relations.put_view(&self.server, &name, &query));
        self.or_lost(&name, put)
    }

    fn insert(&mut self, insert: &Insert) -> Result<Stored, Fault> {
        let name = inserted(insert).ok_or(Fault::Inapplicable(Reason::Uncarried))?;
        let Some(mut table) = self.relations.table(&name) else {
            return Err(Fault::Inapplicable(Reason::Lost));
        };
        let put = table.insert(insert).map_err(Fault::Inapplicable);
        let put = put.and_then(|()| self.put_table(&name, table));
        self.or_lost(&name, put)
    }

    fn put_table(&mut self, name: &str, table: Table) -> Result<Stored, Fault> {
        let session = self.settings.session(&self.server)?;
        let name = name.to_owned();
        self.relations
            .put_table(&self.server, NewTable { name, table }, session.as_deref())
    }

    fn or_lost(&mut self, name: &str, put: Result<Stored, Fault>) -> Result<Stored, Fault> {
        if put.is_err() {
            self.relations.lose(&self.server, name);
        }
        put
    }

    /// What a statement that isn't carried over would have made or changed.
    fn lose_what_it_names(&mut self, sql: &str) {
        let words = words(sql);
        let of_table = words.iter().position(|word| word == "table" || word == "into");
        let mut after = words.iter().skip(of_table.map_or(words.len(), |place| place + 1));
        let named = after.find(|word| !["if", "not", "exists"].contains(&word.as_str()));
        let changed = Reads::of(sql).0.into_iter().filter(|name| self.relations.is_made(name));
        for name in named.cloned().into_iter().chain(changed).collect::<Vec<_>>() {
            self.relations.lose(&self.server, &name);
        }
    }
}

impl DB for Database {
    type Error = Fault;
    type ColumnType = Kind;

    fn run(&mut self, sql: &str) -> Result<Output, Fault> {
        let performed = self.perform(sql);
        self.outcome = Some(match &performed {
            Ok((_, outcome)) => outcome.clone(),
            Err(Fault::Inapplicable(reason)) => Outcome::Inapplicable(*reason),
            Err(fault) => Outcome::Asked(Some(fault.clone())),
        });
        performed.map(|(output, _)| output)
    }
}

fn unquoted(name: &str) -> String {
    name.trim_end_matches(';').trim_matches('"').to_owned()
}

/// The relations that a query names, its own included.
#[derive(Default)]
struct Reads(Vec<String>);

impl Reads {
    fn of(sql: &str) -> Self {
        let mut reads = Self::default();
        for statement in Parser::parse_sql(&GenericDialect {}, sql).unwrap_or_default() {
            let ControlFlow::Continue(()) = statement.visit(&mut reads);
        }
        reads
    }
}

impl Visitor for Reads {
    type Break = std::convert::Infallible;

    fn pre_visit_relation(&mut self, name: &sqlparser::ast::ObjectName) -> ControlFlow<Self::Break> {
        self.0.push(relation(name).unwrap_or_else(|| name.to_string()));
        ControlFlow::Continue(())
    }
}
