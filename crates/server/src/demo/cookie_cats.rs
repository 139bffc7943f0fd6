//! The gate test of the mobile game Cookie Cats: 90 189 players, the first gate at level 30 or at level 40.
//!
//! Source: published by Tactile Entertainment with a project of Rasmus Bååth; see `data/cookie_cats/README.md`.

use anyhow::Context as _;
use flate2::read::GzDecoder;
use journey::Instant;
use serde_json::{Value, json};

use super::calendar;
use super::data::{DataSet, Persons, Totals};

const FILE: &[u8] = include_bytes!("../../../../data/cookie_cats/cookie_cats.csv.gz");

const EXPERIMENT: &str = "cookie-cats-gate";
const OPENED: &str = "Game Opened";
const PLAYED: &str = "Rounds Played";

/// The 0.999 quantile of the rounds of all players: one of them has 49 854.
const CAP: &str = "1073.624";

/// A player, as the file has one.
#[derive(Debug, Clone, serde::Deserialize)]
struct Player {
    userid: String,
    version: String,
    sum_gamerounds: u32,
    retention_1: String,
    retention_7: String,
}

#[derive(Debug)]
struct Players(Vec<Player>);

/// Reads the data.
pub(super) fn read() -> anyhow::Result<DataSet> {
    let players = csv::Reader::from_reader(GzDecoder::new(FILE))
        .into_deserialize()
        .collect::<Result<Vec<Player>, _>>()
        .context("the Cookie Cats data cannot be read")?;
    let cap = i128::from(journey::parse_units(CAP).ok().context("the cap is no amount")?);
    let mut totals = Totals::default();
    for player in &players {
        let arm = player.version.as_str();
        let rounds = i128::from(player.sum_gamerounds) * i128::from(journey::UNIT);
        totals.person(arm);
        totals.add_if("retention_1", arm, player.returned(1));
        totals.add_if("retention_7", arm, player.returned(7));
        totals.add_if("played", arm, rounds > 0);
        totals.add("rounds", arm, rounds);
        totals.add("rounds_capped", arm, rounds.min(cap));
        totals.events +=
            1 + u64::from(player.returned(1)) + u64::from(player.returned(7)) + u64::from(player.sum_gamerounds > 0);
    }
    Ok(DataSet {
        title: "Cookie Cats: the first gate at level 40 against level 30",
        tenant: "demo-cookie-cats",
        currency: "USD",
        time_zone: "Europe/Copenhagen",
        experiment: EXPERIMENT,
        metrics: metrics(),
        document: document(),
        persons: Box::new(Players(players)),
        totals,
    })
}

fn metrics() -> Vec<(&'static str, Value)> {
    vec![
        (
            "retention_1",
            json!({"kind": "retention", "event": OPENED, "from_day": 1, "to_day": 2, "description": "Came back on the day after"}),
        ),
        (
            "retention_7",
            json!({"kind": "retention", "event": OPENED, "from_day": 7, "to_day": 8, "description": "Came back after a week"}),
        ),
        ("played", json!({"kind": "conversion", "event": PLAYED, "description": "Played at least one round"})),
        ("rounds", json!({"kind": "sum", "event": PLAYED, "unit": "rounds", "description": "Rounds in two weeks"})),
        (
            "rounds_capped",
            json!({"kind": "sum", "event": PLAYED, "unit": "rounds", "cap": CAP, "description": "The same, each player counting for at most the 0.999 quantile"}),
        ),
    ]
}

fn document() -> Value {
    json!({
        "name": "Where the first gate stands",
        "tactic": "behavioral",
        "hypothesis": "A later gate keeps players longer.",
        "control": "gate_30",
        "arms": [{"key": "gate_30", "weight": 1}, {"key": "gate_40", "weight": 1}],
        "window_days": 14,
        "method": "frequentist",
        "metrics": [
            {"metric": "retention_7", "role": "primary"},
            {"metric": "retention_1", "role": "secondary"},
            {"metric": "played", "role": "secondary"},
            {"metric": "rounds", "role": "secondary"},
            {"metric": "rounds_capped", "role": "secondary"},
        ],
        "dimensions": [],
    })
}

impl Player {
    fn returned(&self, day: u8) -> bool {
        let flag = if day == 1 { &self.retention_1 } else { &self.retention_7 };
        flag.eq_ignore_ascii_case("true")
    }
}

impl Persons for Players {
    fn count(&self) -> usize {
        self.0.len()
    }

    fn events(&self, index: usize, starts_at: Instant, write: &mut dyn FnMut(&Value)) {
        let Some(player) = self.0.get(index) else { return };
        let (number, user) = (index as u64 + 1, &player.userid);
        let exposed = calendar::exposed_at(starts_at, number);
        write(&json!({
            "event_id": format!("{EXPERIMENT}-{user}-exposure"), "user_id": user, "name": journey::names::EXPOSURE,
            "occurred_at": exposed.to_string(), "channel": "app",
            "properties": {"experiment_id": EXPERIMENT, "variation_id": player.version},
        }));
        for day in [1u8, 7] {
            if player.returned(day) {
                let from = i64::from(day) * 24;
                let at = calendar::within(exposed, number, u64::from(day) + 1, from, from + 24);
                write(&json!({
                    "event_id": format!("{EXPERIMENT}-{user}-day-{day}"), "user_id": user, "name": OPENED,
                    "occurred_at": at.to_string(), "channel": "app",
                }));
            }
        }
        if player.sum_gamerounds > 0 {
            // The file has the sum of the two weeks and no single round: it is one event, when the sum was taken.
            let at = exposed.plus_micros(14 * journey::DAY_MICROS - 1_000_000);
            write(&json!({
                "event_id": format!("{EXPERIMENT}-{user}-rounds"), "user_id": user, "name": PLAYED,
                "occurred_at": at.to_string(), "channel": "app", "value": player.sum_gamerounds,
            }));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::demo::data::tests::assert_totals;

    #[test]
    fn the_rows_add_up_to_the_published_sums() {
        let data = read().unwrap();
        assert_totals(
            &data,
            include_str!("../../../../data/cookie_cats/expected.json"),
            &[("gate_30", "gate_30"), ("gate_40", "gate_40")],
            &["retention_1", "retention_7", "played", "rounds=sum_gamerounds", "rounds_capped=sum_gamerounds_capped"],
        );
    }

    #[test]
    fn returns_fall_on_their_days() {
        let data = read().unwrap();
        let start = Instant::parse("2026-10-25T04:00:00Z", "").unwrap();
        let mut events = 0;
        for index in 0..data.persons.count() {
            let mut exposed = None;
            data.persons.events(index, start, &mut |event| {
                events += 1;
                let at = Instant::parse(event["occurred_at"].as_str().unwrap(), "").unwrap();
                let exposed = *exposed.get_or_insert(at);
                let id = event["event_id"].as_str().unwrap();
                let days = |from, to| at >= exposed.plus_days(from) && at < exposed.plus_days(to);
                let fits = match id.rsplit_once('-').unwrap().1 {
                    "exposure" => days(0, 1),
                    "1" => days(1, 2),
                    "7" => days(7, 8),
                    _ => days(13, 14),
                };
                assert!(fits, "{event}");
            });
        }
        assert_eq!(events, data.totals.events);
    }
}
