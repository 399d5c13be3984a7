//! A running Lakegate, over HTTP.

use std::io::Cursor;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use arrow_ipc::reader::StreamReader;
use arrow_ipc::writer::StreamWriter;
use arrow_schema::{ArrowError, Field, FieldRef, Schema, SchemaRef};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::{Value, json};
use ureq::http::{Response, StatusCode};
use ureq::{Agent, Body};

use crate::fault::Fault;

const ARROW: &str = "application/vnd.apache.arrow.stream";
const LONGEST: Duration = Duration::from_secs(120);
const LARGEST: u64 = 1 << 30;

pub struct Server {
    url: String,
    agent: Agent,
}

pub struct Answer {
    pub schema: SchemaRef,
    pub batches: Vec<RecordBatch>,
}

impl Server {
    pub fn new(url: &str) -> Self {
        let config = Agent::config_builder()
            .http_status_as_error(false)
            .timeout_global(Some(LONGEST));
        Self {
            url: url.to_owned(),
            agent: config.build().into(),
        }
    }

    /// Computes all rows before the first is sent, so that what fails late is told like what fails early.
    pub fn query(&self, sql: &str, session: Option<&str>) -> Result<Answer, Fault> {
        let request = self.agent.post(format!("{}/v1/queries", self.url));
        let request = request.header("accept", ARROW).header("cache-control", "no-store");
        let mut asked = json!({"sql": sql, "spool": true, "wait_timeout_ms": 600_000});
        if let Some(session) = session {
            asked["session_id"] = session.into();
        }
        let bytes = accepted(request.send_json(asked))?;
        let read = || -> Result<Answer, ArrowError> {
            let reader = StreamReader::try_new(Cursor::new(bytes), None)?;
            Ok(Answer {
                schema: reader.schema(),
                batches: reader.collect::<Result<_, _>>()?,
            })
        };
        read().map_err(Fault::broken)
    }

    /// The id of a new session of a profile.
    pub fn open_session(&self, profile: &Value) -> Result<String, Fault> {
        let request = self.agent.post(format!("{}/v1/sessions", self.url));
        let bytes = accepted(request.send_json(json!({"profile": profile})))?;
        let session: Value = serde_json::from_slice(&bytes).map_err(Fault::broken)?;
        Ok(session["session_id"].as_str().unwrap_or_default().to_owned())
    }

    /// Makes a table of rows, or writes over those that it has.
    pub fn write(&self, table: &str, mode: &str, rows: &Answer) -> Result<(), Fault> {
        let bytes = stream(rows).map_err(Fault::broken)?;
        let request = self
            .agent
            .post(format!("{}/rows?mode={mode}", self.path("tables", table)));
        accepted(request.header("content-type", ARROW).send(&bytes)).map(drop)
    }

    pub fn define_view(&self, view: &str, sql: &str) -> Result<(), Fault> {
        accepted(self.agent.put(self.path("views", view)).send_json(json!({"sql": sql}))).map(drop)
    }

    pub fn drop_table(&self, table: &str) -> Result<(), Fault> {
        let path = format!("{}?purge=true", self.path("tables", table));
        accepted(self.agent.delete(path).call()).map(drop)
    }

    pub fn drop_view(&self, view: &str) -> Result<(), Fault> {
        accepted(self.agent.delete(self.path("views", view)).call()).map(drop)
    }

    fn path(&self, resource: &str, name: &str) -> String {
        format!(
            "{}/v1/{resource}/{}",
            self.url,
            utf8_percent_encode(name, NON_ALPHANUMERIC)
        )
    }
}

fn accepted(sent: Result<Response<Body>, ureq::Error>) -> Result<Vec<u8>, Fault> {
    let mut response = sent.map_err(Fault::broken)?;
    let bytes = response.body_mut().with_config().limit(LARGEST).read_to_vec();
    let bytes = bytes.map_err(Fault::broken)?;
    if response.status().is_success() {
        return Ok(bytes);
    }
    Err(refusal(response.status(), &bytes))
}

fn refusal(status: StatusCode, bytes: &[u8]) -> Fault {
    let Ok(problem) = serde_json::from_slice::<Value>(bytes) else {
        return Fault::Broken(format!("{status} {}", String::from_utf8_lossy(bytes)));
    };
    let said = |name: &str| problem[name].as_str().unwrap_or_default().to_owned();
    let code = said("code");
    let unknown = problem["details"]["table"].as_str().filter(|_| code == "unknown_table");
    Fault::Refused {
        status: status.as_u16(),
        detail: said("detail"),
        unknown: unknown.map(str::to_owned),
        code,
    }
}

/// Columns of a statement's rows may have nulls, as in the tables that DataFusion makes of them.
fn stream(rows: &Answer) -> Result<Vec<u8>, ArrowError> {
    let nullable = |field: &FieldRef| field.as_ref().clone().with_nullable(true);
    let fields: Vec<Field> = rows.schema.fields().iter().map(nullable).collect();
    let schema = Arc::new(Schema::new(fields));
    let mut writer = StreamWriter::try_new(Vec::new(), &schema)?;
    for batch in &rows.batches {
        writer.write(&batch.clone().with_schema(schema.clone())?)?;
    }
    writer.into_inner()
}
