//! Work beside other work: folding while the database is waited for, and several things at once.

use std::num::NonZero;
use std::panic::resume_unwind;
use std::sync::{Mutex, PoisonError};
use std::thread::{self, ScopedJoinHandle, available_parallelism};

use tokio::runtime::{Handle, RuntimeFlavor};
use tokio::task::block_in_place;

/// More threads than these do not share the work of a slice: other tenants have theirs.
const MOST_THREADS: usize = 4;

/// Computes while another thread waits for the database; one after the other where the runtime has a single thread.
///
/// What is computed stays for a while, and so on a thread that stays: memory of threads that have ended is put to use again late.
pub(super) async fn beside<T, W: Send>(
    computing: impl FnOnce() -> T,
    waiting: impl Future<Output = W> + Send,
) -> (T, W) {
    let runtime = Handle::current();
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return (computing(), waiting.await);
    }
    block_in_place(|| {
        let (mut waiting, mut waited) = (Some(waiting), None);
        let computed = thread::scope(|scope| {
            let wait = || waited = waiting.take().map(|waiting| runtime.block_on(waiting));
            let beside = thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, wait);
            let computed = computing();
            if let Ok(Err(panic)) = beside.map(ScopedJoinHandle::join) {
                resume_unwind(panic);
            }
            computed
        });
        // Where there could be no other thread, it is done by this one.
        let waited = waited.or_else(|| waiting.map(|waiting| runtime.block_on(waiting)));
        (computed, waited.unwrap_or_else(|| resume_unwind(Box::new("the load came to no end"))))
    })
}

/// The same of two that wait for each other; `None` where the runtime has a single thread, or there can be no other: nothing is done then.
pub(super) async fn along<T, W: Send>(
    computing: impl FnOnce() -> T,
    waiting: impl Future<Output = W> + Send,
) -> Option<(T, W)> {
    let runtime = Handle::current();
    if runtime.runtime_flavor() != RuntimeFlavor::MultiThread {
        return None;
    }
    block_in_place(|| {
        thread::scope(|scope| {
            let wait = || runtime.block_on(waiting);
            let beside = thread::Builder::new().name("load".to_owned()).spawn_scoped(scope, wait).ok()?;
            let computed = computing();
            Some((computed, beside.join().unwrap_or_else(|panic| resume_unwind(panic))))
        })
    })
}

/// Computes something of each item, on several threads where the machine has them, in no order.
pub(super) fn across<T: Send, R: Send>(items: Vec<T>, compute: impl Fn(T) -> R + Sync) -> Vec<R> {
    let threads = available_parallelism().map_or(1, NonZero::get).min(MOST_THREADS).min(items.len());
    let items = Mutex::new(items.into_iter());
    let run = || {
        let mut computed = Vec::new();
        // The lock is free again before anything is computed.
        while let Some(item) = { items.lock().unwrap_or_else(PoisonError::into_inner).next() } {
            computed.push(compute(item));
        }
        computed
    };
    thread::scope(|scope| {
        let others: Vec<_> = (1..threads)
            .filter_map(|_| thread::Builder::new().name("fold".to_owned()).spawn_scoped(scope, run).ok())
            .collect();
        let mut computed = run();
        for other in others {
            computed.extend(other.join().unwrap_or_else(|panic| resume_unwind(panic)));
        }
        computed
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_item_is_computed_once() {
        for count in [0, 1, 2, 100] {
            let mut squares = across((0..count).collect(), |item: u64| item * item);
            squares.sort_unstable();
            assert_eq!(squares, (0..count).map(|item| item * item).collect::<Vec<_>>());
        }
    }
}
