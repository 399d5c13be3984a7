//! What all records came to.

use std::collections::BTreeMap;

use serde::Serialize;

use crate::reason::Reason;
use crate::relations::Stored;

#[derive(Default, Serialize)]
pub struct Tally {
    files: usize,
    records: usize,
    passed: usize,
    /// Of those that passed: an error that was expected, in Lakegate's own words.
    in_other_words: usize,
    /// Of those that passed: the rows in another order, where the statement says none.
    in_another_order: usize,
    tables: usize,
    views: usize,
    inapplicable: BTreeMap<String, usize>,
    failed: Vec<Failure>,
}

#[derive(Serialize)]
pub struct Failure {
    pub place: String,
    pub sql: String,
    pub said: String,
}

pub enum Verdict {
    Passed,
    InOtherWords,
    InAnotherOrder,
    Carried(Stored),
    Done,
    Inapplicable(Reason),
    Failed(Failure),
}

impl Tally {
    pub fn file(&mut self) {
        self.files += 1;
    }

    pub fn add(&mut self, verdict: Verdict) {
        self.records += 1;
        match verdict {
            Verdict::Passed => self.passed += 1,
            Verdict::InOtherWords => {
                self.passed += 1;
                self.in_other_words += 1;
            }
            Verdict::InAnotherOrder => {
                self.passed += 1;
                self.in_another_order += 1;
            }
            Verdict::Carried(Stored::Delta) => self.tables += 1,
            Verdict::Carried(Stored::View) => self.views += 1,
            Verdict::Done => {}
            Verdict::Inapplicable(reason) => *self.inapplicable.entry(reason.to_string()).or_default() += 1,
            Verdict::Failed(failure) => self.failed.push(failure),
        }
    }
}
