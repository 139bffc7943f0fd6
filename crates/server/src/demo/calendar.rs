//! Dates for data that have none: everything lies far enough back that the two weeks after it have passed.
//!
//! The published data say that something happened within two weeks, not when. Here it is spread evenly over them, by a
//! rule of the row's number, so that the same row has the same times at every start.

use journey::{Day, Instant, Zone};

/// The days between the start of the experiment and the day on which it is dated.
const DAYS_BACK: i32 = 30;

/// One second.
const SECOND: i64 = 1_000_000;
/// One hour.
const HOUR: i64 = 3_600 * SECOND;

/// The start of the experiment that is dated at `now`: the beginning of a day of the tenant.
pub(super) fn starts_at(now: Instant, zone: Zone) -> Instant {
    let eve = Day::from_number(zone.day_of(now).number() - DAYS_BACK - 1);
    zone.end_of(eve)
}

/// When a person is exposed: on the first day, between nine and ten hours after its beginning.
pub(super) fn exposed_at(starts_at: Instant, row: u64) -> Instant {
    starts_at.plus_micros(9 * HOUR + spread(row, 1, HOUR / SECOND) * SECOND)
}

/// A time in `[from, to)` after `instant`, given in hours and cut to seconds; `what` tells several of a row apart.
pub(super) fn within(instant: Instant, row: u64, what: u64, from: i64, to: i64) -> Instant {
    instant.plus_micros(from * HOUR + spread(row, what, (to - from) * HOUR / SECOND) * SECOND)
}

/// A number below `below` that looks random and depends on nothing but the row (the finaliser of `SplitMix64`,
/// Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014).
fn spread(row: u64, what: u64, below: i64) -> i64 {
    let mut z = row.wrapping_mul(0x9e37_79b9_7f4a_7c15).wrapping_add(what.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    z ^= z >> 31;
    i64::try_from(z % below.unsigned_abs().max(1)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use journey::DAY_MICROS;

    fn at(text: &str) -> Instant {
        Instant::parse(text, "").unwrap()
    }

    #[test]
    fn the_experiment_starts_with_a_day_of_the_tenant() {
        let zone = Zone::parse("America/New_York", "").unwrap();
        // Standard time now, daylight-saving time then.
        assert_eq!(starts_at(at("2026-11-24T03:00:00Z"), zone), at("2026-10-24T04:00:00Z"));
        assert_eq!(starts_at(at("2026-11-24T06:00:00Z"), zone), at("2026-10-25T04:00:00Z"));
        assert_eq!(starts_at(at("2026-11-24T23:59:59Z"), Zone::UTC), at("2026-10-25T00:00:00Z"));
    }

    #[test]
    fn every_window_has_closed_by_yesterday() {
        let now = at("2026-11-24T12:00:00Z");
        for row in 0..10_000 {
            let exposed = exposed_at(starts_at(now, Zone::UTC), row);
            assert!(exposed >= at("2026-10-25T09:00:00Z") && exposed < at("2026-10-25T10:00:00Z"));
            assert!(Zone::UTC.day_of(exposed.plus_days(14)) < Zone::UTC.day_of(now).previous());
        }
    }

    #[test]
    fn times_stay_within_their_span_and_fill_it() {
        let exposed = at("2026-10-25T09:00:00Z");
        let offsets: Vec<i64> =
            (0..10_000).map(|row| within(exposed, row, 2, 24, 48).micros() - exposed.micros()).collect();
        assert!(offsets.iter().all(|offset| (DAY_MICROS..2 * DAY_MICROS).contains(offset)));
        let early = offsets.iter().filter(|offset| **offset < DAY_MICROS * 3 / 2).count();
        assert!((4_700..5_300).contains(&early), "{early} of 10000 in the first half");
        assert_eq!(within(exposed, 7, 2, 24, 48), within(exposed, 7, 2, 24, 48));
        assert_ne!(within(exposed, 7, 2, 24, 48), within(exposed, 7, 3, 24, 48));
    }
}
