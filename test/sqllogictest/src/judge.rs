//! Whether a record holds, by what became of its statement and what sqllogictest makes of it.

use sqllogictest::{QueryExpect, Record, StatementExpect, TestError, TestErrorKind};

use sqlparser::ast::Statement;
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;

use crate::cells::Kind;
use crate::database::{Database, Outcome};
use crate::fault::Fault;
use crate::reason::Reason;
use crate::tally::{Failure, Verdict};

/// A record with a statement: where it stands, what it says and whether it shall fail.
pub struct Asked {
    pub place: String,
    pub sql: String,
    pub shall_fail: bool,
}

impl Asked {
    pub fn of(record: &Record<Kind>) -> Option<Self> {
        let (sql, loc, shall_fail) = match record {
            Record::Statement { sql, loc, expected, .. } => (sql, loc, matches!(expected, StatementExpect::Error(_))),
            Record::Query { sql, loc, expected, .. } => (sql, loc, matches!(expected, QueryExpect::Error(_))),
            _ => return None,
        };
        Some(Self {
            place: loc.to_string(),
            sql: sql.clone(),
            shall_fail,
        })
    }
}

pub fn judge(asked: Asked, outcome: Option<Outcome>, ran: Result<(), TestError>, database: &Database) -> Verdict {
    let fault = match outcome {
        None => return Verdict::Inapplicable(Reason::Elsewhere),
        Some(Outcome::Inapplicable(reason)) => return Verdict::Inapplicable(reason),
        Some(Outcome::Carried(stored)) => return Verdict::Carried(stored),
        Some(Outcome::Done) => return Verdict::Done,
        Some(Outcome::Asked(fault)) => fault,
    };
    let Err(error) = ran else { return Verdict::Passed };
    match error.kind() {
        TestErrorKind::ErrorMismatch { .. } if is_refused(fault.as_ref()) => Verdict::InOtherWords,
        TestErrorKind::QueryResultMismatch { expected, actual, .. }
            if !is_ordered(&asked.sql) && sorted(&expected) == sorted(&actual) =>
        {
            Verdict::InAnotherOrder
        }
        TestErrorKind::QueryResultMismatch { expected, actual, .. } if expected == without_zone(&actual) => {
            Verdict::Inapplicable(Reason::Zone)
        }
        _ if !asked.shall_fail && is_of_fixture(fault.as_ref(), database) => Verdict::Inapplicable(Reason::Fixture),
        kind => Verdict::Failed(Failure {
            place: asked.place,
            sql: asked.sql,
            said: kind.to_string(),
        }),
    }
}

/// Functions and types that DataFusion's runner brings.
const FIXTURES: [&str; 2] = ["'async_abs'", "SQL type UUID"];

/// A name that no statement of the file has made is one that DataFusion's runner makes.
fn is_of_fixture(fault: Option<&Fault>, database: &Database) -> bool {
    let Some(Fault::Refused { detail, unknown, .. }) = fault else {
        return false;
    };
    let is_unknown = unknown.as_ref().is_some_and(|name| !database.is_made(name));
    is_unknown || FIXTURES.iter().any(|fixture| detail.contains(fixture))
}

/// An error has to come, of the statement and not of the server; its text is each one's own.
fn is_refused(fault: Option<&Fault>) -> bool {
    matches!(fault, Some(Fault::Refused { status: 400..500, .. }))
}

/// Whether its rows come in an order that it says itself, as far as can be read.
fn is_ordered(sql: &str) -> bool {
    let parsed = Parser::parse_sql(&GenericDialect {}, sql).unwrap_or_default();
    !matches!(parsed.last(), Some(Statement::Query(query)) if query.order_by.is_none())
}

fn sorted(rows: &str) -> Vec<&str> {
    let mut rows: Vec<&str> = rows.lines().map(str::trim_end).collect();
    rows.sort_unstable();
    rows
}

/// The ways in which an answer says that a time is in UTC.
fn without_zone(rows: &str) -> String {
    let lines = rows.lines().map(|row| {
        let row = row.replace(", \"+00:00\")", ")").replace("+00:00", "");
        let words = row.split(' ').map(|word| match word.strip_suffix('Z') {
            Some(time) if time.contains('T') && time.contains(':') => time.to_owned(),
            _ => word.replace("Z,", ",").replace("Z]", "]"),
        });
        words.collect::<Vec<_>>().join(" ")
    });
    lines.collect::<Vec<_>>().join("\n")
}
