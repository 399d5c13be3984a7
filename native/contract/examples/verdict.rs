//! Says of values on stdin what Rust thinks of them: a line {type, json, msgpack} in, a line {complete} or {reason} out.
//! A line {errors: true} asks for the error codes instead.

#[path = "../tests/reading/mod.rs"]
mod reading;

use std::io::{BufRead, Write, stdin, stdout};

use lakegate_contract::{ErrorCode, visit_type};
use reading::{Reading, bytes, hex};
use serde_json::{Value, json};

fn main() {
    for line in stdin().lock().lines() {
        let question: Value = serde_json::from_str(&line.expect("a line")).expect("JSON");
        println!("{}", answer(&question));
        stdout().flush().expect("an open pipe");
    }
}

/// The value comes as a text of JSON, so that it is read as it was written.
fn answer(question: &Value) -> Value {
    if question["errors"] == true {
        return ErrorCode::ALL.iter().map(error).collect();
    }
    let text = |name: &str| question[name].as_str();
    let msgpack = text("msgpack").map(bytes);
    let reading = Reading {
        json: text("json").expect("a value"),
        msgpack: msgpack.as_deref(),
    };
    match visit_type(text("type").expect("a title"), reading) {
        Some(Ok(complete)) => json!({ "complete": hex(&complete) }),
        Some(Err(reason)) => json!({ "reason": reason }),
        None => json!({ "error": "no such type" }),
    }
}

fn error(code: &ErrorCode) -> Value {
    json!([code.as_str(), code.kind().as_str(), code.retryable()])
}
