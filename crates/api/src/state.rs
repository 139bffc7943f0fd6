//! What every handler shares.

use std::ops::Deref;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use journey::{Instant, Limits};
use store::Store;

use crate::study::Studies;
use crate::telemetry::Telemetry;
use crate::told::Told;

/// The clock of the service. It is a parameter, so that tests can move it.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// How much a request may bring and how long it may take. Sizes are in bytes and count what is decoded.
#[derive(Debug, Clone, Copy)]
pub struct Bounds {
    /// One event.
    pub event_bytes: usize,
    /// One request with events; as it is sent and decoded.
    pub batch_bytes: usize,
    /// The events in one request.
    pub batch_events: usize,
    /// The body of any other request.
    pub document_bytes: usize,
    /// All bodies that are held at once; more are answered 503.
    pub in_flight_bytes: usize,
    /// What is read and thrown away of a body that is refused, so that the client can read the answer.
    pub drain_bytes: usize,
    /// Until the body has been received.
    pub body_timeout: Duration,
    /// Until the request has been answered.
    pub request_timeout: Duration,
    /// How long a strong read may bring the numbers up to date before it answers how many are pending.
    pub read_budget: Duration,
}

impl Default for Bounds {
    fn default() -> Self {
        Self {
            event_bytes: 32 << 10,
            batch_bytes: 4 << 20,
            batch_events: 5_000,
            document_bytes: 256 << 10,
            in_flight_bytes: 128 << 20,
            drain_bytes: 8 << 20,
            body_timeout: Duration::from_secs(30),
            request_timeout: Duration::from_secs(35),
            read_budget: Duration::from_secs(2),
        }
    }
}

/// What every handler shares, as one pointer: it is copied several times for every request.
#[derive(Clone)]
pub struct AppState(Arc<Shared>);

impl Deref for AppState {
    type Target = Shared;

    fn deref(&self) -> &Shared {
        &self.0
    }
}

impl From<Shared> for AppState {
    fn from(shared: Shared) -> Self {
        Self(Arc::new(shared))
    }
}

/// What the service is made of.
pub struct Shared {
    /// The only way to a tenant's data.
    pub store: Store,
    /// What times an event may have.
    pub limits: Limits,
    /// What a request may bring.
    pub bounds: Bounds,
    /// SHA-256 of the key that manages tenants; `None`: nobody may.
    pub operator_key_hash: Option<[u8; 32]>,
    /// The clock.
    pub clock: Clock,
    /// Set when the process begins to stop: `/readyz` says no from then on, so that no new requests are sent here.
    pub stopping: Arc<AtomicBool>,
    /// The counters behind `/metrics`.
    pub telemetry: Arc<Telemetry>,
    pub(crate) in_flight: Arc<InFlight>,
    pub(crate) told: Told,
    pub(crate) studies: Studies,
}

impl Shared {
    /// The default limits, and no operator key.
    #[must_use]
    pub fn new(store: Store, clock: Clock) -> Self {
        Self {
            store,
            limits: Limits::default(),
            bounds: Bounds::default(),
            operator_key_hash: None,
            clock,
            stopping: Arc::default(),
            telemetry: Arc::default(),
            in_flight: Arc::default(),
            told: Told::new(),
            studies: Studies::new(),
        }
    }

    pub(crate) fn now(&self) -> Instant {
        (self.clock)()
    }
}

/// The bytes of all bodies that are held.
#[derive(Debug, Default)]
pub(crate) struct InFlight(AtomicUsize);

impl InFlight {
    pub(crate) fn bytes(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// The bytes that one request holds; dropping it gives them back.
#[derive(Debug)]
pub(crate) struct Held {
    all: Arc<InFlight>,
    bytes: usize,
}

impl Held {
    pub(crate) fn none(all: &Arc<InFlight>) -> Self {
        Self { all: Arc::clone(all), bytes: 0 }
    }

    /// Holds `bytes` in all where that keeps everybody within `most`.
    pub(crate) fn grow(&mut self, bytes: usize, most: usize) -> bool {
        let more = bytes.saturating_sub(self.bytes);
        let added = self
            .all
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |all| all.checked_add(more).filter(|all| *all <= most));
        if added.is_ok() {
            self.bytes += more;
        }
        added.is_ok()
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        self.all.0.fetch_sub(self.bytes, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_held_is_given_back() {
        let all = Arc::default();
        let mut one = Held::none(&all);
        let mut two = Held::none(&all);
        assert!(one.grow(60, 100) && one.grow(70, 100));
        assert!(!two.grow(31, 100));
        assert!(two.grow(30, 100));
        assert_eq!(all.bytes(), 100);
        drop(one);
        assert_eq!(all.bytes(), 30);
        drop(two);
        assert_eq!(all.bytes(), 0);
    }
}
