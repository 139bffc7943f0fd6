//! `journeylift aa`.

use std::sync::Arc;
use std::thread;

use anyhow::{Context as _, bail};
use clap::Args;
use journey::{Day, Definition, Scope, Tenant, TenantId};
use metrics::aa::{FalseAlarms, Gathering, Persons, WAYS, promised};
use metrics::contribution::Contribution;
use metrics::reading::Through;
use serde_json::{Value, json};
use store::{Found, Population, Store};
use uuid::Uuid;

use super::output::{Output, table};
use super::tenant::unknown;
use crate::clock;
use crate::config::{DatabaseArgs, Secret};
use crate::database::operator_store;

/// Shows how often an experiment would have seen an effect where there is none.
#[derive(Debug, Args)]
pub(super) struct Aa {
    /// The experiment's key
    experiment: String,

    /// The id of the tenant, as `journeylift tenant list` shows it
    #[arg(long, value_name = "ID", required_unless_present = "key")]
    tenant: Option<Uuid>,

    /// A key of the tenant with the scope read, in place of the tenant's id. Give it in the environment, where lists of
    /// processes do not show it
    #[arg(long, env = "JOURNEYLIFT_KEY", hide_env_values = true)]
    key: Option<Secret>,

    /// How often the persons are dealt out
    #[arg(long, value_name = "N", default_value_t = 1_000, value_parser = clap::value_parser!(u32).range(1..=1_000_000))]
    runs: u32,

    /// Where chance begins: the same seed shows the same rates
    #[arg(long, default_value_t = 1)]
    seed: u64,

    /// The confidence at which something is called an effect
    #[arg(long, value_name = "SHARE", default_value_t = 0.95, value_parser = share)]
    confidence: f64,

    /// As of the end of this day, in the tenant's time zone [default: yesterday]
    #[arg(long, value_name = "DAY", value_parser = |text: &str| Day::parse(text, "--as-of"))]
    as_of: Option<Day>,

    #[command(flatten)]
    database: DatabaseArgs,
}

fn share(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(share) if share > 0.0 && share < 1.0 => Ok(share),
        _ => Err("use a number between 0 and 1, such as 0.95".into()),
    }
}

impl Aa {
    pub(super) async fn run(self, output: &Output) -> anyhow::Result<()> {
        let store = operator_store(&self.database, &clock::system()).await?;
        let found = self.find(&store).await;
        store.close().await;
        let (day, definition, pending_subjects, gathering) = found?;
        let persons = gathering.finish();
        if persons.count() == 0 {
            bail!("nobody was exposed to {} up to {day}: there is nobody to deal out", self.experiment);
        }
        if definition.metrics.is_empty() {
            bail!("{} uses no metric: there is nothing to judge", self.experiment);
        }
        let alarms = deal(&persons, self.seed, self.runs);
        self.tell(*output, day, &definition, pending_subjects, &persons, &alarms)
    }

    /// The day as of which the tenant asks, the definition, the subjects that wait, and the persons, who are read one by one.
    async fn find(&self, store: &Store) -> anyhow::Result<(Day, Arc<Definition>, u64, Gathering)> {
        let start = |tenant: &Tenant| {
            let today = tenant.zone.day_of(clock::now());
            let day = self.as_of.unwrap_or_else(|| today.previous());
            if day > today {
                bail!("--as-of {day} has not come: today is {today} in {}", tenant.zone.name());
            }
            let (zone, confidence) = (tenant.zone, self.confidence);
            let through = Through { live: day, matured: day, end: zone.end_of(day) };
            anyhow::Ok((day, move |definition: &Definition| Gathering::new(definition, through, zone, confidence)))
        };
        let add = |gathering: &mut Gathering, contribution: Contribution| gathering.add(&contribution);
        let (tenant, day, found) = match (&self.key, self.tenant) {
            (Some(key), None) => {
                let tenant = store.authenticate(key.reveal()).await.context("the key opens nothing")?;
                if !tenant.allows(Scope::Read) {
                    bail!("the key may not read: use one with the scope read");
                }
                let (day, start) = start(tenant.tenant())?;
                let found = tenant.population(&self.experiment, start, add).await?;
                (tenant.tenant().clone(), day, found)
            }
            (_, Some(id)) => {
                let operator = store.operator();
                let tenant = operator.get(TenantId(id)).await?;
                let tenant = tenant.with_context(|| unknown(id))?;
                let (day, start) = start(&tenant)?;
                let found = operator.population(&tenant, &self.experiment, start, add).await?;
                (tenant, day, found)
            }
            (None, None) => bail!("name the tenant with --tenant, or give a key of it in JOURNEYLIFT_KEY"),
        };
        match found {
            Found::Persons(population) => {
                let Population { definition, gathered, pending_subjects } = *population;
                Ok((day, definition, pending_subjects, gathered))
            }
            Found::Nothing => bail!("{} has no experiment {}", tenant.name, self.experiment),
            Found::Measuring => {
                bail!("{} is being measured for the first time: ask again in a moment", self.experiment)
            }
        }
    }

    fn tell(
        &self,
        output: Output,
        day: Day,
        definition: &Definition,
        pending_subjects: u64,
        persons: &Persons,
        alarms: &FalseAlarms,
    ) -> anyhow::Result<()> {
        let mut rates = Vec::new();
        let mut table = table(&["metric", "method", "read", "false alarms", "rate", "95 % interval", "promised", ""]);
        for (at, metric) in definition.metrics.iter().enumerate() {
            for (way, (method, looks)) in WAYS.iter().enumerate() {
                let (rate, interval) = match alarms.rate(at, way) {
                    Ok(found) => found,
                    Err(reason) => {
                        rates.push(json!({
                            "metric": metric.key.as_str(), "kind": metric.kind.word(), "method": method.word(),
                            "read": looks.word(), "rate": null, "reason": reason.to_string(),
                        }));
                        let (key, reason) = (metric.key.as_str().to_owned(), reason.to_string());
                        table.add_row([key, method.word().to_owned(), looks.word().to_owned(), "-".to_owned(), reason]);
                        continue;
                    }
                };
                let promised = promised((*method, *looks), self.confidence);
                // More than chance explains of a rate that is as promised.
                let is_kept = promised.is_none_or(|promised| interval.low <= promised);
                let count = alarms.alarms[at][way];
                rates.push(json!({
                    "metric": metric.key.as_str(), "kind": metric.kind.word(), "method": method.word(), "read": looks.word(),
                    "days": persons.days(at), "false_alarms": count, "rate": rate,
                    "interval": { "low": interval.low, "high": interval.high }, "promised": promised, "ok": is_kept,
                }));
                let percent = |share: f64| format!("{:.1} %", 100.0 * share);
                let read = match looks.word() {
                    "once" => "once, at the end".to_owned(),
                    _ => format!("at the end of {} days", persons.days(at)),
                };
                table.add_row([
                    metric.key.as_str().to_owned(),
                    method.word().to_owned(),
                    read,
                    count.to_string(),
                    percent(rate),
                    format!("{} - {}", percent(interval.low), percent(interval.high)),
                    promised.map_or("nothing".into(), |promised| format!("at most {}", percent(promised))),
                    if promised.is_none() {
                        ""
                    } else if is_kept {
                        "kept"
                    } else {
                        "BROKEN"
                    }
                    .to_owned(),
                ]);
            }
        }
        let told: Value = json!({
            "experiment": self.experiment, "as_of": day.to_string(), "persons": persons.count(), "runs": self.runs,
            "seed": self.seed, "confidence": self.confidence, "pending_subjects": pending_subjects, "rates": rates,
        });
        output.result(&told, || {
            let pending = match pending_subjects {
                0 => String::new(),
                pending => format!(" {pending} subjects wait to be measured and are not among them."),
            };
            format!(
                "{} persons of {}, dealt out to the arms {} times (seed {}), as of {day}.{pending}\n{table}\nWithout any effect \
                 these are false alarms: any arm better or worse than control, after Holm's correction over the arms.",
                persons.count(),
                self.experiment,
                self.runs,
                self.seed
            )
        })
    }
}

/// Deals on all processors; the sums do not depend on how many there are.
fn deal(persons: &Persons, seed: u64, runs: u32) -> FalseAlarms {
    let parts = thread::available_parallelism().map_or(1, |count| u32::try_from(count.get()).unwrap_or(1)).min(runs);
    thread::scope(|scope| {
        let edge = |part: u32| u32::try_from(u64::from(runs) * u64::from(part) / u64::from(parts)).unwrap_or(runs);
        let running: Vec<_> =
            (0..parts).map(|part| scope.spawn(move || persons.deal(seed, edge(part)..edge(part + 1)))).collect();
        let mut all = FalseAlarms::default();
        for one in running {
            match one.join() {
                Ok(found) => all += found,
                Err(panic) => std::panic::resume_unwind(panic),
            }
        }
        all
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_confidence_is_a_share() {
        assert_eq!(share("0.9"), Ok(0.9));
        for wrong in ["0", "1", "95", "-0.5", "NaN", "inf", "much"] {
            assert!(share(wrong).is_err(), "{wrong}");
        }
    }
}
