//! One version of a table's log: its actions, and what they do.

use std::collections::HashSet;

use bytes::Bytes;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::{Map, Value, json};

use super::pending_rows::PendingRows;
use crate::error::{Error, Result};
use crate::generated::ErrorCode;

/// Lakegate's own part of the commitInfo.
const OWN: &str = "lakegate";

/// The actions of a commit, as lines of the log; the commitInfo apart from the others.
#[derive(Debug, Clone, Default)]
pub struct CommitRecord {
    pub info: Map<String, Value>,
    pub actions: Vec<String>,
    pub effects: Effects,
    /// Rows that the commit is to add besides; counted in the figures, with one file.
    pub rows: Option<PendingRows>,
}

/// What a commit does to its table.
#[derive(Debug, Clone, Default)]
pub struct Effects {
    /// By which its writer knows it again.
    pub id: Option<String>,
    pub operation: Option<String>,
    pub adds_files: bool,
    pub removed: HashSet<String>,
    /// Whether it carries metadata or a protocol.
    pub changes_table: bool,
    /// Application to the transaction it recorded.
    pub transactions: Vec<(String, i64)>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Line {
    add: Option<IgnoredAny>,
    remove: Option<File>,
    meta_data: Option<IgnoredAny>,
    protocol: Option<IgnoredAny>,
    txn: Option<Txn>,
    commit_info: Option<Map<String, Value>>,
}

#[derive(Deserialize)]
struct File {
    path: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Txn {
    app_id: String,
    version: i64,
}

impl CommitRecord {
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let mut record = Self::default();
        let text = std::str::from_utf8(bytes).map_err(|_| corrupt("it isn't UTF-8"))?;
        for line in text.lines().filter(|line| !line.trim().is_empty()) {
            let action: Line = serde_json::from_str(line).map_err(|error| corrupt(&error.to_string()))?;
            record.take(line, action);
        }
        Ok(record)
    }

    fn take(&mut self, line: &str, action: Line) {
        let effects = &mut self.effects;
        if let Some(info) = action.commit_info {
            effects.operation = info.get("operation").and_then(Value::as_str).map(str::to_owned);
            let id = info.get(OWN).and_then(|own| own.get("commit_id"));
            effects.id = id.and_then(Value::as_str).map(str::to_owned);
            self.info = info;
            return;
        }
        effects.adds_files |= action.add.is_some();
        effects.changes_table |= action.meta_data.is_some() || action.protocol.is_some();
        effects.removed.extend(action.remove.map(|file| file.path));
        effects
            .transactions
            .extend(action.txn.map(|txn| (txn.app_id, txn.version)));
        self.actions.push(line.to_owned());
    }

    pub fn add_transaction(&mut self, app_id: &str, version: i64, last_updated: i64) {
        let txn = json!({"txn": {"appId": app_id, "version": version, "lastUpdated": last_updated}});
        self.actions.push(txn.to_string());
        self.effects.transactions.push((app_id.to_owned(), version));
    }

    /// Notes under which id the commit is made, and the requests that it answers.
    pub fn sign(&mut self, id: &str, requests: Map<String, Value>) {
        self.effects.id = Some(id.to_owned());
        let mut own = Map::from_iter([("commit_id".to_owned(), json!(id))]);
        if !requests.is_empty() {
            own.insert("requests".to_owned(), Value::Object(requests));
        }
        self.info.insert(OWN.to_owned(), Value::Object(own));
    }

    /// What the commit noted of the request with this application id.
    pub fn request(&self, app_id: &str) -> Option<&Map<String, Value>> {
        self.info.get(OWN)?.get("requests")?.get(app_id)?.as_object()
    }

    pub fn metrics(&self) -> Option<&Map<String, Value>> {
        self.info.get("operationMetrics")?.as_object()
    }

    /// Changes the actions of one kind, such as `metaData`.
    pub fn edit(&mut self, kind: &str, change: impl Fn(&mut Value)) {
        for line in self.actions.iter_mut().filter(|line| line.contains(kind)) {
            let mut action: Value = serde_json::from_str(line).expect("it was parsed before");
            if let Some(inner) = action.get_mut(kind) {
                change(inner);
                *line = action.to_string();
            }
        }
    }

    pub fn parameter(&self, name: &str) -> Option<&Value> {
        self.info.get("operationParameters")?.get(name)
    }

    /// The first action of a kind, such as `metaData`.
    pub fn action(&self, kind: &str) -> Option<Value> {
        let actions = self.actions.iter().filter(|line| line.contains(kind));
        let mut actions = actions.filter_map(|line| serde_json::from_str::<Value>(line).ok());
        actions.find_map(|mut action| action.get_mut(kind).map(Value::take))
    }

    pub fn set_parameter(&mut self, name: &str, value: Value) {
        let parameters = self.info.entry("operationParameters").or_insert_with(|| json!({}));
        if let Some(parameters) = parameters.as_object_mut() {
            parameters.insert(name.to_owned(), value);
        }
    }

    /// Adds the files that the rows of `records` records went into.
    pub fn add_files(&mut self, actions: &[String], records: usize) {
        self.actions.extend_from_slice(actions);
        if let Some(Value::Object(figures)) = self.info.get_mut("operationMetrics") {
            let counted = figures
                .get("num_added_files")
                .and_then(Value::as_u64)
                .unwrap_or_default();
            figures.insert(
                "num_added_files".to_owned(),
                json!(counted as usize + actions.len() - records),
            );
        }
    }

    /// Takes in the actions of another commit; figures of both are added up.
    pub fn join(&mut self, other: &Self) {
        self.actions.extend_from_slice(&other.actions);
        self.effects.adds_files |= other.effects.adds_files;
        self.effects.removed.extend(other.effects.removed.iter().cloned());
        self.effects.transactions.extend_from_slice(&other.effects.transactions);
        let Some(Value::Object(sum)) = self.info.get_mut("operationMetrics") else {
            return;
        };
        for (name, value) in other
            .info
            .get("operationMetrics")
            .and_then(Value::as_object)
            .into_iter()
            .flatten()
        {
            let before = sum.get(name).and_then(Value::as_i64).unwrap_or_default();
            if let Some(more) = value.as_i64() {
                sum.insert(name.clone(), json!(before + more));
            }
        }
    }

    pub fn to_bytes(&self) -> Bytes {
        let mut text = json!({"commitInfo": self.info}).to_string();
        for action in &self.actions {
            text.push('\n');
            text.push_str(action);
        }
        text.push('\n');
        text.into()
    }
}

fn corrupt(reason: &str) -> Error {
    Error::new(
        ErrorCode::TableCorrupt,
        format!("A commit of the table's log can't be read: {reason}"),
    )
}
