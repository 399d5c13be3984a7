//! Commits: the Delta library plans them, this module makes them.
//!
//! The library's own commit loop lets concurrent rewrites corrupt a table and commits a repeated transaction again
//! (deltalake 1.1). So its operations run against a log that only notes what they would commit, and one [`Committer`] a
//! table decides whether that may follow what others have committed since.

mod capture;
mod checkpoints;
mod committer;
mod conflict;
mod pending_rows;
mod record;

pub use capture::{PlannedLog, plan, planned};
pub use committer::{Committed, Committer, FilesInUse, Outcome, Proposal, Transaction};
pub use conflict::Isolation;
pub use pending_rows::PendingRows;
pub use record::CommitRecord;
