//! What the entries of registries say, checked and made into SQL.

mod contract;
mod contracts;
mod default_value;
mod faults;
mod node;
mod parameter_table;
mod row_check;
mod semantic_model;
mod semantic_query;

pub use contract::{check_contract, contract_verdict};
pub use contracts::{Contracts, with_new_columns};
pub use faults::Faults;
pub use node::{keyed_merge, node_sql};
pub use parameter_table::{check_parameter_table, empty_statement};
pub use row_check::Check;
pub use semantic_model::check_semantic_model;
pub use semantic_query::semantic_statement;
