//! What a statement of a file is to Lakegate: a query, something to make of it, or nothing.

use sqlparser::ast::{CreateTable, CreateView, Insert, ObjectType, Query, Statement as Parsed};
use sqlparser::dialect::GenericDialect;
use sqlparser::parser::Parser;
use sqlparser::tokenizer::{Token, Tokenizer};

use crate::reason::Reason;
use crate::settings::TIME_ZONE;

pub enum Statement {
    Query,
    Table(Box<CreateTable>),
    View(Box<CreateView>),
    Insert(Box<Insert>),
    Drop(Vec<String>),
    Setting { name: String, value: String },
    Inapplicable(Reason),
}

/// What begins with anything else is asked, right or wrong.
const INAPPLICABLE: [(&str, Reason); 24] = [
    ("explain", Reason::Plan),
    ("show", Reason::Listing),
    ("describe", Reason::Listing),
    ("desc", Reason::Listing),
    ("set", Reason::Setting),
    ("reset", Reason::Setting),
    ("prepare", Reason::Prepared),
    ("execute", Reason::Prepared),
    ("deallocate", Reason::Prepared),
    ("copy", Reason::File),
    ("update", Reason::Write),
    ("delete", Reason::Write),
    ("merge", Reason::Write),
    ("truncate", Reason::Write),
    ("alter", Reason::Write),
    ("begin", Reason::Write),
    ("start", Reason::Write),
    ("commit", Reason::Write),
    ("rollback", Reason::Write),
    ("insert", Reason::Uncarried),
    ("create external", Reason::File),
    ("create unbounded", Reason::File),
    ("create", Reason::Object),
    ("drop", Reason::Object),
];

impl Statement {
    pub fn of(sql: &str) -> Self {
        let parsed = Parser::parse_sql(&GenericDialect {}, sql)
            .ok()
            .and_then(|mut all| all.pop());
        match parsed {
            Some(Parsed::CreateTable(table)) if !table.external => Self::Table(Box::new(table)),
            Some(Parsed::CreateView(view)) => Self::View(Box::new(view)),
            Some(Parsed::Insert(insert)) => Self::Insert(Box::new(insert)),
            Some(Parsed::Query(query)) if is_into(&query) => Self::Inapplicable(Reason::Write),
            Some(Parsed::Drop {
                object_type: ObjectType::Table | ObjectType::View,
                names,
                ..
            }) => Self::Drop(names.iter().map(ToString::to_string).collect()),
            _ => by_words(&words(sql)),
        }
    }
}

fn is_into(query: &Query) -> bool {
    query.body.as_select().is_some_and(|select| select.into.is_some())
}

fn by_words(words: &[String]) -> Statement {
    if let Some(setting) = setting(words) {
        return setting;
    }
    let start = words.iter().take(2).cloned().collect::<Vec<_>>().join(" ");
    let known = INAPPLICABLE
        .iter()
        .find(|(word, _)| start == *word || start.starts_with(&format!("{word} ")));
    known.map_or(Statement::Query, |(_, reason)| Statement::Inapplicable(*reason))
}

/// `SET name = value` or `RESET name`, which sets nothing.
fn setting(words: &[String]) -> Option<Statement> {
    let (verb, rest) = words.split_first()?;
    let mut rest = rest.iter().filter(|word| !["=", "to", "zone"].contains(&word.as_str()));
    let name = rest.next()?.to_owned();
    let name = if name.starts_with("time") {
        TIME_ZONE.to_owned()
    } else {
        name
    };
    match verb.as_str() {
        "set" => Some(Statement::Setting {
            name,
            value: rest.map(String::as_str).collect(),
        }),
        "reset" => Some(Statement::Setting {
            name,
            value: String::new(),
        }),
        _ => None,
    }
}

/// What a statement says without its comments and quotes, names with their dots.
pub fn words(sql: &str) -> Vec<String> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql).tokenize().unwrap_or_default();
    let mut words = vec![String::new()];
    for token in tokens {
        let written = match token {
            Token::Whitespace(_) | Token::SemiColon | Token::LParen => None,
            Token::SingleQuotedString(text) => Some(text),
            Token::Word(word) if word.quote_style.is_some() => Some(word.value),
            Token::Eq => Some(" = ".to_owned()),
            other => Some(other.to_string().to_lowercase()),
        };
        match (written, words.last_mut()) {
            (Some(text), Some(word)) => word.push_str(&text),
            _ => words.push(String::new()),
        }
    }
    let words = words.iter().flat_map(|word| word.split(' ')).map(str::to_owned);
    words.filter(|word| !word.is_empty()).collect()
}
