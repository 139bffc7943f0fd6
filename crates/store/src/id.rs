//! Ids and secrets: the one place where randomness enters the store.

use journey::Instant;
use uuid::{Builder, Uuid};

use crate::error::StoreError;

/// Random bytes of the operating system.
pub(crate) fn random<const N: usize>() -> Result<[u8; N], StoreError> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes)
        .map_err(|error| StoreError::Setup(format!("the operating system gives no random bytes: {error}")))?;
    Ok(bytes)
}

/// A new UUIDv7 of the instant `now`: ids sort by the time at which they were made.
pub(crate) fn new(now: Instant) -> Result<Uuid, StoreError> {
    let millis = u64::try_from(now.micros() / 1_000).unwrap_or(0);
    Ok(Builder::from_unix_timestamp_millis(millis, &random::<10>()?).into_uuid())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_sort_by_time_and_differ_within_a_millisecond() {
        let at = |millis: i64| new(Instant::from_micros(millis * 1_000)).unwrap();
        assert!(at(1_000) < at(1_001));
        assert_ne!(at(1_000), at(1_000));
        assert_eq!(at(1_000).get_version_num(), 7);
    }
}
