//! Why a record of DataFusion's files says nothing about Lakegate.

#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, thiserror::Error)]
pub enum Reason {
    #[error("EXPLAIN: the text of a plan, over tables and with settings that are DataFusion's own")]
    Plan,
    #[error("SHOW, DESCRIBE: settings and catalogs of DataFusion")]
    Listing,
    #[error("SET, RESET: settings are those of a session")]
    Setting,
    #[error("asked under a setting that changes answers and that sessions don't have")]
    UnderSetting,
    #[error("PREPARE, EXECUTE, DEALLOCATE: values come with a request")]
    Prepared,
    #[error("COPY, external tables: files outside of a warehouse")]
    File,
    #[error("UPDATE, DELETE, MERGE, TRUNCATE, ALTER, transactions: SQL only reads")]
    Write,
    #[error("schemas, catalogs and functions that SQL makes")]
    Object,
    #[error("a statement that makes, fills or drops a relation and that shall fail")]
    RefusedWrite,
    #[error("a relation that has no counterpart: keys, defaults, generated columns, names in a catalog")]
    Uncarried,
    #[error("reads a relation that no statement of the file could make")]
    Lost,
    #[error("reads a relation or calls a function that DataFusion's runner makes in Rust")]
    Fixture,
    #[error("names a catalog or schema of DataFusion, or its information schema")]
    Catalog,
    #[error("says a time without a zone: sessions have one here, UTC, which the answer says and is right in")]
    Zone,
    #[error("functions of the crate datafusion-spark, which Lakegate doesn't have")]
    Spark,
    #[error("for other engines or other builds of DataFusion")]
    Elsewhere,
    #[error("a command of the shell")]
    Shell,
}
