//! Kevin Hillstrom's e-mail experiment: 64 000 customers, two e-mails against none, two weeks.
//!
//! Source: the `MineThatData` E-Mail Analytics and Data Mining Challenge, 2008; see `data/hillstrom/README.md`.

use std::sync::Arc;

use anyhow::Context as _;
use csv::StringRecord;
use flate2::read::GzDecoder;
use journey::{Instant, names};
use serde_json::{Map, Value, json};

use super::calendar;
use super::data::{DataSet, Persons, Totals};

const FILE: &[u8] = include_bytes!(
    "../../../../data/hillstrom/Kevin_Hillstrom_MineThatData_E-MailAnalytics_DataMiningChallenge_2008.03.20.csv.gz"
);

const EXPERIMENT: &str = "hillstrom-email";
const VISITED: &str = "Site Visited";

/// What was known of a customer before the e-mail: traits of the exposure. All but `history` are breakdowns.
const TRAITS: &[&str] = &["recency", "history_segment", "mens", "womens", "zip_code", "newbie", "channel"];

/// The last hours of the two weeks in which a visit may begin, so that an order in it lies within them as well.
const LAST_VISIT_HOUR: i64 = 14 * 24 - 1;
/// The seconds from a visit to its order.
const ORDER_AFTER_SECONDS: i64 = 20 * 60;

#[derive(Debug)]
struct Customers {
    header: Arc<StringRecord>,
    rows: Vec<StringRecord>,
}

/// Reads the data.
pub(super) fn read() -> anyhow::Result<DataSet> {
    let mut reader = csv::Reader::from_reader(GzDecoder::new(FILE));
    let header = Arc::new(reader.headers()?.clone());
    let rows = reader.into_records().collect::<Result<Vec<_>, _>>().context("the Hillstrom data cannot be read")?;
    let customers = Customers { header, rows };
    let mut totals = Totals::default();
    for row in &customers.rows {
        let arm = arm(customers.field(row, "segment")?)?;
        let spend = journey::parse_units(customers.field(row, "spend")?).ok().context("spend is no amount")?;
        let (visit, conversion) = (customers.field(row, "visit")? == "1", customers.field(row, "conversion")? == "1");
        totals.person(arm);
        totals.add_if("visit", arm, visit);
        totals.add_if("conversion", arm, conversion);
        totals.add("spend", arm, spend.into());
        totals.events += 1 + u64::from(visit) + u64::from(conversion);
    }
    Ok(DataSet {
        title: "Hillstrom's e-mail experiment: two e-mails against none, within two weeks",
        tenant: "demo-hillstrom",
        currency: "USD",
        time_zone: "America/New_York",
        experiment: EXPERIMENT,
        metrics: metrics(),
        document: document(),
        persons: Box::new(customers),
        totals,
    })
}

fn metrics() -> Vec<(&'static str, Value)> {
    let order = json!(names::ORDER);
    vec![
        ("visit", json!({"kind": "conversion", "event": VISITED, "description": "Customers who visited the site"})),
        ("conversion", json!({"kind": "conversion", "event": order, "description": "Customers who ordered"})),
        ("spend", json!({"kind": "sum", "event": order, "unit": "USD", "description": "Spend per customer"})),
        (
            "order_value",
            json!({"kind": "ratio", "unit": "USD", "description": "Average order value",
                "numerator": {"event": order, "of": "value"}, "denominator": {"event": order, "of": "count"}}),
        ),
    ]
}

fn document() -> Value {
    let dimensions: Vec<String> = TRAITS.iter().map(|name| dimension(name)).collect();
    json!({
        "name": "E-mail for men's or women's merchandise",
        "tactic": "content",
        "hypothesis": "An e-mail that shows merchandise brings customers back to the shop.",
        "control": "no_email",
        "arms": [
            {"key": "no_email", "weight": 1},
            {"key": "mens_email", "weight": 1},
            {"key": "womens_email", "weight": 1},
        ],
        "window_days": 14,
        "method": "frequentist",
        "metrics": [
            {"metric": "visit", "role": "primary"},
            {"metric": "conversion", "role": "secondary"},
            {"metric": "spend", "role": "secondary"},
            {"metric": "order_value", "role": "secondary"},
        ],
        "dimensions": dimensions,
    })
}

/// The path of a breakdown. A bare `channel` would mean the channel of the event, which is e-mail for everyone.
fn dimension(name: &str) -> String {
    if name == "channel" { format!("traits.{name}") } else { name.to_owned() }
}

fn arm(segment: &str) -> anyhow::Result<&'static str> {
    match segment {
        "No E-Mail" => Ok("no_email"),
        "Mens E-Mail" => Ok("mens_email"),
        "Womens E-Mail" => Ok("womens_email"),
        other => anyhow::bail!("{other:?} is no arm of the Hillstrom data"),
    }
}

impl Customers {
    fn field<'a>(&self, row: &'a StringRecord, name: &str) -> anyhow::Result<&'a str> {
        let at = self.header.iter().position(|column| column == name);
        at.and_then(|at| row.get(at)).with_context(|| format!("the Hillstrom data lack {name}"))
    }

    fn text<'a>(&self, row: &'a StringRecord, name: &str) -> &'a str {
        self.field(row, name).unwrap_or_default()
    }
}

impl Persons for Customers {
    fn count(&self) -> usize {
        self.rows.len()
    }

    fn events(&self, index: usize, starts_at: Instant, write: &mut dyn FnMut(&Value)) {
        let Some(row) = self.rows.get(index) else { return };
        // The file has no id of the customer: the number of the row is one, and the same at every start.
        let number = index as u64 + 1;
        let Ok(arm) = arm(self.text(row, "segment")) else { return };
        let exposed = calendar::exposed_at(starts_at, number);
        let visited = calendar::within(exposed, number, 2, 0, LAST_VISIT_HOUR);
        let traits: Map<String, Value> = TRAITS
            .iter()
            .chain(&["history"])
            .map(|name| ((*name).to_owned(), Value::from(self.text(row, name))))
            .collect();
        let user = number.to_string();
        write(&json!({
            "event_id": format!("{EXPERIMENT}-{number}-exposure"), "user_id": user, "name": names::EXPOSURE,
            "occurred_at": exposed.to_string(), "channel": "email", "traits": traits,
            "properties": {"experiment_id": EXPERIMENT, "variation_id": arm},
        }));
        if self.text(row, "visit") == "1" {
            write(&json!({
                "event_id": format!("{EXPERIMENT}-{number}-visit"), "user_id": user, "name": VISITED,
                "occurred_at": visited.to_string(), "channel": "web",
            }));
        }
        if self.text(row, "conversion") == "1" {
            let ordered = visited.plus_micros(ORDER_AFTER_SECONDS * 1_000_000);
            write(&json!({
                "event_id": format!("{EXPERIMENT}-{number}-order"), "user_id": user, "name": names::ORDER,
                "occurred_at": ordered.to_string(), "value": self.text(row, "spend"), "currency": "USD",
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
        let arms = [("no_email", "No E-Mail"), ("mens_email", "Mens E-Mail"), ("womens_email", "Womens E-Mail")];
        assert_totals(
            &data,
            include_str!("../../../../data/hillstrom/expected.json"),
            &arms,
            &["visit", "conversion", "spend"],
        );
        assert_eq!(data.totals.events, 64_000 + 9_394 + 578);
    }

    #[test]
    fn every_event_lies_within_the_two_weeks_and_has_an_id_of_its_own() {
        let data = read().unwrap();
        let start = Instant::parse("2026-10-25T04:00:00Z", "").unwrap();
        let mut ids = std::collections::HashSet::new();
        for index in 0..data.persons.count() {
            let mut exposed = None;
            data.persons.events(index, start, &mut |event| {
                assert!(ids.insert(event["event_id"].as_str().unwrap().to_owned()));
                let at = Instant::parse(event["occurred_at"].as_str().unwrap(), "").unwrap();
                let exposed = *exposed.get_or_insert(at);
                assert!(at >= exposed && at < exposed.plus_days(14), "{event}");
            });
        }
        assert_eq!(ids.len() as u64, data.totals.events);
    }
}
