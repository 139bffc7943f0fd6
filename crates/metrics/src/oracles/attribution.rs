//! Attribution, against pandas over the click stream and the baskets of `data`, and against fractions.

use std::collections::BTreeMap;
use std::io::Read;
use std::sync::Arc;

use journey::{Amount, DAY_MICROS, Day, Instant, UNIT};

use super::{Disagreements, EXACT, numbers, rows};
use crate::attribution::{Chain, Heuristic, Moment, Moves, Place, Rules, Step, Sum, Told, shapley, tell};

/// Microseconds in a second.
const SECOND: i64 = 1_000_000;
/// The half-life of both oracles: one day.
const HALF_LIFE: u64 = DAY_MICROS.unsigned_abs();

fn data(path: &str) -> Vec<u8> {
    let path = format!("{}/../../data/{path}", env!("CARGO_MANIFEST_DIR"));
    std::fs::read(&path).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// What all persons add, each with the steps in order.
fn told(persons: BTreeMap<&str, Vec<(i64, u64, Step)>>, rules: &Rules) -> Told {
    let mut all = Told::default();
    for mut steps in persons.into_values() {
        steps.sort_by_key(|(at, order, _)| (*at, *order));
        let moments: Vec<Moment> = steps.into_iter().map(|(at, _, step)| Moment { at, step }).collect();
        all += &tell(&moments, rules);
    }
    all
}

/// The click stream: views, carts and favourites are touches, a purchase is a conversion without a value.
fn clicks(text: &str) -> Told {
    let mut persons: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for (order, line) in (0..).zip(text.lines()) {
        let [person, _, _, behaviour, seconds] = line.split(',').collect::<Vec<_>>()[..] else { panic!("{line}") };
        let step = if behaviour == "buy" { Step::Conversion(0) } else { Step::Touch(behaviour.into()) };
        persons.entry(person).or_default().push((seconds.parse::<i64>().unwrap() * SECOND, order, step));
    }
    told(persons, &Rules { lookback: None, half_life: HALF_LIFE })
}

/// The baskets: campaigns are touches by their type as their first day begins, a basket is a conversion.
fn baskets(sent: &str, campaigns: &str, baskets: &str) -> Told {
    let start = |day: &str| i64::from(Day::parse(day, "").unwrap().number()) * DAY_MICROS;
    let first = Instant::parse("2017-01-01T11:53:26Z", "").unwrap().micros();
    let campaigns: BTreeMap<&str, (&str, i64)> = campaigns
        .lines()
        .skip(1)
        .map(|line| {
            let fields: Vec<&str> = line.split(',').collect();
            (fields[0], (fields[1], start(fields[2])))
        })
        .collect();
    let mut persons: BTreeMap<&str, Vec<_>> = BTreeMap::new();
    for line in sent.lines().skip(1) {
        let (campaign, person) = line.split_once(',').unwrap();
        let (kind, at) = campaigns[campaign];
        if at >= first {
            persons.entry(person).or_default().push((at, campaign.parse().unwrap(), Step::Touch(kind.into())));
        }
    }
    for line in baskets.lines().skip(1) {
        let fields: Vec<&str> = line.split(',').collect();
        let at = Instant::parse(&format!("{}Z", fields[3]), "").unwrap().micros();
        let value = Amount::parse(fields[6], "").unwrap().units();
        persons.entry(fields[0]).or_default().push((at, fields[1].parse().unwrap(), Step::Conversion(value)));
    }
    told(persons, &Rules { lookback: Some(30 * DAY_MICROS), half_life: HALF_LIFE })
}

#[test]
fn heuristics_and_sets() {
    let text = |path| String::from_utf8(data(path)).unwrap();
    let mut unpacked = String::new();
    let packed = data("complete_journey/baskets.csv.gz");
    flate2::read::GzDecoder::new(&packed[..]).read_to_string(&mut unpacked).unwrap();
    let sources = BTreeMap::from([
        ("clicks", clicks(&text("taobao_user_behavior/UserBehavior_first_4321.csv"))),
        (
            "baskets",
            baskets(
                &text("complete_journey/campaigns.csv"),
                &text("complete_journey/campaign_descriptions.csv"),
                &unpacked,
            ),
        ),
    ]);
    let units = |number: &str| number.parse::<f64>().unwrap() * UNIT as f64;
    let mut found = Disagreements::default();
    for row in rows("attribution.csv") {
        let told = &sources[row[0].as_str()];
        let model = Heuristic::ALL.iter().position(|heuristic| heuristic.word() == row[1]).unwrap();
        let credit = told.credits[row[2].as_str()][model];
        // Each conversion is rounded to whole units, less than one off: so many units at most.
        let rounded = (told.all.count - told.untouched.count) as f64;
        for (credit, expected) in [(credit.count, &row[3]), (credit.value, &row[4])] {
            let off = (credit as f64 - units(expected)).abs();
            found.check::<()>(&format!("{row:?}"), Ok(off), Some(0.0), 1.0, rounded);
        }
    }
    for row in rows("attribution_sets.csv") {
        let told = &sources[row[0].as_str()];
        let set: Vec<Arc<str>> = row[1].split('+').filter(|label| !label.is_empty()).map(Into::into).collect();
        let sum = if set.is_empty() { told.untouched } else { told.sets[&set] };
        found.close(&format!("{row:?}"), sum.count as f64, row[2].parse().unwrap(), 0.0);
        found.check::<()>(&format!("{row:?}"), Ok(sum.value as f64), Some(units(&row[3])), EXACT, 0.0);
    }
    found.none(80);
    // Shapley's values share what the sets achieved: worked out from `attribution_sets.csv` for the click stream.
    let sets = sources["clicks"].sets.iter().map(|(set, sum)| {
        let bit = |label: &Arc<str>| match &**label {
            "cart" => 1,
            "fav" => 2,
            _ => 4,
        };
        (set.iter().map(bit).sum::<u16>(), sum.count * 6)
    });
    // (34 / 2 + 11 / 3, 12 / 2 + 11 / 3, 18 + 34 / 2 + 12 / 2 + 11 / 3) in sixths.
    assert_eq!(shapley(sets, 3), Some(vec![124, 58, 268]));
}

/// The five models of `data/taobao_user_behavior/expected.json`, as they are published there.
#[test]
fn five_models_as_published() {
    let text = String::from_utf8(data("taobao_user_behavior/UserBehavior_first_4321.csv")).unwrap();
    let told = clicks(&text);
    assert_eq!((told.all.count, told.untouched.count), (77, 2));
    let mut found = Disagreements::default();
    for (model, pv, cart, fav) in [
        (Heuristic::Last, 72.0, 3.0, 0.0),
        (Heuristic::First, 61.0, 14.0, 0.0),
        (Heuristic::Linear, 68.48429235598165, 4.8323109412094745, 1.6833967028101122),
        (Heuristic::Position, 66.91301558841216, 7.7312794586027245, 0.35570495298581345),
        (Heuristic::TimeDecay, 68.90069912882102, 4.397823731338914, 1.7014771398398394),
    ] {
        let at = Heuristic::ALL.iter().position(|other| *other == model).unwrap();
        for (label, expected) in [("pv", pv), ("cart", cart), ("fav", fav)] {
            let credit = told.credits[label][at].count as f64 / UNIT as f64;
            // 75 credited purchases, each less than a millionth off.
            found.check::<()>(model.word(), Ok((credit - expected).abs()), Some(0.0), 1.0, 75e-6);
        }
    }
    found.none(15);
}

/// Removal effects in fractions, solved from their definition.
#[test]
fn removal() {
    let mut found = Disagreements::default();
    for row in rows("removal.csv") {
        let place = |at: usize| if at == 0 { Place::Start } else { Place::Touch(at - 1) };
        let mut moves = Moves::new();
        for (from, line) in row[1].split('/').enumerate() {
            for (to, count) in numbers::<i128>(line).into_iter().enumerate().filter(|(to, _)| *to > 0) {
                moves.insert((place(from), place(to)), Sum { count, value: 0 });
            }
        }
        let (converted, lost, value) = (numbers::<i128>(&row[2]), numbers::<i128>(&row[3]), numbers::<i128>(&row[4]));
        for from in 0..converted.len() {
            moves.insert((place(from), Place::Converted), Sum { count: converted[from], value: value[from] });
            moves.insert((place(from), Place::Lost), Sum { count: lost[from], value: 0 });
        }
        let removal = Chain::new(row[0].parse().unwrap(), &moves).removal().unwrap();
        found.close(&row[1], removal.conversion, row[5].parse().unwrap(), EXACT);
        let effects = removal.conversions.iter().zip(numbers(&row[6]));
        for (effect, expected) in effects.chain(removal.value.unwrap().iter().zip(numbers(&row[7]))) {
            found.close(&row[1], *effect, expected, EXACT);
        }
    }
    found.none(300);
}
