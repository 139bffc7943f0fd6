//! How the store connects and how much it may take on.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use journey::Instant;

/// Where the store takes the time from.
pub type Clock = Arc<dyn Fn() -> Instant + Send + Sync>;

/// What a store is opened with.
#[derive(Clone)]
pub struct StoreOptions {
    /// The address of the database, `postgres://..`, of a login that is `journeylift_app` or a member of it and of
    /// `journeylift_maintenance`.
    pub url: String,
    /// The most connections, of all pools together; at least 6.
    pub max_connections: u32,
    /// The most decoded bytes of events that may be waiting; more are refused as [`crate::AppendError::Full`].
    pub queue_bytes: usize,
    /// How long the writer gathers the requests of a busy tenant into one transaction at most, a few milliseconds; small ones as long as
    /// more are being read.
    pub gather: Duration,
    /// How long a strong read may spend on bringing tallies up to date.
    pub read_budget: Duration,
    /// The most new events in the queue that a strong read measures by itself, for its own answer; where more
    /// wait, it helps to drain the queue first.
    pub ahead: i64,
    /// How much work the measurement does in one transaction.
    pub measure_slice: Duration,
    /// How many slices may leave changes of a version's tally before they are entered into its rows.
    pub noted: u32,
    /// How many persons of a slice are read and measured together; the journeys of a few times as many are in memory.
    pub persons_at_once: usize,
    /// Whether the JSON of new events is packed with a dictionary of its tenant's own, where SQL can't look into it.
    pub packs: bool,
    /// Whether this process measures in the background; without it, only reads do.
    pub background: bool,
    /// Where the time comes from.
    pub clock: Clock,
}

impl StoreOptions {
    /// Options with their defaults.
    #[must_use]
    pub fn new(url: impl Into<String>, clock: Clock) -> Self {
        Self {
            url: url.into(),
            max_connections: 24,
            queue_bytes: 64 << 20,
            gather: Duration::from_millis(2),
            read_budget: Duration::from_secs(2),
            ahead: 8_000,
            measure_slice: Duration::from_millis(800),
            noted: 32,
            persons_at_once: 1_000,
            packs: false,
            background: true,
            clock,
        }
    }
}

impl fmt::Debug for StoreOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The address holds a password.
        f.debug_struct("StoreOptions").field("max_connections", &self.max_connections).finish_non_exhaustive()
    }
}
