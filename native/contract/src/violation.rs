//! What is wrong with a value that has the right shape.

use std::collections::BTreeMap;
use std::fmt;

/// The first rule that a value breaks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Violation {
    /// Where, as a JSON pointer into the value.
    pub pointer: String,
    /// What is wrong, and what is allowed.
    pub message: String,
    /// The keyword of the schema.
    pub keyword: &'static str,
}

pub type Verdict = Result<(), Violation>;

/// Keeps the rules of its schema. Reading a value proves its shape only.
pub trait Validate {
    fn validate(&self) -> Verdict {
        Ok(())
    }
}

impl Violation {
    pub fn new(keyword: &'static str, message: impl Into<String>) -> Self {
        Self {
            pointer: String::new(),
            message: message.into(),
            keyword,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, formatter: &mut fmt::Formatter) -> fmt::Result {
        if self.pointer.is_empty() {
            return write!(formatter, "it {}", self.message);
        }
        write!(formatter, "{} {}", self.pointer, self.message)
    }
}

impl std::error::Error for Violation {}

/// Says in which part of the whole a violation is.
pub trait At {
    fn at(self, part: &str) -> Self;
}

impl At for Verdict {
    fn at(self, part: &str) -> Self {
        self.map_err(|violation| Violation {
            pointer: format!("/{}{}", part.replace('~', "~0").replace('/', "~1"), violation.pointer),
            ..violation
        })
    }
}

impl<T: Validate> Validate for Option<T> {
    fn validate(&self) -> Verdict {
        self.as_ref().map_or(Ok(()), T::validate)
    }
}

impl<T: Validate> Validate for Vec<T> {
    fn validate(&self) -> Verdict {
        let mut items = self.iter().enumerate();
        items.try_for_each(|(index, item)| item.validate().at(&index.to_string()))
    }
}

impl<T: Validate> Validate for BTreeMap<String, T> {
    fn validate(&self) -> Verdict {
        self.iter().try_for_each(|(name, value)| value.validate().at(name))
    }
}
