//! How much SQL a statement may be: the server's limits, or fewer.

use super::setting::bounded;
use crate::error::Result;
use crate::generated::{EngineLimits, SqlPolicy, SqlSettings};

/// More than forms and dashboards send.
const RESTRICTED: EngineLimits = EngineLimits {
    sql_bytes: 64 << 10,
    sql_tokens: 5000,
    sql_depth: 32,
    sql_chain: 128,
    parameters: 100,
    planning_timeout_ms: 2000,
    timeout_ms: i64::MAX,
    result_rows: i64::MAX,
    result_bytes: i64::MAX,
};

/// The limits of a session: those of its policy, and in their place those that it names.
pub fn limits(settings: &SqlSettings, server: &EngineLimits) -> Result<EngineLimits> {
    let policy = match settings.policy.unwrap_or(SqlPolicy::Server) {
        SqlPolicy::Server => server,
        SqlPolicy::Restricted => &RESTRICTED,
    };
    let limit = |name: &str, named: Option<i64>, policy: i64, server: i64| match named {
        Some(named) => bounded(&format!("sql.{name}"), named, server).map(|()| named),
        None => Ok(policy.min(server)),
    };
    Ok(EngineLimits {
        sql_bytes: limit("sql_bytes", settings.sql_bytes, policy.sql_bytes, server.sql_bytes)?,
        sql_tokens: limit("sql_tokens", settings.sql_tokens, policy.sql_tokens, server.sql_tokens)?,
        sql_depth: limit("sql_depth", settings.sql_depth, policy.sql_depth, server.sql_depth)?,
        sql_chain: limit("sql_chain", settings.sql_chain, policy.sql_chain, server.sql_chain)?,
        parameters: limit("parameters", settings.parameters, policy.parameters, server.parameters)?,
        planning_timeout_ms: limit(
            "planning_timeout_ms",
            settings.planning_timeout_ms,
            policy.planning_timeout_ms,
            server.planning_timeout_ms,
        )?,
        timeout_ms: server.timeout_ms,
        result_rows: server.result_rows,
        result_bytes: server.result_bytes,
    })
}
