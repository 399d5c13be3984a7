//! Everything that is wrong with an entry, in one list.

use crate::error::{Error, Result};
use crate::generated::{EntryCheck, ErrorCode, ValidationFailure};
use crate::sql::closest;

#[derive(Default)]
pub struct Faults(Vec<ValidationFailure>);

impl Faults {
    pub fn add(&mut self, pointer: impl Into<String>, keyword: &str, message: impl Into<String>) {
        self.0.push(ValidationFailure {
            pointer: pointer.into(),
            message: message.into(),
            keyword: keyword.to_owned(),
        });
    }

    /// The value, or nothing where its error is noted.
    pub fn take<T>(&mut self, pointer: impl Into<String>, keyword: &str, result: Result<T>) -> Option<T> {
        result.map_err(|error| self.add(pointer, keyword, error.message)).ok()
    }

    /// As [`Self::take`], with the place in the SQL text where that is known.
    pub fn take_at<T>(&mut self, pointer: impl Into<String>, keyword: &str, result: Result<T>) -> Option<T> {
        result
            .map_err(|error| {
                let place = error
                    .location
                    .map(|at| format!(" (line {}, column {})", at.line, at.column));
                self.add(
                    pointer,
                    keyword,
                    format!("{}{}", error.message, place.unwrap_or_default()),
                );
            })
            .ok()
    }

    pub fn require_text(&mut self, pointer: impl Into<String>, text: &str) {
        if text.trim().is_empty() {
            self.add(pointer, "required", "must not be blank");
        }
    }

    /// Notes names that are blank, and those that occur twice.
    pub fn require_distinct<'a>(&mut self, pointer: impl Fn(usize) -> String, names: impl Iterator<Item = &'a str>) {
        let mut seen = Vec::new();
        for (index, name) in names.enumerate() {
            self.require_text(pointer(index), name);
            if seen.contains(&name) {
                self.add(
                    pointer(index),
                    "uniqueItems",
                    format!("is the second one named '{name}'"),
                );
            }
            seen.push(name);
        }
    }

    /// Notes a name that isn't among those that there are.
    pub fn require_known(&mut self, pointer: impl Into<String>, noun: &str, name: &str, known: &[&str]) {
        if known.contains(&name) {
            return;
        }
        let hint = match closest(name, known.iter().copied()) {
            Some(near) => format!("; did you mean '{near}'?"),
            None => String::new(),
        };
        self.add(
            pointer,
            "reference",
            format!("names no {noun}: there is no '{name}'{hint}"),
        );
    }

    pub fn are_none(&self) -> bool {
        self.0.is_empty()
    }

    /// The faults as one error, if there are any.
    pub fn into_result(self) -> Result<()> {
        let faults: Vec<_> = self
            .0
            .iter()
            .map(|fault| format!("{} {}", fault.pointer, fault.message))
            .collect();
        match faults.is_empty() {
            true => Ok(()),
            false => Err(Error::new(ErrorCode::InvalidEntry, faults.join("; "))),
        }
    }

    pub fn into_check(self) -> EntryCheck {
        EntryCheck { errors: self.0 }
    }
}
