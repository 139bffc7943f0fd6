//! Attribution against its definitions: credit in fractions, Shapley over all coalitions, removal by solving the equations.

use std::sync::Arc;

use journey::UNIT;
use proptest::prelude::*;

use super::*;
use crate::inference::Undefined;

const DAY: i64 = 86_400_000_000;
const RULES: Rules = Rules { lookback: None, half_life: DAY.unsigned_abs() };

fn touch(label: &str, at: i64) -> Moment {
    Moment { at, step: Step::Touch(label.into()) }
}

fn conversion(value: i64, at: i64) -> Moment {
    Moment { at, step: Step::Conversion(value) }
}

/// Journeys of up to six labels with conversions and corrections, in order.
fn journeys() -> impl Strategy<Value = Vec<Moment>> {
    let step = prop_oneof![
        5 => (0..6u8).prop_map(|label| Step::Touch(format!("l{label}").into())),
        2 => (0..3_000_000_000i64).prop_map(Step::Conversion),
        1 => (-2_000_000_000..0i64).prop_map(Step::Correction),
    ];
    proptest::collection::vec((step, 0..3 * DAY), 0..25).prop_map(|steps| {
        let mut at = 0;
        let next = |(step, gap)| {
            at += gap;
            Moment { at, step }
        };
        steps.into_iter().map(next).collect()
    })
}

fn rules() -> impl Strategy<Value = Rules> {
    (proptest::option::of(0..20 * DAY), 1..10 * DAY.unsigned_abs())
        .prop_map(|(lookback, half_life)| Rules { lookback, half_life })
}

/// What a model credits in all: to labels, and to none.
fn credited(told: &Told, model: usize) -> Sum {
    let mut sum = Sum { count: told.untouched.count * i128::from(UNIT), value: told.untouched.value };
    told.credits.values().for_each(|credit| sum += credit[model]);
    sum
}

proptest! {
    /// No part is a unit away from its share, and nothing is lost or made.
    #[test]
    fn parts_add_up(total in any::<i128>(), weights in proptest::collection::vec(0..=1u64 << 52, 1..9)) {
        let parts = apportion(total, &weights);
        let sum: u128 = weights.iter().map(|weight| u128::from(*weight)).sum();
        prop_assume!(sum > 0);
        prop_assert_eq!(parts.iter().sum::<i128>(), total);
        for (part, weight) in parts.iter().zip(&weights) {
            let share = total as f64 * (*weight as f64 / sum as f64);
            prop_assert!((*part as f64 - share).abs() <= 1.0 + share.abs() * 1e-12);
        }
        if let Some(opposite) = total.checked_neg() {
            prop_assert!(apportion(opposite, &weights).iter().zip(&parts).all(|(a, b)| a + b == 0));
        }
    }

    /// Every heuristic credits every conversion and all value, in whole units.
    #[test]
    fn heuristics_add_up(journey in journeys(), rules in rules()) {
        let told = tell(&journey, &rules);
        let count = journey.iter().filter(|moment| matches!(moment.step, Step::Conversion(_))).count();
        let value: i128 = journey.iter().map(|moment| match moment.step {
            Step::Touch(_) => 0,
            Step::Conversion(value) | Step::Correction(value) => i128::from(value),
        }).sum();
        prop_assert_eq!(told.all, Sum { count: count as i128, value });
        for model in 0..Heuristic::ALL.len() {
            let sum = credited(&told, model);
            prop_assert_eq!(sum, Sum { count: count as i128 * i128::from(UNIT), value });
        }
        // What the sets and the last moves say is the same: all that was touched.
        let touched = Sum { count: told.all.count - told.untouched.count, value: value - told.untouched.value };
        let mut sets = Sum::default();
        told.sets.values().for_each(|sum| sets += *sum);
        let mut moved = Sum::default();
        told.moves.iter().filter(|((_, to), _)| *to == Place::Converted).for_each(|(_, sum)| moved += *sum);
        prop_assert_eq!((sets, moved), (touched, touched));
    }

    /// Journeys flow: what comes to a touch leaves it.
    #[test]
    fn moves_flow(journey in journeys(), rules in rules()) {
        let told = tell(&journey, &rules);
        for label in told.credits.keys().map(|label| Place::Touch(label.clone())) {
            let came: i128 = told.moves.iter().filter(|((_, to), _)| *to == label).map(|(_, sum)| sum.count).sum();
            let left: i128 = told.moves.iter().filter(|((from, _), _)| *from == label).map(|(_, sum)| sum.count).sum();
            prop_assert_eq!(came, left);
        }
    }

    /// With other names in another order each label gets the same, up to the units that ties give to the first in order.
    #[test]
    fn names_do_not_matter(journey in journeys(), rules in rules(), shift in 1..6u8) {
        let other = |label: &str| -> Arc<str> {
            let number: u8 = label[1..].parse().unwrap();
            format!("m{}", (6 + shift - number) % 6).into()
        };
        let renamed: Vec<Moment> = journey.iter().map(|moment| match &moment.step {
            Step::Touch(label) => Moment { at: moment.at, step: Step::Touch(other(label)) },
            _ => moment.clone(),
        }).collect();
        let (told, again) = (tell(&journey, &rules), tell(&renamed, &rules));
        let rounded = journey.iter().filter(|moment| !matches!(moment.step, Step::Touch(_))).count() as i128;
        for (label, credit) in &told.credits {
            for (one, two) in credit.iter().zip(&again.credits[&other(label)]) {
                prop_assert!((one.count - two.count).abs() <= rounded && (one.value - two.value).abs() <= rounded);
            }
        }
        for (set, sum) in &told.sets {
            let mut set: Vec<Arc<str>> = set.iter().map(|label| other(label)).collect();
            set.sort_unstable();
            prop_assert_eq!(Some(sum), again.sets.get(&set));
        }
    }

    /// Shapley's value by its definition: the average over all coalitions of what a player adds, in fractions.
    #[test]
    fn shapley_is_the_average_over_coalitions(
        sets in proptest::collection::vec((1..128u16, -1_000_000_000..1_000_000_000i128), 0..20),
        players in 7..=9usize,
    ) {
        let worth = |coalition: u16| -> i128 {
            sets.iter().filter(|(members, _)| members & !coalition == 0).map(|(_, worth)| worth).sum()
        };
        let factorial = |n: usize| (1..=n as i128).product::<i128>();
        let values = shapley(sets.iter().copied(), players).unwrap();
        let mut total = 0;
        for (player, value) in values.iter().enumerate() {
            // The weights of coalitions of one size have the denominator n!.
            let mut sum = 0i128;
            for coalition in (0..1u16 << players).filter(|coalition| coalition >> player & 1 == 0) {
                let size = coalition.count_ones() as usize;
                let weight = factorial(size) * factorial(players - size - 1);
                sum += weight * (worth(coalition | 1 << player) - worth(coalition));
            }
            let exact = factorial(players);
            // Rounded to a whole unit beside the exact value.
            prop_assert!((value * exact - sum).abs() < exact);
            total += value;
            // In units fine enough for all divisions it is exact.
            let fine = shapley(sets.iter().map(|(members, worth)| (*members, worth * 360_360)), players).unwrap();
            prop_assert_eq!(fine[player] * exact, sum * 360_360);
        }
        prop_assert_eq!(total, worth(u16::MAX));
    }

    /// Removal effects by their definition: the equations of the chain solved with and without each label.
    #[test]
    fn removal_is_what_is_lost(
        counts in proptest::collection::vec(0..50i128, 5 * 7),
        values in proptest::collection::vec(0..1_000_000i128, 5),
    ) {
        let places = |at: usize| if at == 0 { Place::Start } else { Place::Touch(at - 1) };
        let mut moves = Moves::new();
        for from in 0..5 {
            for to in 1..5 {
                moves.insert((places(from), places(to)), Sum { count: counts[from * 7 + to], value: 0 });
            }
            // Every place has a way out.
            moves.insert((places(from), Place::Converted), Sum { count: counts[from * 7 + 5] + 1, value: values[from] });
            moves.insert((places(from), Place::Lost), Sum { count: counts[from * 7 + 6] + 1, value: 0 });
        }
        let found = Chain::new(4, &moves).removal().unwrap();
        let rewards = |of: fn(&Sum) -> i128, to_value: bool| -> Vec<f64> {
            let whole = expected(&moves, None, of);
            (1..5).map(|label| 1.0 - expected(&moves, Some(label), of)[0] / whole[0])
                .chain([if to_value { 0.0 } else { whole[0] }]).collect()
        };
        let conversions = rewards(|sum| sum.count, false);
        for (one, two) in found.conversions.iter().zip(&conversions) {
            prop_assert!((one - two).abs() < 1e-10, "{one} is not {two}");
        }
        prop_assert!((found.conversion - conversions[4]).abs() < 1e-12);
        if values.iter().sum::<i128>() > 0 {
            for (one, two) in found.value.unwrap().iter().zip(rewards(|sum| sum.value, true)) {
                prop_assert!((one - two).abs() < 1e-9, "{one} is not {two}");
            }
        }
    }
}

/// What a journey at each place is expected to bring in the end, by Gauss and Jordan; journeys that come to `removed` are lost.
fn expected(moves: &Moves<usize>, removed: Option<usize>, of: fn(&Sum) -> i128) -> Vec<f64> {
    let index = |place: &Place<usize>| match place {
        Place::Start => Some(0),
        Place::Touch(label) => Some(label + 1),
        Place::Converted | Place::Lost => None,
    };
    let n = 5;
    let mut system = vec![vec![0.0; n + 1]; n];
    for (at, row) in system.iter_mut().enumerate() {
        row[at] = 1.0;
        let leaving = moves.iter().filter(|((from, _), _)| index(from) == Some(at));
        let out: i128 = leaving.clone().map(|(_, sum)| sum.count).sum();
        for ((_, to), sum) in leaving {
            match (index(to), to) {
                (Some(to), _) if removed.is_none() || (removed != Some(to) && removed != Some(at)) => {
                    row[to] -= sum.count as f64 / out as f64;
                }
                (None, Place::Converted) if removed != Some(at) => row[n] += of(sum) as f64 / out as f64,
                _ => {}
            }
        }
    }
    for column in 0..n {
        let pivot = (column..n).max_by(|a, b| system[*a][column].abs().total_cmp(&system[*b][column].abs())).unwrap();
        system.swap(column, pivot);
        let row = system[column].clone();
        for other in (0..n).filter(|other| *other != column) {
            let factor = system[other][column] / row[column];
            for (left, right) in system[other].iter_mut().zip(&row) {
                *left -= factor * right;
            }
        }
    }
    (0..n).map(|at| system[at][n] / system[at][at]).collect()
}

#[test]
fn one_label_gets_everything() {
    let journey = [touch("email", 0), touch("email", DAY), conversion(59_900_000, 2 * DAY), conversion(1, 2 * DAY + 1)];
    let told = tell(&journey, &RULES);
    let all = Sum { count: 2_000_000, value: 59_900_001 };
    assert_eq!(told.credits.into_iter().collect::<Vec<_>>(), [("email".into(), [all; 5])]);
    let label = |place: &Place<Arc<str>>| match place {
        Place::Touch(_) => Place::Touch(0),
        Place::Start => Place::Start,
        Place::Converted => Place::Converted,
        Place::Lost => Place::Lost,
    };
    let moves = told.moves.iter().map(|((from, to), sum)| ((label(from), label(to)), *sum)).collect();
    let removal = Chain::new(1, &moves).removal().unwrap();
    assert_eq!((removal.conversion, &removal.conversions[..]), (1.0, &[1.0][..]));
    assert_eq!(removal.value, Ok(vec![1.0]));
    assert_eq!(Removal::credit(&removal.conversions, 7), [7]);
    assert_eq!(shapley([(1, 59_900_001)], 1), Some(vec![59_900_001]));
}

/// Worked by hand: three touches, the conversion two half-lives after the first and one after the second.
#[test]
fn by_hand() {
    let journey = [touch("a", 0), touch("b", DAY), touch("c", 2 * DAY), conversion(70_000_000, 2 * DAY)];
    let told = tell(&journey, &RULES);
    let counts = |model: usize| -> Vec<i128> { told.credits.values().map(|credit| credit[model].count).collect() };
    assert_eq!(counts(0), [1_000_000, 0, 0]);
    assert_eq!(counts(1), [0, 0, 1_000_000]);
    // The odd millionth goes to the first of equal labels.
    assert_eq!(counts(2), [333_334, 333_333, 333_333]);
    assert_eq!(counts(3), [400_000, 200_000, 400_000]);
    assert_eq!(counts(4), [142_857, 285_714, 571_429]);
    let values: Vec<i128> = told.credits.values().map(|credit| credit[4].value).collect();
    assert_eq!(values, [10_000_000, 20_000_000, 40_000_000]);
}

#[test]
fn the_lookback_is_inclusive_and_corrections_follow_their_conversion() {
    let rules = Rules { lookback: Some(DAY), half_life: 1 };
    let mut journey = vec![touch("old", 0), touch("in", 1), conversion(5, DAY + 1)];
    journey.extend([touch("later", DAY + 2), Moment { at: DAY + 3, step: Step::Correction(-5) }]);
    let told = tell(&journey, &rules);
    assert_eq!(told.all, Sum { count: 1, value: 0 });
    assert_eq!(told.credits["in"], [Sum { count: 1_000_000, value: 0 }; 5]);
    assert_eq!((told.credits["old"], told.credits["later"]), ([Sum::default(); 5], [Sum::default(); 5]));
    assert_eq!(told.sets.into_iter().collect::<Vec<_>>(), [(vec!["in".into()], Sum { count: 1, value: 0 })]);
    // A conversion that nobody was touched before is credited to none.
    let told = tell(&[conversion(5, 0), touch("later", 1)], &rules);
    assert_eq!((told.untouched, told.all), (Sum { count: 1, value: 5 }, Sum { count: 1, value: 5 }));
}

#[test]
fn without_conversions_or_touches_there_is_no_removal() {
    assert_eq!(Chain::new(2, &Moves::new()).removal(), Err(Undefined::NoTouches));
    let one = Sum { count: 1, value: 0 };
    let lost = Moves::from([((Place::Start, Place::Touch(0)), one), ((Place::Touch(0), Place::Lost), one)]);
    assert_eq!(Chain::new(1, &lost).removal(), Err(Undefined::NoConverters));
    // A way that leads nowhere loses who takes it; a conversion without a value has no share of value.
    let mut moves = lost.clone();
    moves.extend([
        ((Place::Start, Place::Touch(1)), one),
        ((Place::Start, Place::Touch(2)), Sum { count: 2, value: 0 }),
    ]);
    moves.insert((Place::Touch(1), Place::Converted), one);
    let removal = Chain::new(3, &moves).removal().unwrap();
    assert_eq!((removal.conversion, &removal.conversions[..]), (0.25, &[0.0, 1.0, 0.0][..]));
    assert_eq!(removal.value, Err(Undefined::NoValue));
}

#[test]
fn shapley_refuses_what_it_cannot_name() {
    assert_eq!(shapley([(0b10, 1)], 1), None);
    assert_eq!(shapley([], MAX_PLAYERS + 1), None);
    assert_eq!(shapley([(1, i128::MAX)], 1), None);
    assert_eq!(shapley([(0, 5), (0b11, 3)], 2), Some(vec![2, 1]));
}
