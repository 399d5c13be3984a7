//! Why a statement has no answer.

use crate::reason::Reason;

#[derive(Debug, Clone, thiserror::Error)]
pub enum Fault {
    #[error("{0}")]
    Inapplicable(Reason),
    /// A problem document.
    #[error("{status} {code}: {detail}")]
    Refused {
        status: u16,
        code: String,
        detail: String,
        /// The relation that there is none of.
        unknown: Option<String>,
    },
    #[error("{0}")]
    Broken(String),
}

impl Fault {
    pub fn broken(error: impl std::fmt::Display) -> Self {
        Self::Broken(error.to_string())
    }
}
