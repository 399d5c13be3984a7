//! A query's share of the memory that all queries have.

use std::fmt;
use std::sync::Arc;

use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::{
    FairSpillPool, GreedyMemoryPool, MemoryConsumer, MemoryLimit, MemoryPool, MemoryReservation,
};

use crate::generated::MemoryPoolKind;

/// Bounds one query on top of the pool that bounds them all.
#[derive(Debug)]
pub struct QueryPool {
    shared: Arc<dyn MemoryPool>,
    share: Arc<dyn MemoryPool>,
    limit: usize,
}

impl QueryPool {
    pub fn new(shared: Arc<dyn MemoryPool>, limit: usize, kind: MemoryPoolKind) -> Self {
        let share: Arc<dyn MemoryPool> = match kind {
            MemoryPoolKind::Greedy => Arc::new(GreedyMemoryPool::new(limit)),
            MemoryPoolKind::Fair => Arc::new(FairSpillPool::new(limit)),
        };
        Self { shared, share, limit }
    }
}

impl fmt::Display for QueryPool {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "query({} of {} bytes)", self.reserved(), self.limit)
    }
}

impl MemoryPool for QueryPool {
    fn name(&self) -> &str {
        "query"
    }

    fn register(&self, consumer: &MemoryConsumer) {
        self.shared.register(consumer);
        self.share.register(consumer);
    }

    fn unregister(&self, consumer: &MemoryConsumer) {
        self.shared.unregister(consumer);
        self.share.unregister(consumer);
    }

    fn grow(&self, reservation: &MemoryReservation, additional: usize) {
        self.shared.grow(reservation, additional);
        self.share.grow(reservation, additional);
    }

    fn shrink(&self, reservation: &MemoryReservation, shrink: usize) {
        self.shared.shrink(reservation, shrink);
        self.share.shrink(reservation, shrink);
    }

    fn try_grow(&self, reservation: &MemoryReservation, additional: usize) -> Result<()> {
        if self.share.try_grow(reservation, additional).is_err() {
            let message = format!(
                "{additional} more bytes for {} pass its {} share of {} bytes",
                reservation.consumer().name(),
                self.share.name(),
                self.limit
            );
            return Err(DataFusionError::ResourcesExhausted(message));
        }
        let grown = self.shared.try_grow(reservation, additional);
        if grown.is_err() {
            self.share.shrink(reservation, additional);
        }
        grown
    }

    fn reserved(&self) -> usize {
        self.share.reserved()
    }

    fn memory_limit(&self) -> MemoryLimit {
        MemoryLimit::Finite(self.limit)
    }
}
