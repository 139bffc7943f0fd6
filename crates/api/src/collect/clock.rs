//! Correcting the times of senders whose clock is wrong.

use journey::Instant;

/// Differences up to this are the way of the request through the network, and no reason to move a time.
const TOLERANCE_MICROS: i64 = 1_000_000;

/// The furthest that a corrected time may lie ahead of its receipt.
const AHEAD_MICROS: i64 = 5 * 60 * 1_000_000;

/// When a request was sent and received.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sent<'a> {
    /// By the sender's clock, as text.
    pub(crate) at: Option<&'a str>,
    /// By ours.
    pub(crate) received_at: Instant,
}

/// What to add to `occurred_at` of a Segment call, in microseconds.
///
/// A sender whose clock is wrong by some amount is wrong by it in `sentAt` too, so the time is corrected to
/// `received_at - (sentAt - occurred_at)` where the two clocks differ by more than a second. A time that then lies
/// more than 5 minutes ahead of the receipt (and not so far that it is refused) is moved back to that bound.
/// Where `sentAt` cannot be read there is no correction.
pub(crate) fn skew(occurred_at: Option<&str>, sent: Sent<'_>, ahead_hours: i64) -> i64 {
    let Some(occurred_at) = occurred_at.and_then(|text| Instant::parse(text, "").ok()) else {
        return 0;
    };
    let difference = sent
        .at
        .and_then(|text| Instant::parse(text, "").ok())
        .map_or(0, |sent_at| sent.received_at.micros().saturating_sub(sent_at.micros()));
    let skew = if difference.saturating_abs() > TOLERANCE_MICROS { difference } else { 0 };
    let corrected = occurred_at.plus_micros(skew);
    let bound = sent.received_at.plus_micros(AHEAD_MICROS);
    let refused = sent.received_at.plus_micros(ahead_hours.saturating_mul(3_600_000_000));
    if corrected > bound && corrected <= refused { bound.micros().saturating_sub(occurred_at.micros()) } else { skew }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn corrected(occurred_at: &str, sent_at: Option<&str>) -> String {
        let received_at = Instant::parse("2026-11-24T18:00:00Z", "").unwrap();
        let skew = skew(Some(occurred_at), Sent { at: sent_at, received_at }, 24);
        Instant::parse(occurred_at, "").unwrap().plus_micros(skew).to_string()
    }

    #[test]
    fn a_wrong_clock_is_taken_out() {
        // The sender's clock is an hour slow: the event happened ten minutes before it was sent.
        assert_eq!(corrected("2026-11-24T16:50:00Z", Some("2026-11-24T17:00:00Z")), "2026-11-24T17:50:00Z");
        // A day fast.
        assert_eq!(corrected("2026-11-25T17:50:00Z", Some("2026-11-25T18:00:00Z")), "2026-11-24T17:50:00Z");
    }

    #[test]
    fn small_differences_and_unreadable_times_change_nothing() {
        for sent_at in [None, Some("2026-11-24T17:59:59.5Z"), Some("yesterday")] {
            assert_eq!(corrected("2026-11-24T17:00:00Z", sent_at), "2026-11-24T17:00:00Z");
        }
        assert_eq!(skew(None, Sent { at: None, received_at: Instant::from_micros(0) }, 24), 0);
    }

    #[test]
    fn nothing_lies_more_than_five_minutes_ahead_unless_it_is_refused() {
        assert_eq!(corrected("2026-11-24T19:00:00Z", None), "2026-11-24T18:05:00Z");
        assert_eq!(corrected("2026-11-24T20:00:00Z", Some("2026-11-24T19:00:00Z")), "2026-11-24T18:05:00Z");
        assert_eq!(corrected("2030-01-01T00:00:00Z", None), "2030-01-01T00:00:00Z");
    }
}
