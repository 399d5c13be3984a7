//! What a session is held to, whatever its settings ask for.

use crate::generated::{EngineLimits, SessionProfile, SessionTerms};

/// Settings that ask for more are brought down to the terms.
pub fn hold(profile: &mut SessionProfile, limits: &mut EngineLimits, terms: &SessionTerms) {
    limits.timeout_ms = least(Some(limits.timeout_ms), terms.timeout_ms).unwrap_or(limits.timeout_ms);
    profile.defaults.timeout_ms = least(profile.defaults.timeout_ms, terms.timeout_ms);
    profile.memory.limit_bytes = least(profile.memory.limit_bytes, terms.memory_bytes);
}

/// The smaller of two limits, where there are two.
pub fn least(one: Option<i64>, other: Option<i64>) -> Option<i64> {
    one.into_iter().chain(other).min()
}
