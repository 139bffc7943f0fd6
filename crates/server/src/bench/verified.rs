//! Is it right? Every sum of every answer must be that of all events, recomputed by SQL: not one digit may differ.

use anyhow::{Context as _, ensure};
use serde_json::json;

use super::course::Bench;
use super::sums::{self, Table};
use super::trials::DIMENSIONS;
use crate::import::progress::to_stderr;

/// What was compared: `Err` in words where something differs.
pub(super) type Verified = Result<String, String>;

impl Bench<'_> {
    /// Waits until everything is measured, and compares.
    pub(super) async fn verify(&self) -> anyhow::Result<Verified> {
        self.say("waiting until everything is measured");
        self.ground.measured(&self.tenant).await?;
        let stored = self.ground.stored(&self.tenant).await?;
        if stored != self.stored {
            return Ok(Err(format!("**{} events were acknowledged as new, {stored} are stored.**", self.stored)));
        }
        if self.args.pack {
            self.unpack().await?;
        }
        self.say("recomputing everything from the events");
        self.work_out_persons().await?;
        self.ground.analyze().await?;
        let trials = self.journeys.trials();
        let answer = self.ground.get(&self.tenant, &trials[0].results()).await?;
        let until = sums::matured_until(&answer)?;
        sums::recompute(&self.ground, &self.tenant, &self.journeys, until).await?;
        self.say("comparing all sums with the recomputed ones");
        let (mut compared, mut differing) = (0, Vec::new());
        for dimension in [None].into_iter().chain(DIMENSIONS.map(Some)) {
            let mut ours = Table::new();
            for trial in trials {
                let path = match dimension {
                    None => trial.results(),
                    Some(name) => format!("{}?by=properties.{name}", trial.results()),
                };
                let answer = self.ground.get(&self.tenant, &path).await?;
                ensure!(answer.pointer("/fresh/pending_subjects") == Some(&json!(0)), "something is pending");
                ensure!(sums::matured_until(&answer)? == until, "a day passed while everything was recomputed");
                match dimension {
                    None => sums::answered(trial, &answer, &mut ours),
                    Some(_) => sums::answered_by_value(trial, &answer, &mut ours),
                }
                .with_context(|| path)?;
            }
            let mut theirs = sums::recomputed(&self.ground, dimension).await?;
            // The probe has sums of its own, which the tries themselves looked at.
            theirs.retain(|whose, _| trials.iter().any(|trial| trial.key == whose.experiment));
            let (count, found) = sums::differences(dimension.unwrap_or("everyone"), &ours, &theirs);
            compared += count;
            differing.extend(found);
        }
        for line in differing.iter().take(20) {
            to_stderr(line);
        }
        Ok(if differing.is_empty() {
            Ok(format!(
                "Verified: all {compared} sums of the answers, of {} metrics for everyone and by {} dimensions, equal those \
                 recomputed by SQL from {stored} stored events.",
                super::trials::metrics().len(),
                DIMENSIONS.len()
            ))
        } else {
            Err(format!("**{} of {compared} sums differ from those of the events.**", differing.len()))
        })
    }
}
