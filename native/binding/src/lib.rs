//! The Node addon: converts between napi and the core, and decides nothing.

mod engine;
mod fault;
mod gate;
mod ingest;
mod operation;
mod payload;
mod query;
mod reads;
mod runtime;
mod session;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
