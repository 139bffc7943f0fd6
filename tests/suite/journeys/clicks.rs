//! A real click stream against an independent computation: `data/taobao_user_behavior`, `tests/oracles/attribution.py` (pandas 2.3.3).

use chrono::{DateTime, TimeDelta, Utc};
use serde_json::{Value, json};
use tests::contract::repository;
use tests::events::{event, exposure, with};
use tests::{Tenant, World};

use super::of_arm;

tests::cases![clicks_give_funnels_paths_and_stages_of_pandas_and_the_five_models_as_published];

/// The clicks, moved by whole days so that the last of them lie a month back: person, behaviour, time, line.
fn clicks() -> Vec<(String, String, DateTime<Utc>, usize)> {
    let last = DateTime::from_timestamp(1_512_316_799, 0).unwrap().date_naive();
    let shift: TimeDelta = tests::moment::date_ago(30) - last;
    let path = repository().join("data/taobao_user_behavior/UserBehavior_first_4321.csv");
    let text = std::fs::read_to_string(path).unwrap();
    let read = |(line, text): (usize, &str)| {
        let [person, _, _, behaviour, seconds] = text.split(',').collect::<Vec<_>>()[..] else { panic!("{text}") };
        let at = DateTime::from_timestamp(seconds.parse().unwrap(), 0).unwrap() + shift;
        (person.to_owned(), behaviour.to_owned(), at, line)
    };
    text.lines().enumerate().map(read).collect()
}

/// Everybody is exposed by their first click, half of them to each arm by the parity of their number.
async fn with_clicks(world: &World) -> Tenant {
    let tenant = world.tenant_in("USD", "UTC").await;
    tenant.metric("bought", &json!({"kind": "conversion", "event": "buy"})).await;
    let arms = json!({"window_days": null, "control": "even",
        "arms": [{"key": "even", "weight": 1}, {"key": "odd", "weight": 1}]});
    tenant.experiment("e", &with(tests::events::experiment(&["bought"]), &arms)).await;
    let clicks = clicks();
    let mut events = Vec::new();
    let mut first = std::collections::BTreeMap::new();
    for (person, behaviour, at, line) in &clicks {
        // Ids in the order of the file, which is that of events of one second.
        let id = format!("00000000-0000-4000-8000-{line:012}");
        events.push(with(event(&id, person, behaviour, *at), &json!({"properties": {"behaviour": behaviour}})));
        let known = first.entry(person.clone()).or_insert(*at);
        *known = (*known).min(*at);
    }
    for (person, at) in first {
        let arm = if person.parse::<u64>().unwrap() % 2 == 0 { "even" } else { "odd" };
        events.push(exposure(&format!("x{person}"), &person, "e", arm, at));
    }
    tenant.accept(&events).await;
    tenant
}

async fn clicks_give_funnels_paths_and_stages_of_pandas_and_the_five_models_as_published() {
    let world = World::new().await;
    let tenant = with_clicks(&world).await;
    let path = repository().join("tests/oracles/data/journeys.csv");
    let mut reader = csv::Reader::from_path(path).unwrap();
    let rows: Vec<Counted> = reader.deserialize().map(Result::unwrap).collect();
    funnels_are_alike(&tenant, &rows).await;
    paths_are_alike(&tenant, &rows).await;
    stages_are_alike(&tenant, &rows).await;

    // `expected.json` knows of no arms: the two together.
    let expected = std::fs::read_to_string(repository().join("data/taobao_user_behavior/expected.json")).unwrap();
    let expected: Value = serde_json::from_str(&expected).unwrap();
    let published = &expected["complete_head_43_users"]["attribution"];
    for (model, name) in [
        ("last", "last_touch"),
        ("first", "first_touch"),
        ("linear", "linear"),
        ("position", "position_40_20_40"),
        ("time_decay", "time_decay_half_life"),
    ] {
        let query = format!("by=event&conversion=buy&half_life_days=1&lookback_days=3650&model={model}");
        let answer = super::measured(&tenant, &format!("/v1/experiments/e/attribution?{query}")).await;
        for label in ["pv", "cart", "fav"] {
            let credit = |arm: &str| -> f64 {
                let lines = of_arm(&answer["arms"], arm)["credits"].as_array().unwrap().clone();
                let line = lines.iter().find(|line| line["label"] == label).unwrap();
                line["conversions"].as_str().unwrap().parse().unwrap()
            };
            let wanted = published["credit_by_touch_type"][name][label].as_f64().unwrap();
            // 75 purchases, each rounded to whole millionths.
            let found = credit("even") + credit("odd");
            assert!((found - wanted).abs() <= 75e-6, "{model} {label}: {found} instead of {wanted}");
        }
        let untouched = |arm: &str| -> i64 {
            let line = of_arm(&answer["arms"], arm)["credits"].as_array().unwrap().last().unwrap().clone();
            line["conversions"].as_str().unwrap().parse().unwrap()
        };
        assert_eq!(json!(untouched("even") + untouched("odd")), published["uncredited_buys"]);
    }
}

/// Arm, what is counted, of what, and how many.
type Counted = (String, String, String, i64);

/// What is counted under `what`.
fn of<'a>(rows: &'a [Counted], what: &'a str) -> impl Iterator<Item = (&'a str, &'a str, i64)> {
    rows.iter().filter(move |row| row.1 == what).map(|row| (row.0.as_str(), row.2.as_str(), row.3))
}

async fn funnels_are_alike(tenant: &Tenant, rows: &[Counted]) {
    for (order, name) in [("loose", "reach"), ("strict", "reach_strict")] {
        let query = format!("steps=pv,cart,buy&order={order}");
        let answer = super::measured(tenant, &format!("/v1/experiments/e/funnel?{query}")).await;
        assert_eq!(of(rows, name).count(), 6);
        for (arm, step, count) in of(rows, name) {
            let step = &answer["steps"][step.parse::<usize>().unwrap() - 1];
            let found = of_arm(&step["reach"]["arms"], arm);
            assert_eq!(found["tally"]["sum"], json!(count.to_string()), "{order} {arm}: {found}");
        }
    }
}

async fn paths_are_alike(tenant: &Tenant, rows: &[Counted]) {
    let query = "by=event&conversion=buy&depth=4&limit=200";
    let answer = super::measured(tenant, &format!("/v1/experiments/e/paths?{query}")).await;
    let mut found = Vec::new();
    for arm in ["even", "odd"] {
        for (end, letter) in [("converted", "c"), ("dropped_off", "d")] {
            for path in of_arm(&answer["arms"], arm)[end]["paths"].as_array().unwrap() {
                let touches: Vec<&str> =
                    path["touches"].as_array().unwrap().iter().map(|touch| touch.as_str().unwrap()).collect();
                let more = if path["more"] == true { "+" } else { "=" };
                found.push((arm, format!("{letter}{more}{}", touches.join(">")), path["persons"].as_i64().unwrap()));
            }
        }
    }
    found.sort();
    let mut wanted: Vec<_> = of(rows, "path").map(|(arm, path, count)| (arm, path.to_owned(), count)).collect();
    wanted.sort();
    assert_eq!(found, wanted);
}

async fn stages_are_alike(tenant: &Tenant, rows: &[Counted]) {
    const STAGES: [&str; 3] = ["pv", "cart", "buy"];
    let stages = json!(STAGES.map(|stage| json!({"stage": stage, "event": stage})));
    let answer = super::measured(tenant, &format!("/v1/experiments/e/stages?stages={stages}")).await;
    let at = |stage: &str| STAGES.iter().position(|known| *known == stage).unwrap();
    for (arm, stage, count) in of(rows, "stage_reached") {
        let reached = of_arm(&answer["stages"][at(stage)]["reached"]["arms"], arm);
        assert_eq!(reached["tally"]["sum"], json!(count.to_string()), "{stage} {arm}");
    }
    for (arm, stage, count) in of(rows, "stage_now") {
        assert_eq!(of_arm(&answer["arms"], arm)["now"][at(stage)], count, "{stage} {arm}");
    }
    for (arm, stages, count) in of(rows, "stage_move") {
        let (from, to) = stages.split_once('>').unwrap();
        assert_eq!(of_arm(&answer["arms"], arm)["moves"][at(from)][at(to)], count, "{stages} {arm}");
    }
}
