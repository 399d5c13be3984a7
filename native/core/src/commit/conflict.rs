//! Which commits may follow which.

use super::record::Effects;

/// What an operation has seen of the table, and so what must not have changed when it commits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Isolation {
    /// Nothing: the commit only tells what was done.
    Note,
    /// Schema, properties and protocol: rows are added whatever others do with theirs.
    Append,
    /// Also the files it rewrites with the same rows.
    Compaction,
    /// Every row.
    Serial,
}

impl Isolation {
    /// Whether a commit planned without knowledge of `winner` would be wrong after it.
    ///
    /// Stricter than the library's checker, which overlooks files that were removed without a change of data: two
    /// compactions would both commit, and every row would be there twice.
    pub fn conflicts(self, ours: &Effects, winner: &Effects) -> bool {
        if winner.changes_table {
            return self != Self::Note;
        }
        match self {
            Self::Note => false,
            Self::Append => false,
            Self::Compaction => !ours.removed.is_disjoint(&winner.removed),
            Self::Serial => winner.adds_files || !winner.removed.is_empty(),
        }
    }
}
