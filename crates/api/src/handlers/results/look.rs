//! Reading what is measured of an experiment.

use std::sync::{Arc, OnceLock};

use journey::{CrossoverPolicy, Day, Instant, TenantId};
use metrics::reading::{Reading, Through};
use metrics::report::{Strata, Weights};
use sha2::{Digest, Sha256};
use store::{Detail, Measured, Measuring, Question, TenantStore};

use super::question::{Asked, Plan};
use crate::problem::ApiError;
use crate::query::hex;
use crate::state::AppState;
use crate::study::{Studies, Study};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::results::{FreshInfo, SetAside};

/// What was found of an experiment.
pub(crate) struct Look {
    /// The rows, of one moment.
    pub(crate) measured: Measured,
    /// The question in terms of the definition.
    pub(crate) plan: Plan,
    /// The days up to which it reads.
    pub(crate) through: Through,
    /// Where the weights of the arms changed: the strata within which they did not, under the policy of the question, and with
    /// crossovers in their first arm.
    pub(crate) strata: Option<[Strata; 2]>,
    /// When the question was asked.
    pub(crate) now: Instant,
    /// What the rows of everyone amount to, once something asks for it.
    study: OnceLock<Arc<Study>>,
    studies: (Studies, TenantId),
}

/// Reads the experiment `key`, with everything that was acknowledged before unless an older state is good enough.
pub(crate) async fn look(
    state: &AppState,
    tenant: &TenantStore,
    key: &str,
    asked: &Asked,
    detail: Option<Detail<'_>>,
) -> Result<Look, ApiError> {
    look_at(state, tenant, key, asked, (detail, None)).await
}

/// The same, also with what moved everyone's rows since some moment.
pub(crate) async fn look_since(
    state: &AppState,
    tenant: &TenantStore,
    key: &str,
    asked: &Asked,
    since: Instant,
) -> Result<Look, ApiError> {
    look_at(state, tenant, key, asked, (None, Some(since))).await
}

async fn look_at(
    state: &AppState,
    tenant: &TenantStore,
    key: &str,
    asked: &Asked,
    (detail, since): (Option<Detail<'_>>, Option<Instant>),
) -> Result<Look, ApiError> {
    let now = state.now();
    let through = through(tenant, asked.as_of, now)?;
    let question = Question {
        experiment: key,
        by: asked.by.as_deref(),
        detail,
        since,
        through: through.live,
        budget: asked.strong.then_some(state.bounds.read_budget),
    };
    let measured = tenant.measured(question).await?.ok_or_else(|| ApiError::not_found("experiment"))?;
    let plan = asked.plan(&measured.definition)?;
    let strata = measured.strata.as_ref().filter(|by_value| !by_value.too_many_values).map(|by_value| {
        let rows = by_value.rows.iter().map(|(key, row)| (key, row));
        [plan.policy, CrossoverPolicy::First]
            .map(|policy| Strata::of(&measured.definition, rows.clone(), through, policy))
    });
    let studies = (state.studies.clone(), tenant.tenant().id);
    Ok(Look { measured, plan, through, strata, now, study: OnceLock::new(), studies })
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
    /// What the rows of everyone amount to.
    pub(crate) fn study(&self) -> &Study {
        let (studies, tenant) = &self.studies;
        self.study.get_or_init(|| studies.of(*tenant, &self.measured, self.through))
    }

    /// The reading of everyone.
    pub(crate) fn everyone(&self, policy: CrossoverPolicy) -> &Reading {
        self.study().reading(&self.measured, self.through, policy)
    }

    /// How the weights stand behind the persons of everyone.
    pub(crate) fn weights(&self) -> Weights<'_> {
        self.strata
            .as_ref()
            .map_or_else(|| Weights::of(&self.measured.definition), |[strata, _]| Weights::Within(strata))
    }

    /// How they stand behind those with one value of the dimension that was asked for.
    pub(crate) fn weights_by_value(&self) -> Weights<'_> {
        match self.measured.definition.experiment.strata() {
            Some(strata) if self.plan.dimension == Some(strata) => Weights::OfValues,
            _ => Weights::of(&self.measured.definition),
        }
    }

    /// How current the numbers are.
    pub(crate) fn fresh(&self) -> FreshInfo {
        let unmeasured = self.measuring().filter(|_| !self.measured.complete).map_or(0, |left| left.of - left.done);
        FreshInfo {
            pending_subjects: self.measured.fresh.pending_subjects + unmeasured,
            through: self.now.to_string(),
            set_aside: self
                .measured
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
            hex(&measured.digest),
            measured.dimension.as_ref().map_or(String::new(), |by_value| hex(&by_value.digest)),
            measured.strata.as_ref().map_or(String::new(), |by_value| hex(&by_value.digest)),
            number(measured.arrivals.conflicting_ids),
            number(measured.arrivals.late),
            number(measured.arrivals.ahead),
            measured.detail.as_ref().map_or(String::new(), |detail| hex(&detail.digest)),
            measured.complete.to_string(),
            measured.measuring.map_or(String::new(), |left| format!("{} of {}", left.done, left.of)),
            self.through.live.to_string(),
            self.through.matured.to_string(),
            self.through.end.to_string(),
            measured.fresh.pending_subjects.to_string(),
        ];
        parts.extend(asked.fingerprint());
        parts.extend(measured.fresh.set_aside.iter().flat_map(|(person, reason)| [person.clone(), reason.clone()]));
        let mut hash = Sha256::new();
        for part in parts {
            // With its length, so that no two lists of parts read the same.
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        format!("W/\"{}\"", hex(&hash.finalize()[..16]))
    }
}
