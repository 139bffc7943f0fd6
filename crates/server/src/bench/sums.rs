//! The sums behind an answer, from the answer and from the events, so that they can be compared digit for digit.

use std::collections::BTreeMap;

use anyhow::Context as _;
use journey::{Day, Instant, UNIT, Zone};
use serde_json::Value;
use sqlx::Row as _;
use sqlx::postgres::PgRow;

use super::ground::{Ground, Tenant};
use super::journeys::{Journeys, WINDOW_DAYS};
use super::trials::{CAP, RETURN_DAYS, Trial};

/// A sum's name: the metric and the member of its tally.
pub(super) type Name = (&'static str, &'static str);

/// Sums in whole units: of 1 for counts, of 1e-6 for amounts, of 1e-12 for products of two amounts.
pub(super) type Sums = BTreeMap<Name, i128>;

/// Whose sums they are.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) experiment: String,
    /// The value of a dimension, empty where it is unknown and for everyone.
    pub(super) value: String,
    pub(super) arm: String,
    pub(super) matured: bool,
}

/// The sums of everything that is compared.
pub(super) type Table = BTreeMap<Whose, Sums>;

/// Each sum: its metric, the member of the tally, the decimals of one unit, and the column of the SQL.
const SUMS: [(&str, &str, u32, &str); 39] = [
    ("buyers", "count", 0, "persons"),
    ("buyers", "sum", 0, "buyers"),
    ("buyers", "sum_of_squares", 0, "buyers"),
    ("revenue", "count", 0, "persons"),
    ("revenue", "sum", 6, "revenue"),
    ("revenue", "sum_of_squares", 12, "revenue_squared"),
    ("order-value", "count", 0, "persons"),
    ("order-value", "sum", 6, "revenue"),
    ("order-value", "sum_of_squares", 12, "revenue_squared"),
    ("order-value", "denominator_sum", 0, "orders"),
    ("order-value", "denominator_sum_of_squares", 0, "orders_squared"),
    ("order-value", "cross_sum", 6, "revenue_orders"),
    ("capped-revenue", "count", 0, "persons"),
    ("capped-revenue", "sum", 6, "capped"),
    ("capped-revenue", "sum_of_squares", 12, "capped_squared"),
    ("views", "count", 0, "persons"),
    ("views", "sum", 0, "views"),
    ("views", "sum_of_squares", 0, "views_squared"),
    ("viewers", "count", 0, "persons"),
    ("viewers", "sum", 0, "viewers"),
    ("viewers", "sum_of_squares", 0, "viewers"),
    ("boots", "count", 0, "persons"),
    ("boots", "sum", 0, "boots"),
    ("boots", "sum_of_squares", 0, "boots_squared"),
    ("pages", "count", 0, "persons"),
    ("pages", "sum", 0, "pages"),
    ("pages", "sum_of_squares", 0, "pages_squared"),
    ("opens", "count", 0, "persons"),
    ("opens", "sum", 0, "opens"),
    ("opens", "sum_of_squares", 0, "opens_squared"),
    ("openers", "count", 0, "persons"),
    ("openers", "sum", 0, "openers"),
    ("openers", "sum_of_squares", 0, "openers"),
    (RETURN, "count", 0, "persons"),
    (RETURN, "sum", 0, "returned"),
    (RETURN, "sum_of_squares", 0, "returned"),
    ("engagement", "count", 0, "persons"),
    ("engagement", "sum", 6, "score"),
    ("engagement", "sum_of_squares", 12, "score_squared"),
];

/// The metric whose window closes sooner than that of the others.
const RETURN: &str = "return";

/// Reads the sums that an answer shows of everyone.
pub(super) fn answered(trial: &Trial, answer: &Value, table: &mut Table) -> anyhow::Result<()> {
    read_group(trial, answer, "", table)
}

/// Reads the sums that an answer shows of each value of a dimension, and nothing of everyone.
pub(super) fn answered_by_value(trial: &Trial, answer: &Value, table: &mut Table) -> anyhow::Result<()> {
    let values = answer.pointer("/breakdown/values").and_then(Value::as_array).context("there is no breakdown")?;
    for group in values {
        read_group(trial, group, group["value"].as_str().unwrap_or_default(), table)?;
    }
    Ok(())
}

fn read_group(trial: &Trial, group: &Value, value: &str, table: &mut Table) -> anyhow::Result<()> {
    let whose = |arm: &str, matured| Whose {
        experiment: trial.key.to_owned(),
        value: value.to_owned(),
        arm: arm.to_owned(),
        matured,
    };
    for (metric, member, decimals, _) in &SUMS {
        let metrics = group["metrics"].as_array().context("there are no metrics")?;
        let found = metrics.iter().find(|found| found["metric"] == *metric);
        let arms = found.and_then(|found| found["arms"].as_array()).with_context(|| format!("{metric} is missing"))?;
        for arm in arms {
            let key = arm["arm"].as_str().context("an arm has no key")?;
            for (matured, tally) in [(true, &arm["tally"]), (false, &arm["live"]["tally"])] {
                let sum = match &tally[member] {
                    Value::Number(number) => number.as_i64().map(i128::from),
                    Value::String(text) => units(text, *decimals),
                    _ => None,
                };
                let sum = sum.with_context(|| format!("{metric}, {key}: no {member} in {tally}"))?;
                table.entry(whose(key, matured)).or_default().insert((metric, member), sum);
            }
        }
    }
    Ok(())
}

/// Decimal text as a whole number of units of so many decimals; `None` where it has more digits than that.
pub(super) fn units(text: &str, decimals: u32) -> Option<i128> {
    let (whole, part) = text.split_once('.').unwrap_or((text, ""));
    let missing = decimals.checked_sub(u32::try_from(part.len()).ok()?)?;
    format!("{whole}{part}").parse::<i128>().ok()?.checked_mul(10_i128.checked_pow(missing)?)
}

/// The end of the last day whose matured readings an answer shows.
pub(super) fn matured_until(answer: &Value) -> anyhow::Result<Instant> {
    let day = answer["matured_through"].as_str().context("the answer has no matured_through")?;
    let day = Day::parse(day, "").map_err(|invalid| anyhow::anyhow!("{day}: {}", invalid.detail))?;
    Ok(Zone::UTC.end_of(day))
}

/// Runs the SQL of a warehouse for the sums of one experiment: how many rows of sums it has.
pub(super) async fn warehouse(
    ground: &Ground,
    tenant: &Tenant,
    journeys: &Journeys,
    trial: &Trial,
    matured_until: Instant,
) -> anyhow::Result<usize> {
    let mut transaction = ground.pool.begin().await?;
    // Nobody would run such a question with the memory of a small one.
    sqlx::raw_sql("SET LOCAL work_mem = '256MB'").execute(&mut *transaction).await?;
    let rows = sqlx::query(include_str!("sql/lift.sql"))
        .bind(tenant.id)
        .bind(trial.key)
        .bind(journeys.begins.to_utc())
        .bind(trial.arms)
        .bind(WINDOW_DAYS * 86_400)
        .bind(matured_until.to_utc())
        .bind(RETURN_DAYS.0 * 86_400)
        .bind(RETURN_DAYS.1 * 86_400)
        .bind(CAP * UNIT)
        .fetch_all(&mut *transaction)
        .await?;
    transaction.commit().await?;
    Ok(rows.len())
}

/// Works everything out anew from the events, person by person, for [`recomputed`].
pub(super) async fn recompute(
    ground: &Ground,
    tenant: &Tenant,
    journeys: &Journeys,
    matured_until: Instant,
) -> anyhow::Result<()> {
    let text = include_str!("sql/recomputed.sql")
        .replace("{tenant}", &tenant.id.to_string())
        .replace("{starts_at}", &journeys.begins.to_string())
        .replace("{matured_until}", &matured_until.to_string())
        .replace("{window}", &(WINDOW_DAYS * 86_400).to_string())
        .replace("{return_from}", &(RETURN_DAYS.0 * 86_400).to_string())
        .replace("{return_to}", &(RETURN_DAYS.1 * 86_400).to_string());
    let mut connection = ground.pool.acquire().await?;
    // The planner knows nothing of how unevenly persons act.
    sqlx::raw_sql("SET work_mem = '512MB'; SET enable_nestloop = off").execute(&mut *connection).await?;
    sqlx::raw_sql(sqlx::AssertSqlSafe(text)).execute(&mut *connection).await?;
    sqlx::raw_sql("RESET work_mem; RESET enable_nestloop").execute(&mut *connection).await?;
    Ok(())
}

/// The sums of every experiment by the values of a dimension (`None`: of everyone), from what [`recompute`] left.
pub(super) async fn recomputed(ground: &Ground, dimension: Option<&str>) -> anyhow::Result<Table> {
    let value = dimension.map_or_else(|| "''".to_owned(), |name| format!("coalesce(k.{name}, '')"));
    let text = include_str!("sql/compared.sql").replace("{value}", &value).replace("{cap}", &(CAP * UNIT).to_string());
    let rows = sqlx::query(sqlx::AssertSqlSafe(text)).fetch_all(&ground.pool).await?;
    let mut table = Table::new();
    for row in &rows {
        let (closed, returned_closed): (bool, bool) = (row.try_get("matured")?, row.try_get("returned_matured")?);
        let whose = |matured| -> anyhow::Result<Whose> {
            let (experiment, value) = (row.try_get("experiment")?, row.try_get("dimension_value")?);
            Ok(Whose { experiment, value, arm: row.try_get("arm")?, matured })
        };
        for (name, sum) in read_row(row)? {
            let has_matured = if name.0 == RETURN { returned_closed } else { closed };
            *table.entry(whose(false)?).or_default().entry(name).or_default() += sum;
            if has_matured {
                *table.entry(whose(true)?).or_default().entry(name).or_default() += sum;
            }
        }
    }
    Ok(table)
}

fn read_row(row: &PgRow) -> anyhow::Result<Sums> {
    let persons = i128::from(row.try_get::<i64, _>("persons")?);
    let mut sums = Sums::new();
    for (metric, member, _, column) in SUMS {
        let sum = if column == "persons" { persons } else { row.try_get::<String, _>(column)?.parse()? };
        sums.insert((metric, member), sum);
    }
    Ok(sums)
}

/// How many sums there are, and every one that differs, in words. What one side does not name is zero there.
pub(super) fn differences(what: &str, answered: &Table, raw: &Table) -> (usize, Vec<String>) {
    let mut found = Vec::new();
    for whose in answered.keys().chain(raw.keys().filter(|whose| !answered.contains_key(*whose))) {
        for (metric, member, ..) in SUMS {
            let sum = |table: &Table| {
                table.get(whose).and_then(|sums| sums.get(&(metric, member))).copied().unwrap_or_default()
            };
            let (ours, theirs) = (sum(answered), sum(raw));
            if ours != theirs {
                let Whose { experiment, value, arm, matured } = whose;
                let reading = if *matured { "matured" } else { "live" };
                found.push(format!(
                    "{experiment}, {what} {value:?}, {arm}, {reading}: {metric} has {member} {ours}, from the events {theirs}"
                ));
            }
        }
    }
    (answered.values().map(BTreeMap::len).sum(), found)
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
        let whose = || Whose { experiment: "x".into(), value: String::new(), arm: "none".into(), matured: false };
        let table =
            |revenue| Table::from([(whose(), Sums::from([(("revenue", "sum"), revenue), (("views", "sum"), 3)]))]);
        assert_eq!(differences("everyone", &table(5), &table(5)), (2, vec![]));
        assert_eq!(differences("everyone", &table(5), &table(6)).1.len(), 1);
        assert_eq!(differences("everyone", &Table::new(), &table(6)).1.len(), 2);
        assert_eq!(differences("everyone", &table(6), &Table::new()).1.len(), 2);
    }
}
