//! Comparisons of two arms, against gbstats.

use super::{Disagreements, EXACT, number, rows, sums};
use crate::inference::{CovariateSums, Gap, Interval, Theta, compare, compare_adjusted, mean, plain_sequential, ratio};

/// Every tally of which gbstats 0.8.0 keeps ten digits. Its p-values are on the scale of the lift, so they are not
/// compared; with a covariate it takes theta over both arms as one sample.
#[test]
fn gbstats() {
    let mut found = Disagreements::default();
    let rows = rows("peers.csv");
    assert!(rows.len() >= 1_000);
    for (line, row) in rows.iter().enumerate() {
        let [kind, confidence, control, arm, rest @ ..] = row.as_slice() else { panic!("a short row") };
        let ((n_c, c), (n_t, t)) = (sums(control), sums(arm));
        let confidence = confidence.parse().unwrap();
        let loss = c[0] < 0;
        let plain = |c, t| (compare(&c, &t, confidence).unwrap(), Gap::between(&c, &t).unwrap());
        let (comparison, gap) = match kind.as_str() {
            "mean" | "conversion" => plain(mean(n_c, c[0], c[1]).unwrap(), mean(n_t, t[0], t[1]).unwrap()),
            "ratio" => {
                let of = |n, s: &[ethnum::I256]| ratio(n, s[0], s[2], s[1], s[4], s[3]).unwrap();
                plain(of(n_c, &c), of(n_t, &t))
            }
            "cuped" => {
                let arms = [(n_c, c), (n_t, t)].map(|(n, s)| CovariateSums {
                    n,
                    y: s[0],
                    x: s[1],
                    yy: s[2],
                    xy: s[3],
                    xx: s[4],
                });
                let theta = Theta::across_arms(&arms);
                let found = compare_adjusted(&arms[0], &arms[1], &theta, confidence).unwrap();
                (found.comparison, found.gap)
            }
            _ => panic!("no such kind: {kind}"),
        };
        let (test, mut lift) = (comparison.test.unwrap(), comparison.lift.unwrap());
        if loss {
            // gbstats divides by control with its sign, so that less of a loss is a fall.
            (lift.value, lift.interval) =
                (-lift.value, Interval { low: -lift.interval.high, high: -lift.interval.low });
        }
        let sequence = plain_sequential(&gap, 5_000.0, confidence).unwrap();
        let numbers = [
            ("difference", comparison.difference, test.standard_error),
            ("error", test.standard_error, 0.0),
            ("low", test.interval.low, test.standard_error),
            ("high", test.interval.high, test.standard_error),
            ("lift", lift.value, lift.standard_error),
            ("lift error", lift.standard_error, 0.0),
            ("lift low", lift.interval.low, lift.standard_error),
            ("lift high", lift.interval.high, lift.standard_error),
            ("half-width of the sequence", (sequence.interval.high - sequence.interval.low) / 2.0, 0.0),
            ("p of the sequence", sequence.p_value, 0.0),
        ];
        for ((what, number_found, scale), field) in numbers.into_iter().zip(rest) {
            if let Some(expected) = number(field) {
                found.check::<()>(
                    &format!("{} {kind}: {what}", line + 2),
                    Ok(number_found),
                    Some(expected),
                    EXACT,
                    scale,
                );
            }
        }
    }
    found.none(12_000);
}
