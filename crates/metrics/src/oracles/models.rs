//! Power, families of p-values, sample ratios, segments, survival and customer lifetime value, against scipy,
//! statsmodels, lifelines and lifetimes.

use journey::Goal;

use super::{Disagreements, EXACT, ITERATED, numbers, rows};
use crate::clv::{BgNbd, Cells, Customer, GammaGamma, Horizon, Value};
use crate::inference::power::{Baseline, Design, Horizon as Reading, textbook_persons};
use crate::inference::{Effect, benjamini_hochberg, compare_segments, holm, sample_ratio, sample_ratio_at};
use crate::survival::{Durations, Ends, kaplan_meier, log_rank};

/// scipy's noncentral t at Welch's degrees of freedom; for equal arms statsmodels' `TTestIndPower` is the same.
#[test]
fn power() {
    let mut found = Disagreements::default();
    for row in rows("power.csv") {
        let n: Vec<f64> = row[1..].iter().map(|field| field.parse().unwrap()).collect();
        let [base, confidence, share, effect, persons, power, target, needed, textbook] = n[..] else { panic!() };
        let baseline =
            if row[0] == "rate" { Baseline::Conversion(base) } else { Baseline::Mean { value: 0.0, variance: base } };
        let design = Design { horizon: Reading::Fixed, confidence, share };
        let at = format!("{row:?}");
        found.close(&at, design.power(&baseline, effect, persons).unwrap(), power, EXACT);
        found.close(&at, design.persons_needed(&baseline, effect, target).unwrap().total, needed, EXACT);
        let (control, _) = textbook_persons(&baseline, effect, confidence, share, target).unwrap();
        found.close(&at, control, textbook, EXACT);
    }
    found.none(250);
}

/// statsmodels' `multipletests`.
#[test]
fn families() {
    let mut found = Disagreements::default();
    for row in rows("families.csv") {
        let p: Vec<Option<f64>> = numbers(&row[0]).into_iter().map(Some).collect();
        for (adjusted, expected) in [(holm(&p), &row[1]), (benjamini_hochberg(&p), &row[2])] {
            for (adjusted, expected) in adjusted.into_iter().zip(numbers(expected)) {
                found.close(&row[0], adjusted.unwrap(), expected, EXACT);
            }
        }
    }
    found.none(3_000);
}

/// scipy's `chisquare`.
#[test]
fn sample_ratios() {
    let mut found = Disagreements::default();
    for row in rows("sample_ratio.csv") {
        let ratio = sample_ratio(&numbers(&row[0]), &numbers::<f64>(&row[1])).unwrap();
        // A statistic that is near zero is a sum of tiny squares of differences of large numbers.
        let scale = numbers::<f64>(&row[0]).iter().sum::<f64>() * 1e-12;
        found.check::<()>(&row[0], Ok(ratio.chi_square), row[2].parse().ok(), EXACT, scale);
        let p: f64 = row[3].parse().unwrap();
        if p > 1e-300 {
            found.close(&row[0], ratio.p_value, p, EXACT);
        } else {
            assert!(ratio.p_value < 1e-299);
        }
    }
    found.none(300);
}

/// Optimizely's `ssrm-test`, whose mixture is more concentrated than ours.
#[test]
fn sample_ratio_streams() {
    const CONCENTRATION: f64 = 10_000.0;
    let mut found = Disagreements::default();
    for row in rows("sample_ratio_streams.csv") {
        let mut so_far: Vec<Vec<u64>> = Vec::new();
        for day in row[0].split(' ') {
            let counts = day.split(':').map(|count| count.parse::<u64>().unwrap());
            let before = so_far.last().cloned().unwrap_or_else(|| vec![0; counts.clone().count()]);
            so_far.push(before.iter().zip(counts).map(|(before, today)| before + today).collect());
        }
        let readings = so_far.iter().map(Vec::as_slice);
        let ratio = sample_ratio_at(readings, &numbers::<f64>(&row[1]), CONCENTRATION).unwrap();
        // The peer multiplies Bayes factors day by day, each a difference of large logarithms of gamma functions.
        found.close(&row[0], ratio.p_value, row[2].parse().unwrap(), EXACT);
    }
    found.none(50);
}

/// statsmodels' `combine_effects`, the between variance by scipy's root of its equation.
#[test]
fn segments() {
    let mut found = Disagreements::default();
    for row in rows("segments.csv") {
        let effects: Vec<Option<Effect>> = numbers(&row[0])
            .into_iter()
            .zip(numbers(&row[1]))
            .map(|(value, standard_error)| Some(Effect { value, standard_error }))
            .collect();
        let expected: Vec<f64> = row[2..].iter().map(|field| field.parse().unwrap()).collect();
        let segments = compare_segments(&effects, Goal::Increase, 0.95).unwrap();
        found.close(&row[0], segments.q, expected[0], EXACT);
        // Tails below the doubles are zero there and the smallest double here.
        found.check::<()>(&row[0], Ok(segments.p_value), Some(expected[1]), EXACT, f64::MIN_POSITIVE / EXACT);
        found.close(&row[0], segments.between.powi(2), expected[2], ITERATED);
        found.close(&row[0], segments.common.value, expected[3], ITERATED);
        found.close(&row[0], segments.common.standard_error, expected[4], ITERATED);
    }
    found.none(500);
}

/// lifelines' `KaplanMeierFitter` and `multivariate_logrank_test`.
#[test]
fn survival() {
    let mut found = Disagreements::default();
    for row in rows("survival.csv") {
        let arm = |field: &str| -> Durations {
            field
                .split(' ')
                .map(|time| {
                    let counts: Vec<i64> = time.split(':').map(|count| count.parse().unwrap()).collect();
                    (u32::try_from(counts[0]).unwrap(), Ends { events: counts[1], censored: counts[2] })
                })
                .collect()
        };
        let arms: Vec<Durations> = row[0].split('/').map(arm).collect();
        let curve = kaplan_meier(&arms[0], 0.95).unwrap();
        for point in row[1].split(' ') {
            let expected: Vec<f64> = point.split(':').map(|number| number.parse().unwrap()).collect();
            let point = curve.points().iter().find(|point| f64::from(point.time) >= expected[0]).unwrap();
            let interval = point.interval.unwrap();
            for (number, expected) in [point.survival, interval.low, interval.high].into_iter().zip(&expected[1..]) {
                found.close(&row[0], number, *expected, EXACT);
            }
        }
        let test = log_rank(&arms.iter().collect::<Vec<_>>()).unwrap();
        found.close(&row[0], test.chi_square, row[2].parse().unwrap(), EXACT);
        found.close(&row[0], test.p_value, row[3].parse().unwrap(), EXACT);
    }
    found.none(800);
}

/// Maximum likelihood by scipy's trust region with exact derivatives, predictions by its 2F1; lifetimes agrees to the
/// precision of its own search.
#[test]
fn customers() {
    let mut found = Disagreements::default();
    for row in rows("customers.csv") {
        let mut cells = Cells::default();
        for cell in row[0].split(' ') {
            let n: Vec<i64> = cell.split(':').map(|number| number.parse().unwrap()).collect();
            let whole = |number: i64| u32::try_from(number).unwrap();
            let customer = Customer { frequency: whole(n[0]), recency: whole(n[1]), age: whole(n[2]) };
            assert!(cells.add(customer, i128::from(n[4]), n[3]));
        }
        let purchases = BgNbd::fit(&cells, 1.0).unwrap();
        let spend = GammaGamma::fit(&cells).unwrap();
        let value = Value::fit(&cells, 1.0).unwrap();
        let months = Horizon { steps: 12, periods_per_step: 4.345, discount: 0.01 };
        let half_year = Horizon { steps: 1, periods_per_step: 26.0, discount: 0.0 };
        let year = value.totals(&cells, &months).unwrap();
        let model = purchases.model;
        let actual = [
            model.r,
            model.alpha,
            model.a,
            model.b,
            purchases.log_likelihood,
            spend.model.p,
            spend.model.q,
            spend.model.v,
            spend.log_likelihood,
            year.alive,
            value.totals(&cells, &half_year).unwrap().purchases,
            year.value,
        ];
        for (number, expected) in actual.into_iter().zip(&row[1..]) {
            let at = format!("{} persons", purchases.persons);
            found.close(&at, number, expected.parse().unwrap(), ITERATED);
        }
    }
    found.none(60);
}
