//! Bringing the numbers up to date, and reading them.

use std::time::Duration;

use journey::{Day, Instant};
use metrics::reading::Through;
use sha2::{Digest, Sha256};
use store::{Fresh, Measured, Measuring, TenantStore};
use tokio::time::Instant as Moment;

use super::question::{Asked, Plan};
use crate::problem::ApiError;
use crate::query::hex;
use crate::state::AppState;
use crate::wire::experiment::MeasuringInfo;
use crate::wire::results::{FreshInfo, SetAside};

/// What was found of an experiment.
pub(crate) struct Look {
    /// The rows of everyone.
    pub(crate) measured: Measured,
    /// The rows of the dimension that was asked for.
    pub(crate) dimension: Option<Measured>,
    /// The question in terms of the definition.
    pub(crate) plan: Plan,
    /// The days up to which it reads.
    pub(crate) through: Through,
    fresh: Fresh,
    now: Instant,
}

/// How often two snapshots of one question are tried again where a commit came between them.
const TRIES: usize = 3;

/// Brings the tenant up to date and reads the experiment `key`.
pub(crate) async fn look(state: &AppState, tenant: &TenantStore, key: &str, asked: &Asked) -> Result<Look, ApiError> {
    let now = state.now();
    let started = Moment::now();
    let budget = state.bounds.read_budget;
    let through = through(tenant, asked.as_of, now)?;
    let fresh = if asked.strong { tenant.bring_up_to_date(budget).await? } else { tenant.freshness().await? };
    let read =
        || async { tenant.tallies(key, None, through.live).await?.ok_or_else(|| ApiError::not_found("experiment")) };
    let mut measured = read().await?;
    let left = budget.saturating_sub(started.elapsed());
    if !measured.complete && asked.strong && left > Duration::ZERO {
        tenant.build_up(left).await?;
        measured = read().await?;
    }
    let mut plan = asked.plan(&measured.definition)?;
    let mut dimension = None;
    for _ in 0..TRIES {
        let Some(index) = plan.dimension else { break };
        let rows = tenant.tallies(key, Some(index), through.live).await?;
        let rows = rows.ok_or_else(|| ApiError::not_found("experiment"))?;
        let of_one_moment = rows.generation == measured.generation && rows.version == measured.version;
        dimension = Some(rows);
        if of_one_moment {
            break;
        }
        measured = read().await?;
        plan = asked.plan(&measured.definition)?;
    }
    // A version that was switched at every try has other dimensions than the one read last.
    let dimension = dimension.filter(|rows| rows.version == measured.version);
    Ok(Look { measured, dimension, plan, through, fresh, now })
}

/// Up to which days an answer reads: matured readings take complete days only.
fn through(tenant: &TenantStore, as_of: Option<Day>, now: Instant) -> Result<Through, ApiError> {
    let zone = tenant.tenant().zone;
    let today = zone.day_of(now);
    match as_of {
        Some(day) if day > today => {
            let wanted = format!("a day that has come: today is {today} in {}", zone.name());
            Err(crate::query::invalid("as_of", &day.to_string(), &wanted))
        }
        Some(day) => Ok(Through { live: day, matured: day, end: zone.end_of(day) }),
        None => Ok(Through { live: today, matured: today.previous(), end: zone.end_of(today) }),
    }
}

impl Look {
    /// How current the numbers are.
    pub(crate) fn fresh(&self) -> FreshInfo {
        let unmeasured = self.measuring().filter(|_| !self.measured.complete).map_or(0, |left| left.of - left.done);
        FreshInfo {
            pending_subjects: self.fresh.pending_subjects + unmeasured,
            through: self.now.to_string(),
            set_aside: self
                .fresh
                .set_aside
                .iter()
                .map(|(person, reason)| SetAside { person: person.clone(), reason: reason.clone() })
                .collect(),
        }
    }

    /// How far a version is measured that the numbers do not come from yet.
    pub(crate) fn measuring(&self) -> Option<MeasuringInfo> {
        let count = |subjects| u64::try_from(subjects).unwrap_or(0);
        let info = |left: Measuring| MeasuringInfo { done: count(left.done), of: count(left.of).max(count(left.done)) };
        self.measured.measuring.map(info)
    }

    /// A weak validator: the numbers are the same as long as everything that they are made of is. It is weak because the
    /// answer also says when it was asked for.
    pub(crate) fn etag(&self, tenant: &TenantStore, asked: &Asked, route: &str) -> String {
        let measured = &self.measured;
        let number = |number: i64| number.to_string();
        let mut parts = vec![
            // A release may tell the same numbers in another way.
            env!("CARGO_PKG_VERSION").to_owned(),
            route.to_owned(),
            tenant.tenant().id.0.to_string(),
            measured.definition.experiment.key.as_str().to_owned(),
            number(measured.version),
            number(measured.revision),
            number(measured.generation),
            number(measured.conflicting_ids),
            measured.complete.to_string(),
            measured.measuring.map_or(String::new(), |left| format!("{} of {}", left.done, left.of)),
            self.dimension.as_ref().map_or(String::new(), |rows| format!("{} at {}", rows.version, rows.generation)),
            self.through.live.to_string(),
            self.through.matured.to_string(),
            self.through.end.to_string(),
            self.fresh.pending_subjects.to_string(),
        ];
        parts.extend(asked.fingerprint());
        parts.extend(self.fresh.set_aside.iter().flat_map(|(person, reason)| [person.clone(), reason.clone()]));
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts read the same.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        format!("W/\"{}\"", hex(&hash.finalize()[..16]))
    }
}
