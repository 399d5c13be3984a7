//! The Node addon: converts between napi and the core, and decides nothing.

mod body;
mod engine;
mod entries;
mod fault;
mod freshness;
mod functions;
mod gate;
mod ingest;
mod memory;
mod operation;
mod payload;
mod query;
mod reads;
mod result;
mod runtime;
mod schema;
mod session;
mod visible;
