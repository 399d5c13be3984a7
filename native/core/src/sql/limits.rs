//! EngineLimits on a statement's tokens and shape, checked before the planner sees it.
//!
//! Parser and planner recurse over deep nesting and long chains until their stack overflows, and no
//! recursion limit of theirs sees all of it (DataFusion 55). Tokens bound what the parser builds; the shape
//! of the syntax tree bounds what the planner walks.

use std::collections::HashMap;
use std::ops::ControlFlow;

use datafusion::sql::sqlparser::ast::{Expr, ObjectName, Query, Select, Spanned, Visit, Visitor};
use datafusion::sql::sqlparser::dialect::GenericDialect;
use datafusion::sql::sqlparser::keywords::Keyword;
use datafusion::sql::sqlparser::parser::ParserError;
use datafusion::sql::sqlparser::tokenizer::{Location as Place, Token, TokenWithSpan, Tokenizer};

use super::grouping_sets::grouping_sets;
use crate::error::{Error, Location, Result};
use crate::generated::{EngineLimits, ErrorCode};

/// Each WITH inside another doubles what DataFusion's resolver visits.
const MAX_WITHS: i64 = 8;
/// As many are planned within a second; twice as many take DataFusion more than ten, and nothing can interrupt it.
const MAX_JOINED: i64 = 128;

/// Tokenizes `sql`, or says which limit its tokens break.
pub fn tokenize(sql: &str, limits: &EngineLimits) -> Result<Vec<TokenWithSpan>> {
    check("sql_bytes", "bytes", sql.len(), limits.sql_bytes, None)?;
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .tokenize_with_location()
        .map_err(|error| datafusion::error::DataFusionError::from(ParserError::from(error)))?;
    let mut counter = TokenCounter::new(limits);
    let mut previous = &Token::EOF;
    for token in &tokens {
        if matches!(token.token, Token::Whitespace(_)) {
            continue;
        }
        counter.count(previous, token)?;
        previous = &token.token;
    }
    Ok(tokens)
}

/// Checks how deep the expressions of `statement` nest and how many relations it reads once its common
/// table expressions are written out.
pub fn check_shape(statement: &impl Visit, limits: &EngineLimits) -> Result<()> {
    let mut shape = Shape::new(limits);
    match statement.visit(&mut shape) {
        ControlFlow::Continue(()) => Ok(()),
        ControlFlow::Break(error) => Err(error),
    }
}

pub fn location(place: Place) -> Option<Location> {
    (place.line > 0).then_some(Location {
        line: place.line,
        column: place.column,
    })
}

fn check(limit: &str, unit: &str, actual: usize, maximum: i64, at: Option<Location>) -> Result<()> {
    if actual as i64 <= maximum {
        return Ok(());
    }
    let message =
        format!("The statement has more than {maximum} {unit} (limit {limit}): split it, or pass lists as parameters");
    Err(Error::new(ErrorCode::StatementTooComplex, message)
        .with("limit", limit)
        .with("maximum", maximum)
        .with("actual", actual as i64)
        .at(at))
}

struct TokenCounter<'a> {
    limits: &'a EngineLimits,
    tokens: usize,
    depth: usize,
    type_depth: usize,
    prefixes: usize,
    relations: usize,
}

impl<'a> TokenCounter<'a> {
    fn new(limits: &'a EngineLimits) -> Self {
        Self {
            limits,
            tokens: 0,
            depth: 0,
            type_depth: 0,
            prefixes: 0,
            relations: 0,
        }
    }

    fn count(&mut self, previous: &Token, token: &TokenWithSpan) -> Result<()> {
        let at = location(token.span.start);
        self.tokens += 1;
        check("sql_tokens", "tokens", self.tokens, self.limits.sql_tokens, at)?;
        self.prefix(&token.token, at)?;
        match &token.token {
            Token::LParen | Token::LBrace => self.nest(at),
            Token::LBracket => {
                self.type_depth += usize::from(*previous == Token::RBracket);
                self.nest(at)
            }
            Token::RParen | Token::RBracket | Token::RBrace => self.unnest(),
            Token::Lt if matches!(previous, Token::Word(_)) => {
                self.type_depth += 1;
                self.nest(at)
            }
            Token::Gt | Token::ShiftRight if self.type_depth > 0 => {
                self.type_depth -= 1;
                self.unnest()
            }
            Token::Comma => {
                self.depth -= self.type_depth.min(self.depth);
                self.type_depth = 0;
                Ok(())
            }
            Token::Word(word) if *previous != Token::Period => self.word(word.keyword, at),
            Token::SingleQuotedString(text) => self.type_text(text, at),
            _ => Ok(()),
        }
    }

    fn nest(&mut self, at: Option<Location>) -> Result<()> {
        self.depth += 1;
        check("sql_depth", "levels of nesting", self.depth, self.limits.sql_depth, at)
    }

    fn unnest(&mut self) -> Result<()> {
        self.depth = self.depth.saturating_sub(1);
        Ok(())
    }

    /// `NOT NOT …` and `- - …` nest without brackets.
    fn prefix(&mut self, token: &Token, at: Option<Location>) -> Result<()> {
        let is_prefix = match token {
            Token::Word(word) => word.keyword == Keyword::NOT,
            Token::Minus | Token::Plus | Token::Tilde | Token::ExclamationMark => true,
            _ => false,
        };
        self.prefixes = if is_prefix { self.prefixes + 1 } else { 0 };
        check(
            "sql_depth",
            "prefixes in a row",
            self.prefixes,
            self.limits.sql_depth,
            at,
        )
    }

    fn word(&mut self, keyword: Keyword, at: Option<Location>) -> Result<()> {
        use Keyword as K;
        match keyword {
            K::CASE => self.nest(at),
            K::END => self.unnest(),
            K::UNION | K::EXCEPT | K::INTERSECT | K::MINUS | K::JOIN | K::EXPLAIN => {
                self.relations += 1;
                let unit = "set operations and joins";
                check("sql_chain", unit, self.relations, self.limits.sql_chain, at)
            }
            _ => Ok(()),
        }
    }

    /// `arrow_cast(x, 'List(List(…))')` parses its text as a type, recursively.
    fn type_text(&mut self, text: &str, at: Option<Location>) -> Result<()> {
        let mut depth = 0usize;
        for byte in text.bytes() {
            match byte {
                b'(' => depth += 1,
                b')' => depth = depth.saturating_sub(1),
                _ => continue,
            }
            check(
                "sql_depth",
                "levels of nesting in a text",
                depth,
                self.limits.sql_depth,
                at,
            )?;
        }
        Ok(())
    }
}

struct Shape<'a> {
    limits: &'a EngineLimits,
    depth: usize,
    withs: usize,
    /// Relations read by each query being visited, innermost last.
    queries: Vec<usize>,
    /// Relations that each common table expression reads, written out.
    expressions: HashMap<String, usize>,
}

impl<'a> Shape<'a> {
    fn new(limits: &'a EngineLimits) -> Self {
        Self {
            limits,
            depth: 0,
            withs: 0,
            queries: vec![0],
            expressions: HashMap::new(),
        }
    }
}

impl Visitor for Shape<'_> {
    type Break = Error;

    fn pre_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.depth += weight(expr);
        let at = (self.depth as i64 > self.limits.sql_chain).then(|| location(expr.span().start));
        let unit = "operators in one expression";
        flow(check(
            "sql_chain",
            unit,
            self.depth,
            self.limits.sql_chain,
            at.flatten(),
        ))
    }

    fn post_visit_expr(&mut self, expr: &Expr) -> ControlFlow<Error> {
        self.depth -= weight(expr);
        ControlFlow::Continue(())
    }

    fn pre_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.withs += usize::from(query.with.is_some());
        flow(check(
            "sql_with",
            "WITH clauses inside one another",
            self.withs,
            MAX_WITHS,
            None,
        ))?;
        for cte in query.with.iter().flat_map(|with| &with.cte_tables) {
            self.queries.push(1);
            cte.query.visit(self)?;
            let relations = self.queries.pop().unwrap_or_default();
            self.expressions.insert(cte.alias.name.value.clone(), relations);
        }
        ControlFlow::Continue(())
    }

    fn post_visit_query(&mut self, query: &Query) -> ControlFlow<Error> {
        self.withs -= usize::from(query.with.is_some());
        ControlFlow::Continue(())
    }

    fn pre_visit_select(&mut self, select: &Select) -> ControlFlow<Error> {
        let sets = grouping_sets(select);
        flow(check("sql_chain", "grouping sets", sets, self.limits.sql_chain, None))?;
        let joined = select.from.iter().map(|from| from.joins.len() + 1).sum::<usize>();
        flow(check(
            "sql_joins",
            "relations joined in one FROM",
            joined,
            MAX_JOINED,
            None,
        ))
    }

    fn pre_visit_relation(&mut self, name: &ObjectName) -> ControlFlow<Error> {
        let relations = self.expressions.get(&name.to_string()).copied().unwrap_or(1);
        let total = self.queries.last_mut().expect("the outermost query stays");
        *total = total.saturating_add(relations);
        let unit = "relations once its WITH queries are written out";
        flow(check("sql_chain", unit, *total, self.limits.sql_chain, None))
    }
}

fn flow(result: Result<()>) -> ControlFlow<Error> {
    match result {
        Ok(()) => ControlFlow::Continue(()),
        Err(error) => ControlFlow::Break(error),
    }
}

fn weight(expr: &Expr) -> usize {
    match expr {
        Expr::CompoundFieldAccess { access_chain, .. } => 1 + access_chain.len(),
        Expr::CompoundIdentifier(parts) => parts.len(),
        _ => 1,
    }
}
