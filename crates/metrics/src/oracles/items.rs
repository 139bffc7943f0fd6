//! Items: means weighted by inverse probabilities against statsmodels, shrunken rates against scipy.

use std::sync::Arc;

use ethnum::I256;
use journey::{Method, Role, UNIT};

use super::{Disagreements, EXACT, ITERATED, numbers, rows};
use crate::inference::RateSpread;
use crate::lens::{ArmSights, Sights, SightsByDay};
use crate::report::tests::{conversion, definition_by};
use crate::report::{Question, report_items};
use crate::tally::Slots;

/// The sums of one person, in the order of [`crate::lens::ItemSlot`].
fn person(millionths: i64, value: i64) -> [I256; 16] {
    let (v, y) = (I256::from(millionths), I256::from(value) * I256::from(UNIT));
    let (one, zero, c) = (I256::ONE, I256::ZERO, I256::from(i64::from(value > 0)));
    let weighted = [v, v * v, v * c, v * v * c, v * y, v * y * y, v * v * y, v * v * y * y];
    let mut sums = [zero; 16];
    sums[..8].copy_from_slice(&[one, c, zero, y, y * y, y * y * y, zero, one]);
    sums[8..].copy_from_slice(&weighted);
    sums
}

/// `statsmodels` weighted least squares on a constant, with HC1 errors.
#[test]
fn means_of_drawn_items() {
    let definition = definition_by(&[1, 1], &[conversion(Role::Primary)], Some(14), &[]);
    let question = Question { method: Method::Frequentist, ..Question::planned(&definition) };
    let mut found = Disagreements::default();
    for row in rows("drawn.csv") {
        let mut sights = Sights::default();
        for (item, persons) in row[0].split(' ').enumerate() {
            let mut sums = [I256::ZERO; 16];
            for some in persons.split('/') {
                let n: Vec<i64> = some.split(':').map(|n| n.parse().unwrap()).collect();
                sights.persons += n[2];
                let times = I256::from(n[2]);
                sums.iter_mut().zip(person(n[0], n[1])).for_each(|(sum, one)| *sum += times * one);
            }
            sights.sums.insert(Arc::from(format!("i{item}")), sums.into_iter().collect::<Slots>());
        }
        let arm = ArmSights { live: sights.clone(), matured: Some(sights) };
        let nobody = ArmSights { live: Sights::default(), matured: Some(Sights::default()) };
        let (report, _) = report_items(&question, (&[nobody, arm], SightsByDay::new), Some(14));
        let [means, lows, highs] = [1, 2, 3].map(|column| numbers::<f64>(&row[column]));
        assert_eq!(report.arms[1].items.len(), means.len(), "{}", row[0]);
        for item in &report.arms[1].items {
            let at: usize = item.item.parse().unwrap();
            let value = &item.drawn.as_ref().unwrap_or_else(|claim| panic!("{}: {}", claim.reason, row[0])).value;
            let (what, interval) = (format!("item {at} of {}", means.len()), value.interval.unwrap());
            found.close(&what, value.value.unwrap(), means[at], EXACT);
            found.close(&what, interval.low, lows[at], EXACT);
            found.close(&what, interval.high, highs[at], EXACT);
        }
    }
    found.none(300);
}

/// scipy's `betabinom` at its maximum, and its beta distribution.
#[test]
fn shrunken_rates() {
    let mut found = Disagreements::default();
    for row in rows("shrunken.csv") {
        let items: Vec<(i64, i64)> = row[0]
            .split(' ')
            .map(|item| {
                let (k, n) = item.split_once(':').unwrap();
                (k.parse().unwrap(), n.parse().unwrap())
            })
            .collect();
        let spread = RateSpread::of(&items).unwrap();
        let [of, values, lows, highs] = [1, 2, 3, 4].map(|column| numbers::<f64>(&row[column]));
        found.close(&row[0], spread.mean, of[0], ITERATED);
        found.close(&row[0], spread.persons.unwrap(), of[1], ITERATED);
        for (at, (k, n)) in items.into_iter().enumerate() {
            let rate = spread.shrink(k, n, 0.95).unwrap();
            found.close(&row[0], rate.value, values[at], ITERATED);
            found.close(&row[0], rate.interval.low, lows[at], ITERATED);
            found.close(&row[0], rate.interval.high, highs[at], ITERATED);
        }
    }
    found.none(3_000);
}
