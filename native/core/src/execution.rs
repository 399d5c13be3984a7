//! The threads that queries run on which may be long: they leave those that plan, answer and read requests alone.

use std::sync::LazyLock;

use tokio::runtime::{Builder, Runtime};

/// What the statement limits let through fits into this many times over.
const STACK: usize = 64 << 20;
/// More threads than cores: an operator that keeps its thread for long leaves others to the rest.
const WORKERS_PER_CORE: usize = 2;
const MIN_WORKERS: usize = 4;
/// How much they give way to other threads.
const NICENESS: i32 = 5;

static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let cores = std::thread::available_parallelism().map_or(MIN_WORKERS, usize::from);
    Builder::new_multi_thread()
        .worker_threads((cores * WORKERS_PER_CORE).max(MIN_WORKERS))
        .thread_stack_size(STACK)
        .thread_name("lakegate-query")
        .on_thread_start(give_way)
        .enable_all()
        .build()
        .expect("the runtime starts, or no query can")
});

pub fn runtime() -> &'static Runtime {
    &RUNTIME
}

#[cfg(target_os = "linux")]
fn give_way() {
    // SAFETY: it takes numbers only; on Linux it is about the calling thread. A refusal changes nothing that matters.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
}

/// Elsewhere priorities are those of processes.
#[cfg(not(target_os = "linux"))]
fn give_way() {
    let _ = NICENESS;
}
