//! Names in lower case where they aren't quoted: DataFusion reads them so by default, Lakegate as they are written.

use sqlparser::dialect::GenericDialect;
use sqlparser::tokenizer::{Token, Tokenizer, TokenizerError};

pub fn lower(sql: &str) -> Result<String, TokenizerError> {
    let tokens = Tokenizer::new(&GenericDialect {}, sql)
        .with_unescape(false)
        .tokenize()?;
    Ok(tokens.into_iter().map(|token| lowered(token).to_string()).collect())
}

fn lowered(token: Token) -> Token {
    match token {
        Token::Word(mut word) if word.quote_style.is_none() => {
            word.value = word.value.to_lowercase();
            Token::Word(word)
        }
        other => other,
    }
}
