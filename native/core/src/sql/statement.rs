//! One read-only statement, and the relations it names.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use datafusion::common::TableReference;
use datafusion::sql::parser::{DFParserBuilder, Statement as Parsed};
use datafusion::sql::resolve::resolve_table_references;
use datafusion::sql::sqlparser::ast::{
    self, ObjectName, Query, Select, ShowStatementFilter, Spanned, TableFactor, Visit, Visitor,
};

use super::expansion::calls_named;
use super::limits::{check_shape, location, tokenize};
use super::macros::{MacroRevision, Macros};
use crate::error::{Error, Location, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Functions that may stand in FROM: they read no file and no address.
const TABLE_FUNCTIONS: [&str; 3] = ["generate_series", "range", "unnest"];

/// Schema tables that show what is registered and nothing of the server.
const SCHEMA_TABLES: [&str; 6] = ["tables", "views", "columns", "schemata", "routines", "parameters"];

/// A statement that passed the limits and only reads.
pub struct Statement {
    pub parsed: Parsed,
    /// The statement without its comments, spacing and macros.
    pub text: String,
    pub relations: Vec<RelationName>,
    /// Whether it asks for the information schema, and so for every table.
    pub reads_schema: bool,
    /// Whether its rows are a query's, so that they can be limited.
    pub is_query: bool,
    /// The revision of the macros that are written out in it; none where it called none.
    pub macros: Option<MacroRevision>,
}

/// A table that the statement names, and where.
#[derive(Debug, Clone)]
pub struct RelationName {
    pub name: String,
    pub location: Option<Location>,
}

impl Statement {
    /// Parses `sql`, which must be one statement that reads, and writes its macros out; anything else is refused with
    /// the reason.
    pub fn parse(sql: &str, macros: &Macros, limits: &EngineLimits) -> Result<Self> {
        let tokens = tokenize(sql, limits)?;
        let mut statements = DFParserBuilder::new(tokens)
            .with_recursion_limit(limits.sql_depth as usize * 4)
            .build()?
            .parse_statements()
            .map_err(|error| too_deep(error.into(), limits))?;
        let mut parsed = statements
            .pop_front()
            .ok_or_else(|| Error::new(ErrorCode::InvalidSql, "There is no statement: send a SELECT"))?;
        if !statements.is_empty() {
            return Err(refused("One statement a request: send the others on their own"));
        }
        check_shape(read_only(&parsed)?, limits)?;
        let has_macros = expand(&mut parsed, macros, limits)?;
        let inner = read_only(&parsed)?;
        let mut vetting = Vetting::default();
        if let ControlFlow::Break(error) = inner.visit(&mut vetting) {
            return Err(error);
        }
        let is_query =
            matches!(&parsed, Parsed::Statement(statement) if matches!(**statement, ast::Statement::Query(_)));
        let (relations, reads_schema) = relations(&parsed, &vetting)?;
        Ok(Self {
            text: parsed.to_string(),
            parsed,
            relations,
            reads_schema,
            is_query,
            macros: has_macros.then(|| macros.revision()),
        })
    }
}

impl Statement {
    /// Whether it calls a function of the name, as it is written once its macros are.
    pub fn calls(&self, function: &str) -> bool {
        read_only(&self.parsed).is_ok_and(|inner| calls_named(inner, function))
    }

    /// The names of its placeholders, each once.
    pub fn parameters(&self) -> Vec<String> {
        let mut names = Placeholders::default();
        if let Ok(inner) = read_only(&self.parsed) {
            let ControlFlow::Continue(()) = inner.visit(&mut names);
        }
        names.0.into_iter().collect()
    }
}

#[derive(Default)]
struct Placeholders(BTreeSet<String>);

impl Visitor for Placeholders {
    type Break = std::convert::Infallible;

    fn pre_visit_value(&mut self, value: &ast::ValueWithSpan) -> ControlFlow<Self::Break> {
        if let ast::Value::Placeholder(name) = &value.value {
            self.0.insert(name.trim_start_matches('$').to_owned());
        }
        ControlFlow::Continue(())
    }
}

fn expand(parsed: &mut Parsed, macros: &Macros, limits: &EngineLimits) -> Result<bool> {
    match parsed {
        Parsed::Statement(statement) => macros.expand(statement.as_mut(), limits),
        Parsed::Explain(explain) => expand(&mut explain.statement, macros, limits),
        _ => Ok(false),
    }
}

fn too_deep(error: Error, limits: &EngineLimits) -> Error {
    match error.code {
        ErrorCode::StatementTooComplex => error.with("maximum", limits.sql_depth),
        _ => error,
    }
}

fn refused(message: impl Into<String>) -> Error {
    Error::new(ErrorCode::StatementNotAllowed, message)
}

/// The syntax tree behind EXPLAINs, if it only reads.
fn read_only(parsed: &Parsed) -> Result<&ast::Statement> {
    use ast::Statement as S;
    let statement = match parsed {
        Parsed::Statement(statement) => statement,
        Parsed::Explain(explain) => return read_only(&explain.statement),
        Parsed::CreateExternalTable(_) => {
            return Err(refused(
                "CREATE EXTERNAL TABLE isn't let in: register the table with PUT /v1/tables/{name}",
            ));
        }
        Parsed::CopyTo(_) => {
            return Err(refused(
                "COPY isn't let in: ask for the rows in the format you want with the Accept header",
            ));
        }
        Parsed::Reset(_) => return Err(refused(SETTINGS)),
    };
    match statement.as_ref() {
        S::Query(_) | S::ExplainTable { .. } | S::ShowTables { .. } | S::ShowFunctions { .. } => Ok(statement),
        S::ShowColumns { show_options, .. } if !filters_by_text(show_options) => Ok(statement),
        S::Explain { statement: inner, .. } if matches!(**inner, S::Query(_)) => Ok(statement),
        S::Insert(_) | S::Update { .. } | S::Delete(_) | S::Merge { .. } | S::Truncate { .. } => Err(refused(
            "Statements only read here: tables are written through the routes below /v1/tables/{name}",
        )),
        S::CreateTable(_) | S::Drop { .. } | S::AlterTable { .. } => Err(refused(
            "Tables aren't defined in SQL: register and unregister them with PUT and DELETE /v1/tables/{name}",
        )),
        S::CreateView { .. } => Err(refused("Views aren't defined in SQL: use WITH in the query")),
        S::Set(_) | S::ShowVariable { .. } | S::ShowVariables { .. } | S::ShowStatus { .. } => Err(refused(SETTINGS)),
        _ => Err(refused(
            "Only SELECT, EXPLAIN, SHOW TABLES, SHOW COLUMNS and DESCRIBE are let in",
        )),
    }
}

const SETTINGS: &str = "Settings aren't read or set in SQL: a session holds them, see POST /v1/sessions";

fn filters_by_text(options: &ast::ShowStatementOptions) -> bool {
    use ast::ShowStatementFilterPosition as P;
    match &options.filter_position {
        Some(P::Infix(filter) | P::Suffix(filter)) => matches!(filter, ShowStatementFilter::NoKeyword(_)),
        None => false,
    }
}

/// Looks for what DataFusion would run though it doesn't only read, and for what it would silently ignore.
#[derive(Default)]
struct Vetting {
    functions: Vec<String>,
    places: BTreeMap<String, Location>,
}

impl Visitor for Vetting {
    type Break = Error;

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        if !query.locks.is_empty() {
            return ControlFlow::Break(refused(
                "FOR UPDATE and FOR SHARE aren't let in: tables are read at a version",
            ));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        if select.into.is_some() {
            return ControlFlow::Break(refused("SELECT INTO isn't let in: statements only read"));
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Error> {
        if let Some(place) = location(name.span().start) {
            self.places.entry(name.to_string()).or_insert(place);
        }
        ControlFlow::Continue(())
    }

    fn pre_visit_table_factor(&mut self, factor: &TableFactor) -> ControlFlow<Error> {
        match factor {
            TableFactor::Table {
                name, args: Some(_), ..
            }
            | TableFactor::Function { name, .. } => self.function(name),
            TableFactor::Table { version: Some(_), .. } => ControlFlow::Break(refused(
                "Time travel isn't written in SQL: pin the table with the request's tables: {name: {version or timestamp}}",
            )),
            TableFactor::Table { sample: Some(_), .. } | TableFactor::Derived { sample: Some(_), .. } => {
                ControlFlow::Break(refused("TABLESAMPLE isn't supported: filter with random() < share"))
            }
            _ => ControlFlow::Continue(()),
        }
    }
}

impl Vetting {
    fn function(&mut self, name: &ObjectName) -> ControlFlow<Error> {
        let text = name.to_string();
        if TABLE_FUNCTIONS.contains(&text.to_lowercase().as_str()) {
            self.functions.push(text);
            return ControlFlow::Continue(());
        }
        let message = format!("The table function {text} isn't let in: only generate_series, range and unnest are");
        ControlFlow::Break(refused(message).at(location(name.span().start)))
    }
}

/// The registered tables that a statement names, each once, and whether it reads the information schema.
fn relations(parsed: &Parsed, vetting: &Vetting) -> Result<(Vec<RelationName>, bool)> {
    let (references, _) = resolve_table_references(parsed, false)?;
    let mut names = Vec::new();
    let mut reads_schema = false;
    for reference in references {
        let written = reference.to_string();
        if vetting.functions.contains(&written) {
            continue;
        }
        let location = place(vetting, &reference);
        if reference.schema() == Some("information_schema") {
            reads_schema = true;
            check_schema_table(&reference, parsed, location)?;
        } else if is_default(&reference) {
            names.push(RelationName {
                name: reference.table().to_owned(),
                location,
            });
        } else {
            let message = format!("There is no table '{written}': tables have names of one part");
            return Err(Error::new(ErrorCode::UnknownTable, message).at(location));
        }
    }
    names.dedup_by(|one, other| one.name == other.name);
    Ok((names, reads_schema))
}

fn place(vetting: &Vetting, reference: &TableReference) -> Option<Location> {
    let quoted = reference.to_quoted_string();
    vetting
        .places
        .iter()
        .find(|(name, _)| **name == quoted || **name == reference.to_string())
        .map(|(_, place)| *place)
}

fn is_default(reference: &TableReference) -> bool {
    matches!(reference.catalog(), None | Some("lakegate")) && matches!(reference.schema(), None | Some("public"))
}

/// SHOW statements name every schema table, settings too, though they read one.
fn check_schema_table(reference: &TableReference, parsed: &Parsed, location: Option<Location>) -> Result<()> {
    let shows = matches!(parsed, Parsed::Statement(statement) if !matches!(**statement, ast::Statement::Query(_)));
    if shows || SCHEMA_TABLES.contains(&reference.table()) {
        return Ok(());
    }
    let message = format!("information_schema.{} isn't let in", reference.table());
    Err(refused(message).at(location))
}
