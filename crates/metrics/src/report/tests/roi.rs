//! What is said of money.

use std::sync::Arc;

use journey::{Cost, Costs};

use super::*;
use crate::net::Flows;
use crate::reading::Group;
use crate::report::{DoseStep, Money, Pays, Wasted, roi, segments, wasted};

fn net(margin: i64) -> (MetricKind, Role, Goal) {
    let kind = MetricKind::Net {
        selector: selector(),
        margin: Amount::from_units(margin).unwrap(),
        costs: Costs { event: None, properties: Vec::new() },
    };
    (kind, Role::Primary, Goal::Increase)
}

fn money(units: i64) -> Option<Amount> {
    Amount::from_units(units * UNIT)
}

/// Persons by value and cost in whole money, each as often as said, at a margin of one half.
fn persons(rows: &[(i64, i64, i64)]) -> Moments {
    let mut flows = Flows::default();
    let mut sums = Moments { without_cubes: true, ..Moments::default() };
    for (value, cost, times) in rows {
        let unit = I256::from(UNIT);
        let (y, c, times) = (I256::from(*value) * unit, I256::from(*cost) * unit, I256::from(*times));
        let z = y / I256::new(2) - c;
        sums.n += times.as_i64();
        sums.y += times * z;
        sums.yy += times * z * z;
        flows.value += times * y;
        flows.value_squares += times * y * y;
        flows.value_cubes += times * y * y * y;
        flows.cost += times * c;
        flows.cost_squares += times * c * c;
        flows.value_cost += times * y * c;
        flows.event_cost += times * c;
        flows.event_cost_squares += times * c * c;
        flows.exposures += times;
    }
    sums.net = Some(Arc::new(flows));
    sums
}

fn asked(metric: usize, conversion: Option<usize>) -> Money {
    Money { metric, conversion, days: 10, persons_per_day: Some(100.0) }
}

/// One in ten buys for 100 in control, 12 % with a coupon of 20 that everyone gets who buys: 0.5 x 12 - 2.4 < 0.5 x 10.
fn trap() -> (Definition, Reading) {
    let definition = definition(&[1, 1], &[net(UNIT / 2), conversion(Role::Secondary)], Some(14));
    let control = vec![persons(&[(100, 0, 10_000), (0, 0, 90_000)]), converted(100_000, 10_000)];
    let treated = vec![persons(&[(100, 20, 12_000), (0, 0, 88_000)]), converted(100_000, 12_000)];
    (definition, reading(&[control, treated]))
}

#[test]
fn a_lift_that_loses_money_is_plain_to_see() {
    let (definition, reading) = trap();
    let found = roi(&Question::planned(&definition), &reading, &asked(0, Some(1)));
    let arm = &found.arms[0];
    assert_eq!(arm.main.pays, (Pays::DoesNotPay, None));
    let alert = arm.alert.as_ref().unwrap();
    assert!(alert.starts_with("Lift up, money lost: with a1 m1 rises"), "{alert}");
    assert!((arm.main.conversions.unwrap().value.unwrap() - 2_000.0).abs() < 1e-6);
    assert!((arm.main.value.value.unwrap() - 200_000.0).abs() < 1e-6);
    assert!((arm.main.cost.value.unwrap() - 240_000.0).abs() < 1e-6);
    assert!((arm.main.net.value.unwrap() + 140_000.0).abs() < 1e-6);
    // 100 000 come back of 240 000.
    assert!((arm.main.roi.value.unwrap() - (100.0 / 240.0 - 1.0)).abs() < 1e-9);
    assert!(arm.main.roi.bounds.high.unwrap() < 0.0);
    let each = arm.main.cost_per_conversion.unwrap();
    assert!((each.value.unwrap() - 120.0).abs() < 1e-9 && each.bounds.contains(120.0), "{each:?}");
    // Nothing is gained, so nothing is paid back, and no holdout is small enough.
    assert_eq!(arm.main.payback_persons.value, Err(crate::inference::Undefined::NothingGained));
    assert!(arm.main.holdout_share.value.is_err());
    assert!(arm.main.foregone.value.unwrap() < 0.0);
    assert!(arm.main.net.anytime.holds && arm.main.net.causal.holds && !arm.main.payback_days.causal.holds);
}

/// Against a search: the returns r at which margin x value - (1 + r) cost is not refuted, each with a test of its own.
#[test]
fn the_return_is_every_one_that_is_not_refuted() {
    let definition = definition(&[1, 1], &[net(UNIT / 2)], Some(14));
    let control = vec![persons(&[(40, 3, 300), (10, 1, 700), (0, 0, 1_000)])];
    let treated = vec![persons(&[(90, 9, 500), (20, 5, 900), (0, 1, 600)])];
    let reading = reading(&[control.clone(), treated.clone()]);
    let question = Question { method: Method::Frequentist, ..Question::planned(&definition) };
    let found = roi(&question, &reading, &asked(0, None)).arms.remove(0).main;
    let rows = [
        [(40.0, 3.0, 300.0), (10.0, 1.0, 700.0), (0.0, 0.0, 1_000.0)],
        [(90.0, 9.0, 500.0), (20.0, 5.0, 900.0), (0.0, 1.0, 600.0)],
    ];
    // The mean of value/2 - q cost in each arm and the variance of that mean.
    let of = |rows: &[(f64, f64, f64)], q: f64| {
        let n: f64 = rows.iter().map(|row| row.2).sum();
        let mean = rows.iter().map(|(y, c, times)| times * (y / 2.0 - q * c)).sum::<f64>() / n;
        let spread = rows.iter().map(|(y, c, times)| times * (y / 2.0 - q * c - mean).powi(2)).sum::<f64>();
        (mean, spread / (n - 1.0) / n)
    };
    let value = |rows: &[(f64, f64, f64)]| of(rows, 0.0);
    let freedom = {
        let (a, b) = (4.0 * value(&rows[0]).1, 4.0 * value(&rows[1]).1);
        (a + b).powi(2) / (a * a / 1_999.0 + b * b / 1_999.0)
    };
    let critical = crate::inference::Level::new(0.95).unwrap().student(freedom).unwrap();
    let refuted = |r: f64| {
        let (control, treated) = (of(&rows[0], 1.0 + r), of(&rows[1], 1.0 + r));
        (treated.0 - control.0).abs() > critical * (treated.1 + control.1).sqrt()
    };
    let (low, high) = (found.roi.bounds.low.unwrap(), found.roi.bounds.high.unwrap());
    assert!(low < found.roi.value.unwrap() && found.roi.value.unwrap() < high);
    for (end, outwards) in [(low, -1e-6), (high, 1e-6)] {
        assert!(refuted(end + outwards) && !refuted(end - outwards), "{low} {high}");
    }
}

#[test]
fn lump_costs_are_apart_and_come_back() {
    let mut definition = definition(&[1, 3], &[net(UNIT / 2), conversion(Role::Secondary)], Some(14));
    definition.experiment.arms[1].cost = Cost {
        fixed: money(500),
        setup: money(200),
        running_per_day: money(10),
        hours: money(3),
        rate: money(100),
        ..Cost::default()
    };
    let control = vec![persons(&[(100, 0, 1_000), (0, 0, 9_000)]), converted(10_000, 1_000)];
    let treated = vec![persons(&[(100, 1, 6_000), (0, 1, 24_000)]), converted(30_000, 6_000)];
    let found = roi(&Question::planned(&definition), &reading(&[control, treated]), &asked(0, Some(1)));
    let lines = found.lines[1];
    let unit = I256::from(UNIT);
    assert_eq!(
        [lines.fixed, lines.setup, lines.running, lines.labour].map(|line| line / unit),
        [500, 200, 100, 300].map(I256::from)
    );
    assert_eq!(lines.total() / unit, I256::from(31_100));
    let main = &found.arms[0].main;
    // 0.5 x (20 - 10) - 1 = 4 a person.
    assert_eq!((main.lump, main.pays.0, main.pays_after_lump.0), (1_100.0, Pays::Pays, Pays::Pays));
    let close = |found: &crate::report::Number, wanted: f64| {
        let value = found.value.unwrap();
        assert!((value - wanted).abs() < 1e-9 * wanted.abs(), "{value} {wanted}");
        assert!(found.bounds.low.unwrap() <= value && value <= found.bounds.high.unwrap(), "{found:?}");
    };
    close(&main.net, 120_000.0);
    close(&main.net_after_lump, 118_900.0);
    close(&main.roi, 150_000.0 / 31_100.0 - 1.0);
    close(&main.payback_persons, 1_000.0 / 4.0);
    // Three of four who join are of the arm.
    close(&main.payback_days, 1_000.0 / (75.0 * 4.0 - 10.0));
    close(&main.holdout_persons, 40_000.0 - 1_100.0 / 4.0);
    close(&main.foregone, 40_000.0);
    close(&main.cost_per_conversion.unwrap(), 31_100.0 / 3_000.0);
    assert_eq!(found.arms[0].alert, None);
}

/// statsmodels' Welch contrasts of neighbouring doses, and Holm over them (`tests/oracles/doses.py`).
#[test]
fn doses_are_compared_as_by_statsmodels() {
    use crate::oracles::{Disagreements, EXACT, numbers, rows};
    let mut found = Disagreements::default();
    for row in rows("doses.csv") {
        let arms: Vec<Vec<Moments>> = row[0]
            .split(' ')
            .map(|dose| {
                let of = |part: &str| {
                    let n: Vec<i64> = part.split(':').map(|n| n.parse().unwrap()).collect();
                    (n[0], n[1], n[2])
                };
                vec![persons(&dose.split('/').map(of).collect::<Vec<_>>())]
            })
            .collect();
        let mut definition = definition(&vec![1; arms.len()], &[net(UNIT / 2)], Some(14));
        for (arm, dose) in definition.experiment.arms.iter_mut().zip(0..) {
            arm.intensity = money(dose);
        }
        let question = Question { method: Method::Frequentist, ..Question::planned(&definition) };
        let steps = roi(&question, &reading(&arms), &asked(0, None)).dose.unwrap().steps;
        let [differences, lows, highs, p_values] = [1, 2, 3, 4].map(|column| numbers::<f64>(&row[column]));
        assert_eq!(steps.len(), differences.len(), "{}", row[0]);
        for (at, DoseStep { versus, .. }) in steps.iter().enumerate() {
            let interval = versus.difference.interval.unwrap();
            found.close(&row[0], versus.difference.value.unwrap(), differences[at], EXACT);
            found.close(&row[0], interval.low, lows[at], EXACT);
            found.close(&row[0], interval.high, highs[at], EXACT);
            // What is below the smallest double there is nothing.
            found.check(&row[0], versus.p_value_adjusted, Some(p_values[at]), EXACT, 1e-290);
        }
    }
    found.none(800);
}

#[test]
fn more_of_it_pays_up_to_a_dose() {
    let mut definition = definition(&[1, 1, 1, 1], &[net(UNIT / 2)], Some(14));
    for (arm, dose) in [(1, 2), (2, 1), (3, 1)] {
        definition.experiment.arms[arm].intensity = money(dose);
    }
    let control = vec![persons(&[(100, 0, 2_000), (0, 0, 18_000)])];
    let much = vec![persons(&[(100, 9, 3_000), (0, 9, 17_000)])];
    let some = vec![persons(&[(100, 0, 3_000), (0, 0, 17_000)])];
    let found = roi(&Question::planned(&definition), &reading(&[control, much, some.clone(), some]), &asked(0, None));
    let steps = found.dose.unwrap().steps;
    assert_eq!((&steps[0].from.1, &steps[0].to.1, &steps[1].to.1), (&vec![0], &vec![2, 3], &vec![1]));
    assert_eq!([steps[0].pays.0, steps[1].pays.0], [Pays::Pays, Pays::DoesNotPay]);
    // Holm over two steps: the larger p stands, the smaller is doubled.
    let p = |step: &crate::report::DoseStep| (step.versus.p_value.unwrap(), step.versus.p_value_adjusted.unwrap());
    let [first, second] = [p(&steps[0]), p(&steps[1])];
    let (small, large) = if first.0 <= second.0 { (first, second) } else { (second, first) };
    assert!((small.1 - (2.0 * small.0).min(1.0)).abs() <= 1e-12 * small.1, "{small:?}");
    assert!((large.1 - large.0.max(small.1)).abs() <= 1e-12 * large.1, "{large:?}");
    let one = definition_by(&[1, 1], &[net(UNIT / 2)], Some(14), &[]);
    let few = roi(&Question::planned(&one), &reading(&vec![vec![persons(&[(1, 0, 9)])]; 2]), &asked(0, None));
    assert!(few.dose.unwrap_err().contains("intensity"));
}

#[test]
fn only_what_is_shown_to_lose_is_called_wasted() {
    let definition = definition_by(&[1, 1], &[net(UNIT / 2)], Some(14), &["plan"]);
    let group = |value: &str, control: Moments, treated: Moments| {
        let reading = reading(&[vec![control], vec![treated]]);
        Group { value: Some(value.into()), persons: reading.arms.iter().map(|arm| arm.persons).sum(), reading }
    };
    let bought = |times: i64, cost: i64| persons(&[(100, cost, times), (0, cost, 20_000 - times)]);
    let groups = [
        group("pays", bought(2_000, 0), bought(3_000, 1)),
        group("loses", bought(2_000, 0), bought(2_000, 1)),
        group("open", bought(2_000, 0), bought(2_025, 0)),
    ];
    let question = Question::planned(&definition);
    let report = segments(&question, 0, &groups, true);
    let found: Vec<Wasted> = wasted(&question, &report);
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].value.as_deref(), found[0].persons, found[0].spent), (Some("loses"), 20_000, 20_000.0));
    assert!(found[0].net.bounds.high.unwrap() < 0.0);
    assert!(wasted(&question, &segments(&question, 0, &groups, false)).is_empty(), "composed differently");
}

#[test]
fn nobody_one_person_and_fifty_arms_are_answered() {
    let definition = definition(&[1; 50], &[net(UNIT / 2), conversion(Role::Secondary)], Some(14));
    let empty = || vec![persons(&[]), converted(0, 0)];
    let mut arms: Vec<Vec<Moments>> = (0..50).map(|_| empty()).collect();
    let check = |arms: &[Vec<Moments>]| {
        for method in Method::ALL {
            let question = Question { method: *method, ..Question::planned(&definition) };
            let found = roi(&question, &reading(arms), &asked(0, Some(1)));
            assert_eq!(found.arms.len(), 49);
            for arm in &found.arms {
                assert_eq!(arm.main.pays.0, Pays::NotShown);
                assert!(arm.main.roi.value.is_err() && arm.main.payback_days.value.is_err() && arm.alert.is_none());
            }
        }
    };
    check(&arms);
    arms[1] = vec![persons(&[(5, 1, 1)]), converted(1, 1)];
    check(&arms);
    // One arm with people, and nobody who converts.
    arms[1] = vec![persons(&[(0, 1, 500)]), converted(500, 0)];
    check(&arms);
}

/// What a model costs for each person has no spread: it is known, and a return on it is.
#[test]
fn a_cost_without_spread_is_known() {
    let definition = definition(&[1, 1], &[net(UNIT / 2)], Some(14));
    let control = vec![persons(&[(100, 0, 1_000), (0, 0, 9_000)])];
    let treated = vec![persons(&[(100, 1, 1_500), (0, 1, 8_500)])];
    let main = roi(&Question::planned(&definition), &reading(&[control, treated]), &asked(0, None)).arms.remove(0).main;
    assert_eq!(main.cost_per_person.bounds.interval().unwrap().low.to_bits(), 1f64.to_bits());
    assert!((main.roi.value.unwrap() - 1.5).abs() < 1e-12);
    assert!(main.roi.bounds.low.is_ok() && main.roi.bounds.high.is_ok());
}
