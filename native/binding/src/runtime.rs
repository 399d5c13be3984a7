//! The Tokio runtime that all native work runs on.

use napi::bindgen_prelude::create_custom_tokio_runtime;

use crate::memory::give_back;

/// Planning recurses: what the statement limits let through fits into this many times over.
const STACK: usize = 64 << 20;
/// More threads than cores: an operator that keeps its thread for long leaves others to the rest.
const WORKERS_PER_CORE: usize = 2;
/// Checkpoints of the Delta library hang on fewer than two.
const MIN_WORKERS: usize = 4;

#[napi_derive::module_init]
fn start() {
    lakegate_core::give_back_by(give_back);
    let cores = std::thread::available_parallelism().map_or(MIN_WORKERS, usize::from);
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads((cores * WORKERS_PER_CORE).max(MIN_WORKERS))
        .thread_stack_size(STACK)
        .thread_name("lakegate")
        .enable_all()
        .build()
        .expect("the runtime starts, or the process can't");
    create_custom_tokio_runtime(runtime);
}
