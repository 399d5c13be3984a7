//! What SQL sees of the catalog; its name and that of its schema are the same in all sessions.

use datafusion::prelude::SessionConfig;

use crate::generated::CatalogSettings;

pub fn apply(config: &mut SessionConfig, settings: &CatalogSettings) {
    config.options_mut().catalog.information_schema = settings.information_schema.unwrap_or(true);
}
