//! Lenses come into being by being asked for: the experiment then looks through one more, in a version of its own.

use std::time::Duration;

use journey::{Key, Lens};
use sqlx::types::Json;
use tokio::time::Instant;

use super::experiments::find;
use super::lock::{lock_measure, next_generation};
use super::metrics::resolve;
use super::versions::Versions;
use super::{DefinitionError, lenses_of};
use crate::document::ExperimentBody;
use crate::transaction::{Purpose, begin, retry};
use crate::{Measuring, StoreError, TenantStore};

/// What became of a lens that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Looking {
    /// There is no such experiment.
    NoExperiment,
    /// Answers know it.
    Ready,
    /// The experiment is being measured, this lens or something else.
    Measuring(Measuring),
}

impl TenantStore {
    /// Has the experiment look through a lens, and waits for `budget` at most until answers know it.
    ///
    /// A lens is added while no other version of the experiment is being measured, so that questions which come fast do not
    /// begin the measuring anew again and again.
    ///
    /// # Errors
    /// [`DefinitionError::Frozen`] where the experiment is archived: its tallies can't learn anything any more.
    pub async fn look_through(&self, key: &Key, lens: &Lens, budget: Duration) -> Result<Looking, DefinitionError> {
        let deadline = Instant::now() + budget;
        loop {
            let looking = match retry("look_through", || self.add_lens(key, lens)).await {
                // A slice that takes long holds the lock: it is what is waited for.
                Err(DefinitionError::Store(StoreError::Unavailable(_))) if Instant::now() < deadline => continue,
                Err(DefinitionError::Store(StoreError::Unavailable(error))) => {
                    let seen = retry("look_through", || self.seen_through(key, lens)).await?;
                    return seen.ok_or(DefinitionError::Store(StoreError::Unavailable(error)));
                }
                looking => looking?,
            };
            let Looking::Measuring(_) = looking else { return Ok(looking) };
            self.inner.measurer.notify(self.tenant());
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() || !self.inner.measurer.catch_up(&self.tenant, left).await? {
                // The last slice may have been the last one of all.
                return retry("look_through", || self.add_lens(key, lens)).await;
            }
        }
    }

    /// What there is to say without waiting for the lock; `None` where the lens is still to be added.
    async fn seen_through(&self, key: &Key, lens: &Lens) -> Result<Option<Looking>, DefinitionError> {
        let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Read).await?;
        let found = find(&mut tx, self.id(), key.as_str()).await?;
        tx.commit().await?;
        Ok(match found {
            None => Some(Looking::NoExperiment),
            Some((_, Some(measuring))) => Some(Looking::Measuring(measuring)),
            Some((experiment, None)) => experiment.lenses.contains(lens).then_some(Looking::Ready),
        })
    }

    async fn add_lens(&self, key: &Key, lens: &Lens) -> Result<Looking, DefinitionError> {
        let now = self.inner.now();
        let mut tx = begin(&self.inner.ingest, self.id(), Purpose::Write).await?;
        lock_measure(&mut tx, self.id()).await?;
        let Some((experiment, measuring)) = find(&mut tx, self.id(), key.as_str()).await? else {
            return Ok(Looking::NoExperiment);
        };
        if let Some(measuring) = measuring {
            return Ok(Looking::Measuring(measuring));
        }
        if experiment.lenses.contains(lens) {
            return Ok(Looking::Ready);
        }
        if experiment.archived {
            let reason = "it was never looked at this way before, and its tallies learn nothing any more";
            return Err(DefinitionError::Frozen { reason });
        }
        let mut versions = Versions::load(&mut tx, self.id(), key).await?;
        let lenses = lenses_of(&experiment, lens);
        let experiment = experiment.looking_through(lenses);
        let definition = resolve(&mut tx, self.id(), experiment.clone()).await?;
        sqlx::query(include_str!("../../sql/upsert_experiment.sql"))
            .bind(self.id().0)
            .bind(key.as_str())
            .bind(Json(ExperimentBody::from(&experiment)))
            .bind(experiment.archived)
            .bind(now.to_utc())
            .execute(&mut *tx)
            .await?;
        versions.measure(&mut tx, &definition, now).await?;
        next_generation(&mut tx, self.id(), now).await?;
        let measuring = find(&mut tx, self.id(), key.as_str()).await?.and_then(|(_, measuring)| measuring);
        tx.commit().await?;
        Ok(measuring.map_or(Looking::Ready, Looking::Measuring))
    }
}
