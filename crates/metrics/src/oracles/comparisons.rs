//! Comparisons of two arms at a fixed horizon, against exact fractions and scipy.

use super::{Disagreements, EXACT, number, rows, sums};
use crate::inference::{
    Comparison, CovariateSums, FiellerSet, Gap, RatioCovariateSums, Theta, Undefined, compare, compare_adjusted,
    compare_adjusted_ratios, mean, plain_sequential, ratio,
};

/// The comparison of a row, by its kind, and what a sequence judges.
fn compared(kind: &str, control: &str, arm: &str, confidence: f64) -> Result<(Comparison, Gap), Undefined> {
    let ((n_c, c), (n_t, t)) = (sums(control), sums(arm));
    match kind {
        "mean" | "conversion" => {
            let (c, t) = (mean(n_c, c[0], c[1])?, mean(n_t, t[0], t[1])?);
            Ok((compare(&c, &t, confidence)?, Gap::between(&c, &t)?))
        }
        "ratio" => {
            let (c, t) = (ratio(n_c, c[0], c[2], c[1], c[4], c[3])?, ratio(n_t, t[0], t[2], t[1], t[4], t[3])?);
            Ok((compare(&c, &t, confidence)?, Gap::between(&c, &t)?))
        }
        "cuped" => {
            let arms =
                [(n_c, c), (n_t, t)].map(|(n, s)| CovariateSums { n, y: s[0], x: s[1], yy: s[2], xy: s[3], xx: s[4] });
            let found = compare_adjusted(&arms[0], &arms[1], &Theta::within_arms(&arms), confidence)?;
            Ok((found.comparison, found.gap))
        }
        "cuped_ratio" => {
            let [c, t] = [(n_c, c), (n_t, t)].map(|(n, s)| RatioCovariateSums {
                n,
                y: s[0],
                d: s[1],
                x: s[2],
                u: s[3],
                yy: s[4],
                yd: s[5],
                xy: s[6],
                yu: s[7],
                dd: s[8],
                dx: s[9],
                du: s[10],
                xx: s[11],
                xu: s[12],
                uu: s[13],
            });
            let found = compare_adjusted_ratios(&c, &t, confidence)?;
            Ok((found.comparison, found.gap))
        }
        _ => panic!("no such kind: {kind}"),
    }
}

/// 2 450 tallies, extreme ones included: every number to a billionth of itself, ends of intervals to a billionth of
/// the interval's width where they are nearer to zero than that.
#[test]
fn two_arms() {
    let mut found = Disagreements::default();
    let rows = rows("comparisons.csv");
    assert!(rows.len() >= 2_000);
    for (line, row) in rows.iter().enumerate() {
        let [kind, label, confidence, control, arm, rest @ ..] = row.as_slice() else { panic!("a short row") };
        let expected: Vec<Option<f64>> =
            rest.iter().map(|field| if field == "open" { None } else { number(field) }).collect();
        let [difference, error, df, p, low, high, lift, lift_error, lift_low, lift_high, ..] = expected[..] else {
            panic!("a short row")
        };
        let (fieller_low, fieller_high) = (expected[10], expected[11]);
        let confidence = confidence.parse().unwrap();
        let both = compared(kind, control, arm, confidence);
        let comparison = both.map(|(comparison, _)| comparison);
        let at = |what: &str| format!("{} {kind}, {label}: {what}", line + 2);
        let test = comparison.and_then(|comparison| comparison.test);
        let width = |low: Option<f64>, high: Option<f64>| low.zip(high).map_or(0.0, |(low, high)| high - low);
        found.check(&at("difference"), comparison.map(|found| found.difference), difference, EXACT, 0.0);
        found.check(&at("error"), test.map(|test| test.standard_error), error, EXACT, 0.0);
        found.check(&at("df"), test.map(|test| test.degrees_of_freedom), df, EXACT, 0.0);
        // Tails below 1e-300 are written as zero.
        found.check(&at("p"), test.map(|test| test.p_value), p, EXACT, if p == Some(0.0) { 1e-291 } else { 0.0 });
        found.check(&at("low"), test.map(|test| test.interval.low), low, EXACT, width(low, high));
        found.check(&at("high"), test.map(|test| test.interval.high), high, EXACT, width(low, high));
        let relative = comparison.and_then(|comparison| comparison.lift);
        let scale = width(lift_low, lift_high);
        found.check(&at("lift"), relative.map(|found| found.value), lift, EXACT, 0.0);
        found.check(&at("lift error"), relative.map(|found| found.standard_error), lift_error, EXACT, 0.0);
        found.check(&at("lift low"), relative.map(|found| found.interval.low), lift_low, EXACT, scale);
        found.check(&at("lift high"), relative.map(|found| found.interval.high), lift_high, EXACT, scale);
        let sequence = both.and_then(|(_, gap)| plain_sequential(&gap, 5_000.0, confidence));
        let half_width = sequence.map(|found| (found.interval.high - found.interval.low) / 2.0);
        let p = expected[13];
        found.check(
            &at("half-width of the sequence"),
            half_width,
            expected[12],
            EXACT,
            difference.unwrap_or(0.0).abs(),
        );
        found.check(
            &at("p of the sequence"),
            sequence.map(|found| found.p_value),
            p,
            EXACT,
            if p == Some(0.0) { 1e-291 } else { 0.0 },
        );
        let set = comparison.and_then(|comparison| comparison.lift_fieller).map(|found| found.set);
        if rest[10] == "open" {
            assert!(!matches!(set, Err(_) | Ok(FiellerSet::Between { .. })), "{}", at("an open set"));
        } else {
            let ends = set.map(|set| match set {
                FiellerSet::Between { low, high } => (low, high),
                _ => (f64::NAN, f64::NAN),
            });
            let scale = width(fieller_low, fieller_high);
            found.check(&at("fieller low"), ends.map(|ends| ends.0), fieller_low, EXACT, scale);
            found.check(&at("fieller high"), ends.map(|ends| ends.1), fieller_high, EXACT, scale);
        }
    }
    found.none(25_000);
}
