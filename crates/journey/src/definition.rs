//! Definitions: an experiment together with the metrics that it uses, as one version of them stands.

use crate::derived::Derived;
use crate::experiment::Experiment;
use crate::invalid::Invalid;
use crate::metric::{Lifespan, Metric, MetricKind, never_seen};
use crate::path::Path;

/// One version of an experiment with its metrics: all that a fold needs to know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Definition {
    /// The experiment.
    pub experiment: Experiment,
    /// Its metrics, in the order in which the experiment uses them.
    pub metrics: Vec<Metric>,
}

/// The dimensions whose values take events to know.
fn measured_dimensions(experiment: &Experiment) -> impl Iterator<Item = &Path> {
    experiment.dimensions.iter().filter(|path| path.derived() != Some(Derived::Phase))
}

impl Definition {
    /// The window of metric `index` in days: its own, else the span of a bounded retention, else the
    /// experiment's; `None`: none.
    #[must_use]
    pub fn window_days(&self, index: usize) -> Option<u32> {
        let metric = &self.metrics[index];
        let own = match metric.kind {
            MetricKind::Retention { to_day, .. } => metric.window_days.or(to_day),
            _ => metric.window_days,
        };
        own.or(self.experiment.window_days)
    }

    /// Whether every lifespan can be estimated within the window of its metric.
    ///
    /// # Errors
    /// The metric whose window is too short, at its place in the experiment.
    pub fn check_windows(&self) -> Result<(), Invalid> {
        for (index, metric) in self.metrics.iter().enumerate() {
            if let (Some(inactive), Some(window)) = (metric.kind.inactive_days(), self.window_days(index))
                && !Lifespan::fits(inactive, window)
            {
                let detail = format!("is {}: {}", metric.key.as_str(), never_seen(inactive, window));
                return Err(Invalid::new("out_of_range", format!("/metrics/{index}"), detail));
            }
        }
        Ok(())
    }

    /// So many days the curve of metric `index` watches a person: those of its own window, else those of the
    /// experiment's or of a retention's span, whichever is longer; `None`: for ever.
    #[must_use]
    pub fn curve_days(&self, index: usize) -> Option<u32> {
        let metric = &self.metrics[index];
        metric.window_days.or_else(|| {
            let whole = self.experiment.window_days?;
            Some(self.window_days(index).map_or(whole, |own| own.max(whole)))
        })
    }

    /// Whether every person's contribution is the same under both, so that nothing need be measured again:
    /// only what people read, weights, goals and policies differ.
    #[must_use]
    pub fn measures_like(&self, other: &Self) -> bool {
        let phases = |experiment: &Experiment| experiment.phases.iter().map(|phase| phase.from).collect::<Vec<_>>();
        self.places_like(other)
            && self.experiment.dimensions == other.experiment.dimensions
            && phases(&self.experiment) == phases(&other.experiment)
            && self.metrics.len() == other.metrics.len()
            && self.metrics.iter().zip(&other.metrics).all(|(a, b)| a.measures_like(b))
            && self.experiment.lenses == other.experiment.lenses
    }

    /// The window of lens `index` in days: its own, else the experiment's; `None`: none.
    #[must_use]
    pub fn lens_window_days(&self, index: usize) -> Option<u32> {
        self.experiment.lenses[index].window_days.or(self.experiment.window_days)
    }

    /// Whether every person has the same place under both: the arm, the days and the dimension values, but for its phase, which
    /// follows from when it was exposed.
    #[must_use]
    pub fn places_like(&self, other: &Self) -> bool {
        let (a, b) = (&self.experiment, &other.experiment);
        a.key == b.key
            && a.arms.iter().map(|arm| &arm.key).eq(b.arms.iter().map(|arm| &arm.key))
            && a.starts_at == b.starts_at
            && a.ends_at == b.ends_at
            && a.window_days == b.window_days
            && measured_dimensions(a).eq(measured_dimensions(b))
    }
}
