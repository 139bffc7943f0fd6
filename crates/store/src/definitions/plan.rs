//! The plan of an experiment: how it will be judged. It is fixed by the first exposure that counts, because a method that
//! is chosen after having looked is none.

use journey::{Experiment, TenantId};

use crate::error::StoreError;
use crate::transaction::Tx;

/// A part of the plan that was to change after the first exposure had counted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fixed {
    /// Where it stands in the experiment as it was sent, as a JSON pointer.
    pub pointer: String,
    /// What it is: `method`, `planned_persons`, or `cuped` with its metric.
    pub field: String,
    /// What it is and stays.
    pub stored: String,
    /// What was sent.
    pub sent: String,
}

/// What `sent` would change of the plan of `stored`. Metrics that one of them does not use are no part of it.
pub(super) fn changes(stored: &Experiment, sent: &Experiment) -> Vec<Fixed> {
    let mut changes = Vec::new();
    let mut compare = |pointer: String, field: String, stored: String, sent: String| {
        if stored != sent {
            changes.push(Fixed { pointer, field, stored, sent });
        }
    };
    let method = |experiment: &Experiment| experiment.method.word().to_owned();
    compare("/method".into(), "method".into(), method(stored), method(sent));
    let persons = |experiment: &Experiment| experiment.planned_persons.to_string();
    compare("/planned_persons".into(), "planned_persons".into(), persons(stored), persons(sent));
    for (at, used) in sent.metrics.iter().enumerate() {
        let Some(before) = stored.metrics.iter().find(|before| before.metric == used.metric) else { continue };
        let field = format!("cuped of the metric {}", used.metric);
        compare(format!("/metrics/{at}/cuped"), field, before.cuped.to_string(), used.cuped.to_string());
    }
    changes
}

/// Whether an exposure counts already: inside the dates of `stored`, to one of its arms. An archived experiment has been
/// judged, whether or not its events are still there.
pub(super) async fn is_fixed(tx: &mut Tx, tenant: TenantId, stored: &Experiment) -> Result<bool, StoreError> {
    if stored.archived {
        return Ok(true);
    }
    let arms: Vec<&str> = stored.arms.iter().map(|arm| arm.key.as_str()).collect();
    let counted = sqlx::query_scalar(include_str!("../../sql/counted_exposure.sql"))
        .bind(tenant.0)
        .bind(stored.key.as_str())
        .bind(&arms)
        .bind(stored.starts_at.map(journey::Instant::to_utc))
        .bind(stored.ends_at.map(journey::Instant::to_utc))
        .fetch_one(&mut **tx)
        .await?;
    Ok(counted)
}
