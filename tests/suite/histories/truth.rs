//! The truth: all events, resolved and folded from scratch, and what is stored held against it.
//!
//! Persons are found here by a few lines that share nothing with the product; the fold is the product's, whose own laws
//! are tested where it lives. Of an id that was sent with several bodies the stored one counts, whichever came first.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, Utc};
use journey::{
    Amount, Channel, CrossoverPolicy, Day, Definition, EventId, Exposure, Fact, Happening, Instant, Key, Zone,
};
use metrics::fold::fold;
use metrics::plan::Plan;
use metrics::reading::{Through, read};
use metrics::tally::{Direction, Row, RowKey, Tally};
use serde_json::Value;
use sqlx::Row as _;
use store::{Detail, Measured, Question, TenantStore};
use tests::Tenant;
use uuid::Uuid;

use super::drive::Stage;
use super::history::{EXPERIMENTS, History};

/// A stored event: its subjects, and what the fold sees.
struct Known {
    subjects: Vec<String>,
    body: Value,
    id: EventId,
}

/// The rows of an experiment as answers read them; with a budget, moved by what waits in the queue.
async fn rows(reader: &TenantStore, key: &str, budget: Option<Duration>) -> Option<(Measured, BTreeMap<RowKey, Row>)> {
    let through = Day::from(NaiveDate::from_ymd_opt(9999, 1, 1).unwrap());
    let question =
        Question { experiment: key, by: Some("device"), detail: Some(Detail::Spans), since: None, through, budget };
    loop {
        let measured = reader.measured(question).await.unwrap()?;
        let of_customers = Question { by: None, detail: Some(Detail::Customers), ..question };
        let other = reader.measured(of_customers).await.unwrap()?;
        if other.version != measured.version {
            // A new version was switched to in between.
            continue;
        }
        let lenses = &measured.definition.experiment.lenses;
        let mut of_lenses = Vec::new();
        for lens in lenses {
            let through_it = Question { by: None, detail: Some(Detail::Lens(lens)), ..question };
            of_lenses.push(reader.measured(through_it).await.unwrap()?);
        }
        if of_lenses.iter().any(|seen| seen.version != measured.version) {
            continue;
        }
        let by_device = measured.dimension.as_ref().expect("the experiment's dimension");
        let spans = &measured.detail.as_ref().expect("its spans").rows;
        let customers = &other.detail.as_ref().expect("its customers").rows;
        let all = [&measured.everyone, &by_device.rows, spans, customers];
        let of_lenses = of_lenses.iter().map(|seen| &seen.detail.as_ref().expect("what its lens shows").rows);
        let rows = all.into_iter().chain(of_lenses).flat_map(|rows| rows.iter().cloned()).collect();
        return Some((measured, rows));
    }
}

/// Holds a strong read, right after the last acknowledgement, against the fold of all events that arrived.
pub async fn check_ahead(stage: &Stage, tenant: &Tenant, history: &History, phase: u8, arrived: &[usize]) {
    let zone = Zone::parse(history.zone, "").unwrap();
    let reader = stage.reader.authenticate(tenant.read.key().unwrap()).await.unwrap();
    let known = stored_events(stage, tenant, history, arrived).await;
    let persons = components(&known);
    for key in EXPERIMENTS {
        let Some((measured, read)) = rows(&reader, key, Some(Duration::from_secs(20))).await else { continue };
        assert!(
            measured.complete && measured.fresh.pending_subjects == 0,
            "{key} in phase {phase}: {:?}",
            measured.fresh
        );
        let (tally, _) = folded(&measured.definition, zone, &known, &persons, None);
        differences(&format!("{key} right after phase {phase}"), &read, &tally);
    }
}

/// Holds what is stored against the fold of all events that arrived.
pub async fn check(stage: &Stage, tenant: &Tenant, history: &History, phase: u8, arrived: &[usize]) {
    let zone = Zone::parse(history.zone, "").unwrap();
    let known = stored_events(stage, tenant, history, arrived).await;
    let persons = components(&known);
    let reader = stage.reader.authenticate(tenant.read.key().unwrap()).await.unwrap();
    for key in EXPERIMENTS {
        let Some((measured, stored)) = rows(&reader, key, None).await else { continue };
        assert!(measured.complete, "{key} is not complete after phase {phase}");
        let definition = measured.definition.clone();
        let (tally, contributions) = folded(&definition, zone, &known, &persons, None);
        differences(&format!("{key} after phase {phase}"), &stored, &tally);
        assert_eq!(
            bodies(stage, tenant, measured.version).await,
            contributions,
            "contributions to {key} after phase {phase}"
        );
        prefix_law(&definition, zone, &known, &persons, &stored);
    }
    // What is left of former versions is being swept; of versions that are gone nothing may be left.
    let orphans: i64 = sqlx::query_scalar(
        "SELECT count(*) FROM (SELECT definition_id FROM tally WHERE tenant_id = $1 UNION ALL \
         SELECT definition_id FROM tally_change WHERE tenant_id = $1 UNION ALL \
         SELECT definition_id FROM contribution WHERE tenant_id = $1) AS rows \
         WHERE definition_id NOT IN (SELECT definition_id FROM definition WHERE tenant_id = $1)",
    )
    .bind(id(tenant))
    .fetch_one(&stage.superuser)
    .await
    .unwrap();
    assert_eq!(orphans, 0, "rows of versions that are gone");
    let left: i64 = sqlx::query_scalar("SELECT count(*) FROM touched WHERE tenant_id = $1")
        .bind(id(tenant))
        .fetch_one(&stage.superuser)
        .await
        .unwrap();
    assert_eq!(left, 0, "touched subjects are left");
}

fn id(tenant: &Tenant) -> Uuid {
    tenant.id.parse().unwrap()
}

/// The events that are stored, each as one of the bodies that were sent under its id; and none is missing.
async fn stored_events(stage: &Stage, tenant: &Tenant, history: &History, arrived: &[usize]) -> Vec<Known> {
    let rows = sqlx::query("SELECT event_id, subject, occurred_at, value, data FROM event WHERE tenant_id = $1")
        .bind(id(tenant))
        .fetch_all(&stage.superuser)
        .await
        .unwrap();
    let mut rows: HashMap<Uuid, _> = rows.into_iter().map(|row| (row.get::<Uuid, _>("event_id"), row)).collect();
    let known = arrived.iter().map(|number| {
        let event = &history.events[*number];
        let event_id = EventId::parse(&format!("event {number}"), "").unwrap();
        let row =
            rows.remove(&Uuid::from_bytes(event_id.bytes())).unwrap_or_else(|| panic!("event {number} is not stored"));
        let bodies = [false, true].map(|altered| event.body(*number, altered));
        let is_stored = |body: &&Value| {
            let value = body["value"].as_str().map(|text| Amount::parse(text, "").unwrap().units());
            let data: Option<Value> = row.get("data");
            let properties =
                data.as_ref().and_then(|data| data.get("properties")).cloned().unwrap_or(serde_json::json!({}));
            row.get::<Option<i64>, _>("value") == value && properties == body["properties"]
        };
        let body = bodies
            .iter()
            .find(is_stored)
            .unwrap_or_else(|| panic!("event {number} is stored with a body that nobody sent"));
        let mut subjects = Vec::new();
        for (field, kinds) in [("user_id", &["u"][..]), ("anonymous_id", &["a"]), ("previous_id", &["a", "u"])] {
            if let Some(text) = body[field].as_str() {
                subjects.extend(kinds.iter().map(|kind| format!("{kind}:{text}")));
            }
        }
        assert_eq!(row.get::<String, _>("subject"), subjects[0], "the subject of event {number}");
        let at: DateTime<Utc> = row.get("occurred_at");
        assert_eq!(Instant::from(at), Instant::parse(body["occurred_at"].as_str().unwrap(), "").unwrap());
        Known { subjects, body: body.clone(), id: event_id }
    });
    let known: Vec<_> = known.collect();
    assert!(rows.is_empty(), "{} stored events were never sent", rows.len());
    known
}

/// The person of every subject: the smallest subject that it is linked with, however far.
fn components(known: &[Known]) -> HashMap<String, String> {
    let mut person: HashMap<String, String> = known
        .iter()
        .flat_map(|event| event.subjects.iter().map(|subject| (subject.clone(), subject.clone())))
        .collect();
    loop {
        let mut settled = true;
        for event in known {
            let smallest = event.subjects.iter().map(|subject| &person[subject]).min().unwrap().clone();
            for subject in &event.subjects {
                if person[subject] != smallest {
                    person.insert(subject.clone(), smallest.clone());
                    settled = false;
                }
            }
        }
        if settled {
            return person;
        }
    }
}

fn happening(event: &Known, plan: &Plan) -> Happening {
    let text = |field: &str| event.body[field].as_str();
    let place =
        |place: &[String]| place.iter().try_fold(&event.body, |value, key| value.get(key)).and_then(Value::as_str);
    let fact = |path: &journey::Path| {
        let found = path.places().iter().find_map(|keys| place(keys).map(|text| Fact::One(text.into())));
        found.unwrap_or_default()
    };
    let name = text("name").unwrap();
    let property = |key: &str| Key::parse(event.body["properties"][key].as_str().unwrap(), "").unwrap();
    Happening {
        at: Instant::parse(text("occurred_at").unwrap(), "").unwrap(),
        id: event.id,
        name: name.into(),
        channel: text("channel").map(|word| Channel::parse(word, "").unwrap()),
        stage: None,
        value: text("value").map(|value| Amount::parse(value, "").unwrap()),
        foreign: text("currency").is_some_and(|code| code != "EUR"),
        exposure: (name == "Experiment Viewed")
            .then(|| Exposure { experiment: property("experiment_id"), arm: property("variation_id") }),
        facts: plan.paths.iter().map(fact).collect(),
    }
}

/// The tally and the contributions of all persons, from the events before `end`.
fn folded(
    definition: &Arc<Definition>,
    zone: Zone,
    known: &[Known],
    persons: &HashMap<String, String>,
    end: Option<Instant>,
) -> (Tally, BTreeMap<String, Vec<u8>>) {
    let plan = Plan::new(vec![definition.clone()], zone);
    let mut journeys: BTreeMap<&str, Vec<Happening>> = BTreeMap::new();
    for event in known {
        let happening = happening(event, &plan);
        if end.is_none_or(|end| happening.at < end) {
            journeys.entry(&persons[&event.subjects[0]]).or_default().push(happening);
        }
    }
    let (mut tally, mut contributions) = (Tally::default(), BTreeMap::new());
    for (person, mut journey) in journeys {
        journey.sort_by_key(Happening::position);
        let contribution = fold(&plan, 0, &journey);
        if !contribution.is_empty() {
            tally.apply(definition, &contribution, Direction::Add);
            contributions.insert(person.to_owned(), contribution.to_bytes());
        }
    }
    (tally, contributions)
}

/// Every row must be the same, and no row of zeros may be left.
fn differences(what: &str, stored: &BTreeMap<RowKey, Row>, tally: &Tally) {
    let wanted: BTreeMap<&RowKey, &Row> = tally.rows.iter().filter(|(_, row)| !row.is_zero()).collect();
    let keys: BTreeSet<&RowKey> = stored.keys().chain(wanted.keys().copied()).collect();
    for key in keys {
        assert_eq!(
            stored.get(key),
            wanted.get(key).copied(),
            "{what}: the row {key:?}, stored on the left, the truth on the right"
        );
    }
}

async fn bodies(stage: &Stage, tenant: &Tenant, version: i64) -> BTreeMap<String, Vec<u8>> {
    let rows = sqlx::query("SELECT person, body FROM contribution WHERE tenant_id = $1 AND definition_id = $2")
        .bind(id(tenant))
        .bind(version)
        .fetch_all(&stage.superuser)
        .await
        .unwrap();
    rows.iter().map(|row| (row.get("person"), row.get("body"))).collect()
}

/// As of every day, the stored rows up to it read as the fold of the events up to its end.
fn prefix_law(
    definition: &Arc<Definition>,
    zone: Zone,
    known: &[Known],
    persons: &HashMap<String, String>,
    stored: &BTreeMap<RowKey, Row>,
) {
    let first = NaiveDate::from_ymd_opt(2026, 10, 14).unwrap();
    for offset in 0..40 {
        let day = Day::from(first + chrono::Days::new(offset));
        let through = Through { live: day, matured: day, end: zone.end_of(day) };
        let (tally, _) = folded(definition, zone, known, persons, Some(through.end));
        for dimension in 0..2 {
            for policy in [CrossoverPolicy::First, CrossoverPolicy::Exclude] {
                let of = |key: &&RowKey| key.dimension == dimension;
                let as_of = read(definition, stored.iter().filter(|(key, _)| of(key)), through, policy);
                let law = read(definition, tally.rows.iter().filter(|(key, _)| of(key)), through, policy);
                assert_eq!(as_of, law, "the prefix law as of {day} for dimension {dimension} and {policy:?}");
            }
        }
    }
}
