//! The one database that all connections of all files share.

use std::sync::{Arc, Mutex, PoisonError};

use sqllogictest::DB;

use crate::cells::Kind;
use crate::database::{Database, Output};
use crate::fault::Fault;
use crate::server::Server;

#[derive(Clone)]
pub struct Shared(Arc<Mutex<Database>>);

impl Shared {
    pub fn new(server: Server) -> Self {
        Self(Arc::new(Mutex::new(Database::new(server))))
    }

    pub fn with<T>(&self, work: impl FnOnce(&mut Database) -> T) -> T {
        work(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl DB for Shared {
    type Error = Fault;
    type ColumnType = Kind;

    fn run(&mut self, sql: &str) -> Result<Output, Fault> {
        self.with(|database| database.run(sql))
    }

    fn engine_name(&self) -> &str {
        "DataFusion"
    }
}
