//! How many bytes may be waiting.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Counts the bytes that wait against a limit.
#[derive(Debug)]
pub(super) struct Admission {
    limit: usize,
    used: AtomicUsize,
}

/// Room for some bytes, until it is dropped.
#[derive(Debug)]
pub(super) struct Reservation {
    admission: Arc<Admission>,
    bytes: usize,
}

impl Admission {
    pub(super) fn new(limit: usize) -> Arc<Self> {
        Arc::new(Self { limit, used: AtomicUsize::new(0) })
    }

    /// Room for `bytes`, if there is. A request alone is always let in, however large, for it could never pass else.
    pub(super) fn reserve(self: &Arc<Self>, bytes: usize) -> Option<Reservation> {
        // Events without any bytes still take room.
        let bytes = bytes.max(1);
        let fits = |used: usize| {
            let after = used.checked_add(bytes)?;
            (used == 0 || after <= self.limit).then_some(after)
        };
        self.used.fetch_update(Ordering::Relaxed, Ordering::Relaxed, fits).ok()?;
        Some(Reservation { admission: self.clone(), bytes })
    }
}

impl Drop for Reservation {
    fn drop(&mut self) {
        self.admission.used.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn room_is_bounded_and_given_back() {
        let admission = Admission::new(10);
        let first = admission.reserve(6).unwrap();
        assert!(admission.reserve(5).is_none());
        let second = admission.reserve(4).unwrap();
        assert!(admission.reserve(0).is_none());
        drop(first);
        let third = admission.reserve(5).unwrap();
        drop((second, third));
        assert!(admission.reserve(1_000).is_some());
        assert!(admission.reserve(10).is_some());
    }
}
