//! Comparisons of two arms, against gbstats and tea-tasting.

use super::{Disagreements, EXACT, number, rows, sums};
use crate::inference::{
    CovariateSums, Estimate, Gap, Interval, Level, Theta, compare, compare_adjusted, mean, plain_sequential, ratio,
    welch_degrees_of_freedom,
};

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

/// Every tally of which tea-tasting 1.14.0 keeps its digits: the absolute scale as it is here, and its interval of the lift on the
/// log scale by the published formula, `(m_T / m_C) exp(± t √(v_C / m_C² + v_T / m_T²)) − 1`, from the numbers found here.
/// With a covariate it takes theta over both arms as one sample.
#[test]
fn tea_tasting() {
    let mut found = Disagreements::default();
    let rows = rows("tea.csv");
    assert!(rows.len() >= 1_000);
    for (line, row) in rows.iter().enumerate() {
        let [kind, confidence, control, arm, rest @ ..] = row.as_slice() else { panic!("a short row") };
        let ((n_c, c), (n_t, t)) = (sums(control), sums(arm));
        let confidence = confidence.parse().unwrap();
        let estimates = match kind.as_str() {
            "mean" | "conversion" => Some([mean(n_c, c[0], c[1]).unwrap(), mean(n_t, t[0], t[1]).unwrap()]),
            "ratio" => {
                let of = |n, s: &[ethnum::I256]| ratio(n, s[0], s[2], s[1], s[4], s[3]).unwrap();
                Some([of(n_c, &c), of(n_t, &t)])
            }
            _ => None,
        };
        let comparison = if let Some([c, t]) = &estimates {
            compare(c, t, confidence).unwrap()
        } else {
            let arms =
                [(n_c, c), (n_t, t)].map(|(n, s)| CovariateSums { n, y: s[0], x: s[1], yy: s[2], xy: s[3], xx: s[4] });
            compare_adjusted(&arms[0], &arms[1], &Theta::across_arms(&arms), confidence).unwrap().comparison
        };
        let test = comparison.test.unwrap();
        let mut numbers = vec![
            ("difference", comparison.difference, test.standard_error),
            ("low", test.interval.low, test.standard_error),
            ("high", test.interval.high, test.standard_error),
            ("p", test.p_value, 0.0),
        ];
        if let Some([c, t]) = &estimates {
            let relative = [c, t].map(|arm| {
                let scaled = arm.variance() / arm.value().powi(2);
                Estimate::from_parts(arm.persons(), arm.value(), scaled).unwrap()
            });
            let freedom = welch_degrees_of_freedom(&relative[0], &relative[1]).unwrap();
            let quantile = Level::new(confidence).unwrap().student(freedom).unwrap();
            let half = quantile * (relative[0].variance() + relative[1].variance()).sqrt();
            let quotient = t.value() / c.value();
            numbers.extend([
                ("lift", quotient - 1.0, half),
                ("low on the log scale", quotient * (-half).exp() - 1.0, half),
                ("high on the log scale", quotient * half.exp() - 1.0, half),
            ]);
        }
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
    found.none(7_000);
}
