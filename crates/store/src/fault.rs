//! Named points at which a test can stop or slow the process down.
//!
//! Only with the feature `faults`, which no release has: `JOURNEYLIFT_FAULT=writer.after_commit=abort:5` aborts the
//! process when it passes that point for the fifth time, `..=sleep:200` sleeps 200 ms there each time.

/// Passes the point `name`.
#[cfg(feature = "faults")]
pub(crate) async fn point(name: &str) {
    use std::sync::atomic::{AtomicU64, Ordering};
    use std::time::Duration;

    static PASSED: AtomicU64 = AtomicU64::new(0);

    let Ok(wanted) = std::env::var("JOURNEYLIFT_FAULT") else { return };
    let Some((place, action)) = wanted.split_once('=') else { return };
    if place != name {
        return;
    }
    let (action, number) = action.split_once(':').unwrap_or((action, "1"));
    let number: u64 = number.parse().unwrap_or(1);
    match action {
        "sleep" => tokio::time::sleep(Duration::from_millis(number)).await,
        "abort" if PASSED.fetch_add(1, Ordering::SeqCst) + 1 == number => std::process::abort(),
        _ => {}
    }
}

/// Passes the point `name`: nothing happens there.
#[cfg(not(feature = "faults"))]
#[inline]
#[expect(clippy::unused_async, reason = "the same as with the feature")]
pub(crate) async fn point(_name: &str) {}
