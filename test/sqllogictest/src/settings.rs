//! The settings of a file under which right answers are others, and the session that has them.

use std::collections::BTreeMap;

use serde_json::{Value, json};

use crate::fault::Fault;
use crate::reason::Reason;
use crate::server::Server;

const TELLING: [&str; 5] = [
    "datafusion.sql_parser.",
    "datafusion.execution.time_zone",
    "datafusion.execution.enable_recursive_ctes",
    "datafusion.format.",
    "datafusion.runtime.",
];
const NORMALIZATION: &str = "datafusion.sql_parser.enable_ident_normalization";
pub const TIME_ZONE: &str = "datafusion.execution.time_zone";
/// What files go back to by setting it.
const DEFAULTS: [(&str, &str); 5] = [
    ("datafusion.execution.enable_recursive_ctes", "true"),
    ("datafusion.sql_parser.dialect", "generic"),
    ("datafusion.sql_parser.default_null_ordering", "nulls_max"),
    ("datafusion.sql_parser.parse_float_as_decimal", "false"),
    (NORMALIZATION, "true"),
];

#[derive(Default)]
pub struct Settings {
    set: BTreeMap<String, String>,
    session: Option<String>,
}

impl Settings {
    /// An empty value takes the setting back.
    pub fn set(&mut self, name: &str, value: &str) {
        if !TELLING.iter().any(|telling| name.starts_with(telling)) {
            return;
        }
        let is_default = DEFAULTS.contains(&(name, value.to_lowercase().as_str()));
        match value.is_empty() || is_default {
            true => self.set.remove(name),
            false => self.set.insert(name.to_owned(), value.to_owned()),
        };
        self.session = None;
    }

    /// Whether names are read as they are written.
    pub fn is_exact(&self) -> bool {
        self.set.contains_key(NORMALIZATION)
    }

    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// The session to ask in, if not the default one.
    pub fn session(&mut self, server: &Server) -> Result<Option<String>, Fault> {
        let needed = self.set.keys().any(|name| name != NORMALIZATION);
        if needed && self.session.is_none() {
            let made = server.open_session(&self.profile());
            self.session = Some(made.map_err(|fault| match fault {
                Fault::Refused { .. } => Fault::Inapplicable(Reason::UnderSetting),
                other => other,
            })?);
        }
        Ok(self.session.clone())
    }

    fn profile(&self) -> Value {
        let others = self
            .set
            .iter()
            .filter(|(name, _)| ![NORMALIZATION, TIME_ZONE].contains(&name.as_str()));
        let mut profile = json!({"overrides": others.collect::<BTreeMap<_, _>>()});
        if let Some(zone) = self.set.get(TIME_ZONE) {
            profile["execution"] = json!({"time_zone": zone});
        }
        profile
    }
}
