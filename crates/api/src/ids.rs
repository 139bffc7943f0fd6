//! Ids that the service makes: of requests, and of events that came without one.

use journey::Instant;
use uuid::{NoContext, Timestamp, Uuid};

/// A fresh UUIDv7, which sorts by `now`.
pub(crate) fn fresh(now: Instant) -> Uuid {
    let micros = u64::try_from(now.micros()).unwrap_or(0);
    let nanos = u32::try_from(micros % 1_000_000 * 1_000).unwrap_or(0);
    Uuid::new_v7(Timestamp::from_unix(NoContext, micros / 1_000_000, nanos))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_differ_and_carry_the_time() {
        let now = Instant::parse("2026-11-24T18:00:00.123Z", "").unwrap();
        let id = fresh(now);
        assert_ne!(id, fresh(now));
        let (seconds, nanos) = id.get_timestamp().unwrap().to_unix();
        assert_eq!((seconds * 1_000 + u64::from(nanos) / 1_000_000).cast_signed() * 1_000, now.micros());
    }
}
