//! Cohorts whose effect is known.

use super::*;
use crate::histogram::bucket_of;
use crate::random::Random;
use crate::report::tests::{conversion, definition_by, revenue};
use crate::tally::detail::BucketKey;
use journey::{Instant, Role, UNIT};

fn day(number: u64) -> Day {
    let mut day = Day::parse("2026-06-01", "").unwrap();
    (0..number).for_each(|_| day = day.next());
    day
}

fn through(days: u64) -> Through {
    let last = day(days);
    Through { live: last, matured: last, end: Instant::parse("2027-01-01T00:00:00Z", "").unwrap() }
}

/// A day on which so many of these persons converted.
fn row(arm: i16, on: u64, persons: u64, converted: u64) -> (RowKey, Row) {
    let mut row = Row::default();
    row.all.matured = [persons, converted].map(I256::from).into_iter().collect();
    (RowKey { dimension: 0, value: "".into(), arm, day: day(on) }, row)
}

/// Days of an experiment whose arm converts `rate(day)` where control converts 10 %.
fn days(random: &mut Random, persons: [u64; 2], rate: impl Fn(u64) -> f64) -> Vec<(RowKey, Row)> {
    let days = (0..40u64).flat_map(|on| {
        let control = random.binomial(persons[0], 0.1);
        let arm = random.binomial(persons[1], rate(on));
        [row(0, on, persons[0], control), row(1, on, persons[1], arm)]
    });
    days.collect()
}

fn check(rows: &[(RowKey, Row)], last: u64) -> Check {
    let x = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &[]);
    check_novelty(&x, &drifts(&x, rows.iter().map(|(key, row)| (key, row)), through(last)))
}

/// A steady lift of 50 %, over 40 days, at equal and at unequal arms: a warning at any day in at most 1 % of experiments,
/// three standard errors allowed. The warning is remembered, so the last day knows.
#[test]
fn a_steady_lift_is_rarely_called_new() {
    const RUNS: u32 = 1_000;
    for persons in [[400, 400], [900, 100]] {
        let mut random = Random::new(41);
        let alarms = (0..RUNS).filter(|_| !check(&days(&mut random, persons, |_| 0.15), 40).ok).count();
        let most = 0.01 * f64::from(RUNS) + 3.0 * (0.0099 * f64::from(RUNS)).sqrt();
        assert!(alarms as f64 <= most, "{alarms} of {RUNS} at {persons:?}");
    }
}

#[test]
fn a_lift_that_wears_off_is_found_and_told() {
    let mut random = Random::new(42);
    let rows = days(&mut random, [2_000, 2_000], |on| 0.1 * (1.0 + 0.6 * (-(on as f64) / 8.0).exp()));
    let found = check(&rows, 40);
    assert!(!found.ok && !found.blocking && found.anytime == Some(true), "{found:?}");
    assert!(
        found.message.contains("m0 of arm a1") && found.message.contains("windows of 14 days"),
        "{}",
        found.message
    );
    assert!(found.message.contains("from 2026-06-01 to 2026-06-20"), "{}", found.message);
    // As of an early day nothing is known yet.
    let early = check(&rows, 0);
    assert!(early.ok && early.p_value.is_none(), "{early:?}");
}

#[test]
fn days_are_put_together_until_there_is_enough() {
    // Ten persons a day of whom one converts: 25 contributors take 25 days.
    let rows: Vec<_> = (0..40).flat_map(|on| [row(0, on, 10, 1), row(1, on, 10, 1)]).collect();
    let x = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &[]);
    let found = |last| drifts(&x, rows.iter().map(|(key, row)| (key, row)), through(last));
    assert!(found(39).is_empty(), "one cohort has nothing to be compared with");
    let longer: Vec<_> = (0..50).flat_map(|on| [row(0, on, 10, 1), row(1, on, 10, 1)]).collect();
    let drift = drifts(&x, longer.iter().map(|(key, row)| (key, row)), through(60));
    assert_eq!((drift.len(), drift[0].cohorts), (1, 2));
    assert_eq!(drift[0].halves[1].closed, [day(25), day(49)]);
    assert!(drift[0].p_value > 0.999, "{drift:?}");
    // A metric without a window has no cohorts.
    let open = definition_by(&[1, 1], &[conversion(Role::Primary)], None, &[]);
    assert!(drifts(&open, longer.iter().map(|(key, row)| (key, row)), through(60)).is_empty());
}

/// A metric that is cut at a percentile is looked at as it is told: what a few giants do on some days is no change.
#[test]
fn a_capped_metric_is_looked_at_capped() {
    use journey::{Keeps, PercentileCap, Share};
    let share = Share::from_millionths(900_000).unwrap();
    let mut x = definition_by(&[1, 1], &[revenue(Role::Primary)], Some(14), &[]);
    let rows: Vec<(RowKey, Row)> = (0..40u64)
        .flat_map(|on| [0i16, 1].map(|arm| (arm, on)))
        .map(|(arm, on)| {
            let mut row = Row::default();
            let mut detail = Detail::default();
            let mut sums = [0; 5].map(I256::from);
            // Everyone spends 1 to 20; in the arm twenty of the four hundred spend fifty times as much, later on.
            for i in 0..400i64 {
                let giant = arm == 1 && on >= 20 && i < 20;
                let amount = (1 + (i * 7 + i64::try_from(on).unwrap() * 3) % 20) * if giant { 50 } else { 1 };
                let y = I256::from(amount * UNIT);
                let add = [I256::ONE, I256::ZERO, y, y * y, y * y * y];
                sums.iter_mut().zip(add).for_each(|(sum, add)| *sum += add);
                let key = BucketKey { metric: 0, matured: true, bucket: bucket_of(y.as_i128()).unwrap() };
                let bucket = detail::Bucket { n: 1, y, yy: y * y, yyy: y * y * y, ..detail::Bucket::default() };
                detail.add_bucket(key, &bucket, 1);
            }
            row.all.matured = sums.into_iter().collect();
            row.all.detail = Some(Box::new(detail));
            (RowKey { dimension: 0, value: "".into(), arm, day: day(on) }, row)
        })
        .collect();
    let found = |x: &Definition| check_novelty(x, &drifts(x, rows.iter().map(|(key, row)| (key, row)), through(40)));
    let plain = found(&x);
    assert!(!plain.ok, "uncut, the giants are news: {plain:?}");
    x.metrics[0].keeps =
        Keeps { percentile_cap: Some(PercentileCap { share, ignore_zeros: false }), ..Keeps::default() };
    let cut = found(&x);
    assert!(cut.ok && cut.p_value.is_some(), "{cut:?}");
}
