//! The sums behind an answer, from the answer and from the events, so that they can be compared digit for digit.

use std::collections::BTreeMap;

use anyhow::Context as _;
use journey::{Day, Instant, Zone};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::ground::Ground;
use super::journeys::{Journeys, Trial, WINDOW_DAYS};

/// The sums of one arm, by their names, in whole units of 1e-6 (sums of money) and 1e-12 (their squares).
pub(super) type Sums = BTreeMap<&'static str, i128>;

/// The sums of everything that an answer speaks of: by device (empty: none or everyone), arm and reading.
pub(super) type Table = BTreeMap<(String, String, &'static str), Sums>;

const LIVE: &str = "live";
const MATURED: &str = "matured";

/// Each sum: its name, the metric and the member of the tally that hold it, and the decimals of one unit.
const NAMES: [(&str, &str, &str, u32); 15] = [
    ("persons", "buyers", "count", 0),
    ("buyers", "buyers", "sum", 0),
    ("buyers_squared", "buyers", "sum_of_squares", 0),
    ("revenue", "revenue", "sum", 6),
    ("revenue_squared", "revenue", "sum_of_squares", 12),
    ("persons of revenue", "revenue", "count", 0),
    ("numerator", "order-value", "sum", 6),
    ("numerator_squared", "order-value", "sum_of_squares", 12),
    ("orders", "order-value", "denominator_sum", 0),
    ("orders_squared", "order-value", "denominator_sum_of_squares", 0),
    ("revenue_orders", "order-value", "cross_sum", 6),
    ("persons of order-value", "order-value", "count", 0),
    ("views", "views", "sum", 0),
    ("views_squared", "views", "sum_of_squares", 0),
    ("persons of views", "views", "count", 0),
];

/// The sums that an answer shows.
pub(super) fn answered(answer: &Value) -> anyhow::Result<Table> {
    let mut table = Table::new();
    read_group(answer, "", &mut table)?;
    Ok(table)
}

/// The sums of each device that an answer shows, and nothing of everyone.
pub(super) fn answered_by_device(answer: &Value) -> anyhow::Result<Table> {
    let mut table = Table::new();
    let values = answer.pointer("/breakdown/values").and_then(Value::as_array).context("there is no breakdown")?;
    for group in values {
        read_group(group, group["value"].as_str().unwrap_or_default(), &mut table)?;
    }
    Ok(table)
}

fn read_group(group: &Value, device: &str, table: &mut Table) -> anyhow::Result<()> {
    for (name, metric, member, decimals) in NAMES {
        let metrics = group["metrics"].as_array().context("there are no metrics")?;
        let found = metrics.iter().find(|found| found["metric"] == metric);
        let arms = found.and_then(|found| found["arms"].as_array()).with_context(|| format!("{metric} is missing"))?;
        for arm in arms {
            let key = arm["arm"].as_str().context("an arm has no key")?;
            for (reading, tally) in [(MATURED, &arm["tally"]), (LIVE, &arm["live"]["tally"])] {
                let sum = match &tally[member] {
                    Value::Number(number) => number.as_i64().map(i128::from),
                    Value::String(text) => units(text, decimals),
                    _ => None,
                };
                let sum = sum.with_context(|| format!("{metric}, {key}: no {member} in {tally}"))?;
                table.entry((device.to_owned(), key.to_owned(), reading)).or_default().insert(name, sum);
            }
        }
    }
    Ok(())
}

/// Decimal text as a whole number of units of so many decimals; `None` where it has more digits than that.
fn units(text: &str, decimals: u32) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let missing = decimals.checked_sub(u32::try_from(part.len()).ok()?)?;
    format!("{whole}{part}").parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(missing)?)
}

/// What the SQL over raw events says, up to the days that an answer names.
#[derive(Debug)]
pub(super) struct Raw<'a> {
    pub(super) ground: &'a Ground,
    pub(super) journeys: &'a Journeys,
}

impl Raw<'_> {
    /// The sums of everyone.
    pub(super) async fn everyone(&self, trial: &Trial, answer: &Value) -> anyhow::Result<Table> {
        // Nobody would run such a question with the memory of a small one.
        self.run("SET LOCAL work_mem = '256MB'", include_str!("sql/lift.sql"), trial, answer).await
    }

    /// The sums of each device.
    pub(super) async fn by_device(&self, trial: &Trial, answer: &Value) -> anyhow::Result<Table> {
        // Nobody times it, and the planner takes the exposed for a handful.
        self.run("SET LOCAL enable_nestloop = off", include_str!("sql/lift_by_device.sql"), trial, answer).await
    }

    async fn run(
        &self,
        setting: &'static str,
        sql: &'static str,
        trial: &Trial,
        answer: &Value,
    ) -> anyhow::Result<Table> {
        let day = answer["matured_through"].as_str().context("the answer has no matured_through")?;
        let day = Day::parse(day, "").map_err(|invalid| anyhow::anyhow!("{day}: {}", invalid.detail))?;
        let matured_until: Instant = Zone::UTC.end_of(day);
        let mut transaction = self.ground.pool.begin().await?;
        sqlx::raw_sql(setting).execute(&mut *transaction).await?;
        let rows = sqlx::query(sql)
            .bind(self.ground.tenant)
            .bind(trial.key)
            .bind(self.journeys.begins.to_utc())
            .bind(trial.arms)
            .bind(WINDOW_DAYS * 86_400)
            .bind(matured_until.to_utc())
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let mut table = Table::new();
        for row in &rows {
            let (device, arm): (String, String) = (row.try_get("device")?, row.try_get("arm")?);
            let sums = read_row(row)?;
            let readings: &[&str] = if row.try_get("matured")? { &[LIVE, MATURED] } else { &[LIVE] };
            for reading in readings {
                let total = table.entry((device.clone(), arm.clone(), *reading)).or_default();
                for (name, sum) in &sums {
                    *total.entry(name).or_default() += sum;
                }
            }
        }
        Ok(table)
    }
}

/// A row's sums under the names of [`NAMES`]: a numerator is the revenue, and a buyer counts one.
fn read_row(row: &PgRow) -> anyhow::Result<Sums> {
    let persons = i128::from(row.try_get::<i64, _>("persons")?);
    let mut sums = Sums::new();
    for (name, ..) in NAMES {
        let column = match name {
            "buyers_squared" => "buyers",
            "numerator" => "revenue",
            "numerator_squared" => "revenue_squared",
            name => name,
        };
        let sum = if name.starts_with("persons") { persons } else { row.try_get::<String, _>(column)?.parse()? };
        sums.insert(name, sum);
    }
    Ok(sums)
}

/// Every sum that differs, in words. What one side does not name is zero there.
pub(super) fn differences(what: &str, answered: &Table, raw: &Table) -> Vec<String> {
    let mut found = Vec::new();
    for key in answered.keys().chain(raw.keys().filter(|key| !answered.contains_key(*key))) {
        for (name, ..) in NAMES {
            let sum = |table: &Table| table.get(key).and_then(|sums| sums.get(name)).copied().unwrap_or_default();
            let (ours, theirs) = (sum(answered), sum(raw));
            if ours != theirs {
                let (device, arm, reading) = key;
                found.push(format!("{what}{device}, {arm}, {reading}: {name} is {ours}, from the events {theirs}"));
            }
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn decimals_become_whole_units() {
        assert_eq!(units("2262", 0), Some(2262));
        assert_eq!(units("-12.5", 6), Some(-12_500_000));
        assert_eq!(units("-0.5", 6), Some(-500_000));
        assert_eq!(units("0.1234567", 6), None);
        assert_eq!(units("n/a", 6), None);
    }

    #[test]
    fn one_digit_that_differs_is_found() {
        let key = || (String::new(), "none".to_owned(), LIVE);
        let table = |revenue| Table::from([(key(), Sums::from([("revenue", revenue), ("views", 3)]))]);
        assert!(differences("x", &table(5), &table(5)).is_empty());
        assert_eq!(differences("x", &table(5), &table(6)).len(), 1);
        assert_eq!(differences("x", &Table::new(), &table(6)).len(), 2);
        assert_eq!(differences("x", &table(6), &Table::new()).len(), 2);
    }
}
