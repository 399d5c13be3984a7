//! How many threads work for a query at the moment, with those of the tasks that DataFusion starts for it: one that an endless step
//! keeps is seen, although the task was told to end; and long steps see that it was.

use std::any::Any;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use datafusion::common::runtime::{JoinSetTracer, set_join_set_tracer};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio_util::sync::CancellationToken;

type Output = Box<dyn Any + Send>;

pub struct Threads {
    busy: AtomicUsize,
    ended: CancellationToken,
}

tokio::task_local! {
    /// Those of the query whose task this is.
    static THREADS: Arc<Threads>;
}

/// Whether the query whose work this thread does has ended: nobody takes what it makes.
pub fn has_ended() -> bool {
    THREADS
        .try_with(|threads| threads.ended.is_cancelled())
        .unwrap_or(false)
}

impl Threads {
    /// Those of a query that `canceled` ends.
    pub fn new(canceled: &CancellationToken) -> Self {
        Self {
            busy: AtomicUsize::new(0),
            ended: canceled.child_token(),
        }
    }

    pub fn busy(&self) -> usize {
        self.busy.load(Ordering::Acquire)
    }

    /// Tells its work that the query has ended.
    pub fn end(&self) {
        self.ended.cancel();
    }

    /// Counts the thread as long as the guard lives.
    fn enter(&self) -> Busy<'_> {
        self.busy.fetch_add(1, Ordering::AcqRel);
        Busy(self)
    }
}

/// The work with its tasks, counted.
pub fn counted<T: Send + 'static>(
    threads: Arc<Threads>,
    work: impl Future<Output = T> + Send + 'static,
) -> BoxFuture<'static, T> {
    let work = Counted {
        threads: threads.clone(),
        work: work.boxed(),
    };
    THREADS.scope(threads, work).boxed()
}

/// Has DataFusion's tasks counted; repeatable.
pub fn count_tasks() {
    // It was set by an engine before.
    let _ = set_join_set_tracer(&TaskCounter);
}

struct Busy<'a>(&'a Threads);

impl Drop for Busy<'_> {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::AcqRel);
    }
}

struct Counted<T> {
    threads: Arc<Threads>,
    work: BoxFuture<'static, T>,
}

impl<T> Future for Counted<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<T> {
        let threads = self.threads.clone();
        let _busy = threads.enter();
        self.work.poll_unpin(context)
    }
}

struct TaskCounter;

impl JoinSetTracer for TaskCounter {
    fn trace_future(&self, task: BoxFuture<'static, Output>) -> BoxFuture<'static, Output> {
        match THREADS.try_with(Arc::clone) {
            Ok(threads) => counted(threads, task),
            Err(_) => task,
        }
    }

    fn trace_block(&self, step: Box<dyn FnOnce() -> Output + Send>) -> Box<dyn FnOnce() -> Output + Send> {
        match THREADS.try_with(Arc::clone) {
            Ok(threads) => Box::new(move || {
                let _busy = threads.enter();
                THREADS.sync_scope(threads.clone(), step)
            }),
            Err(_) => step,
        }
    }
}
