//! Which events did not arrive when they happened? Counts per local day, for the checks of results.

use std::collections::BTreeMap;

use journey::{Instant, Zone};
use metrics::report::{AHEAD_MINUTES, LATE_HOURS};
use sqlx::types::chrono::NaiveDate;

/// An event that was not received when it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shift {
    /// It was received long after.
    Late(Instant),
    /// It is dated after its receipt.
    Ahead(Instant),
}

impl Shift {
    /// How an event that happened `at` arrived, where that was not in time.
    pub(super) fn of(at: Instant, received_at: Instant) -> Option<Self> {
        const MINUTE: i64 = 60_000_000;
        if received_at > at.plus_micros(LATE_HOURS * 60 * MINUTE) {
            Some(Self::Late(at))
        } else if at > received_at.plus_micros(AHEAD_MINUTES * MINUTE) {
            Some(Self::Ahead(at))
        } else {
            None
        }
    }
}

/// The columns of the counts, by day, ascending.
pub(super) type Counts = (Vec<NaiveDate>, Vec<i64>, Vec<i64>);

/// Counts by the local day on which the events happened.
pub(super) fn by_day(shifts: &[Shift], zone: Zone) -> Counts {
    let mut days: BTreeMap<NaiveDate, (i64, i64)> = BTreeMap::new();
    for shift in shifts {
        let (at, counts) = match *shift {
            Shift::Late(at) => (at, (1, 0)),
            Shift::Ahead(at) => (at, (0, 1)),
        };
        let day = days.entry(zone.day_of(at).to_date()).or_default();
        *day = (day.0 + counts.0, day.1 + counts.1);
    }
    let mut columns = Counts::default();
    for (day, (late, ahead)) in days {
        columns.0.push(day);
        columns.1.push(late);
        columns.2.push(ahead);
    }
    columns
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_late_and_five_minutes_ahead_are_the_limits() {
        let at = |text: &str| Instant::parse(text, "").unwrap();
        let received = at("2026-11-02T12:00:00Z");
        for (happened, late, ahead) in [
            ("2026-11-01T12:00:00Z", false, false),
            ("2026-11-01T11:59:59.999999Z", true, false),
            ("2026-11-02T12:05:00Z", false, false),
            ("2026-11-02T12:05:00.000001Z", false, true),
        ] {
            let shift = Shift::of(at(happened), received);
            assert_eq!(matches!(shift, Some(Shift::Late(_))), late, "{happened}");
            assert_eq!(matches!(shift, Some(Shift::Ahead(_))), ahead, "{happened}");
        }
        let berlin = Zone::parse("Europe/Berlin", "").unwrap();
        let shifts = [
            Shift::Ahead(at("2026-11-02T22:59:00Z")),
            Shift::Late(at("2026-10-30T23:30:00Z")),
            Shift::Late(at("2026-10-31T10:00:00Z")),
            Shift::Late(at("2026-11-02T23:01:00Z")),
        ];
        let day = |text: &str| text.parse::<NaiveDate>().unwrap();
        let days = [day("2026-10-31"), day("2026-11-02"), day("2026-11-03")].to_vec();
        assert_eq!(by_day(&shifts, berlin), (days, vec![2, 0, 1], vec![0, 1, 0]));
        assert_eq!(by_day(&[], berlin), Counts::default());
    }
}
