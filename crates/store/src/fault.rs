//! Named points at which a test can stop or slow the process down, and named bugs that it can put in, to see that it
//! would notice them.
//!
//! Only with the feature `faults`, which no release has. The orders stand in `JOURNEYLIFT_FAULT`, or are given by
//! `inject`, separated by commas: `writer.after_commit=abort:5` aborts the process when it passes that point for the
//! fifth time, `measure.after_claim=sleep:200` sleeps 200 ms there each time, `bug=ack-before-commit` puts a bug in.

#[cfg(feature = "faults")]
mod orders {
    use std::collections::HashMap;
    use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError};

    /// The orders, and how often each point was passed.
    type Orders = (String, HashMap<String, u64>);

    static ORDERS: LazyLock<Mutex<Orders>> =
        LazyLock::new(|| Mutex::new((std::env::var("JOURNEYLIFT_FAULT").unwrap_or_default(), HashMap::new())));

    fn orders() -> MutexGuard<'static, Orders> {
        ORDERS.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Replaces the orders of this process; an empty text takes them back.
    pub fn inject(text: &str) {
        *orders() = (text.to_owned(), HashMap::new());
    }

    /// The action ordered at `point` and its number, with how often the point was passed, this time included.
    pub(super) fn at(point: &str) -> Option<(String, u64, u64)> {
        let mut orders = orders();
        let order = orders.0.split(',').find_map(|order| order.strip_prefix(point)?.strip_prefix('='))?;
        let (action, number) = order.split_once(':').unwrap_or((order, "1"));
        let (action, number) = (action.to_owned(), number.parse().unwrap_or(1));
        let passed = orders.1.entry(point.to_owned()).or_default();
        *passed += 1;
        Some((action, number, *passed))
    }

    pub(super) fn is_seeded(bug: &str) -> bool {
        orders().0.split(',').any(|order| order.strip_prefix("bug=") == Some(bug))
    }
}

#[cfg(feature = "faults")]
pub use orders::inject;

/// Passes the point `name`.
#[cfg(feature = "faults")]
pub(crate) async fn pause(name: &str) {
    match orders::at(name) {
        Some((action, millis, _)) if action == "sleep" => {
            tokio::time::sleep(std::time::Duration::from_millis(millis)).await;
        }
        Some((action, number, passed)) if action == "abort" && number == passed => std::process::abort(),
        _ => {}
    }
}

/// Passes the point `name`: nothing happens there.
#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unused_async, reason = "the same as with the feature")]
pub(crate) async fn pause(_name: &str) {}

/// Whether a test has put this bug in.
#[cfg(feature = "faults")]
pub(crate) fn seeded(bug: &str) -> bool {
    orders::is_seeded(bug)
}

/// Whether a test has put this bug in: never.
#[cfg(not(feature = "faults"))]
#[inline]
pub(crate) const fn seeded(_bug: &str) -> bool {
    false
}
