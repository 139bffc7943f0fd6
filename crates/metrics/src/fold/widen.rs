//! What does a person contribute to a version that measures more than the one before? What is stored says where the
//! person stands and what the old metrics come to; only events that the new metrics look at are needed.

use journey::{Definition, Derived, Experiment, Happening, Metric, Path, Zone};

use super::facts::looked_at;
use super::{observe, start_trace, start_walk};
use crate::contribution::{Assignment, Contribution};
use crate::plan::Plan;

/// The step from one version of an experiment to another that places every person alike.
#[derive(Debug, Clone)]
pub struct Widening {
    /// One study: the experiment with the new metrics alone.
    pub(crate) plan: Plan,
    /// Per metric of the new version its place in the old one; `None`: it is new.
    kept: Vec<Option<usize>>,
    /// The same per lens.
    kept_lenses: Vec<Option<usize>>,
    names: Option<Vec<String>>,
    /// Per dimension of the new version its place in the old one; `None`: it is the phase, which follows from the exposure.
    values: Vec<Option<usize>>,
    experiment: Experiment,
}

impl Widening {
    /// The step from `from` to `to`; `None` where a person's place may differ (arms, dates, window or dimensions other than the phase).
    #[must_use]
    pub fn between(from: &Definition, to: &Definition, zone: Zone) -> Option<Self> {
        if !from.places_like(to) {
            return None;
        }
        let place = |metric: &Metric| from.metrics.iter().position(|old| old.measures_like(metric));
        let kept: Vec<Option<usize>> = to.metrics.iter().map(place).collect();
        let lenses = &to.experiment.lenses;
        let kept_lenses: Vec<Option<usize>> =
            lenses.iter().map(|lens| from.experiment.lenses.iter().position(|old| old == lens)).collect();
        let mut rest = to.clone();
        rest.experiment.dimensions.clear();
        rest.metrics =
            to.metrics.iter().zip(&kept).filter(|(_, kept)| kept.is_none()).map(|(metric, _)| metric.clone()).collect();
        rest.experiment.lenses =
            lenses.iter().zip(&kept_lenses).filter(|(_, kept)| kept.is_none()).map(|(lens, _)| lens.clone()).collect();
        let names = looked_at(rest.metrics.iter(), rest.experiment.lenses.iter());
        let dimensions = &from.experiment.dimensions;
        let is_phase = |path: &Path| path.derived() == Some(Derived::Phase);
        let place = |path: &Path| dimensions.iter().position(|old| old == path);
        let values =
            to.experiment.dimensions.iter().map(|path| if is_phase(path) { Some(None) } else { place(path).map(Some) });
        Some(Self {
            values: values.collect::<Option<_>>()?,
            experiment: to.experiment.clone(),
            plan: Plan::new(vec![rest.into()], zone),
            kept,
            kept_lenses,
            names,
        })
    }

    /// The names of the events that the new metrics look at; `None`: events of any name.
    #[must_use]
    pub fn names(&self) -> Option<&[String]> {
        self.names.as_deref()
    }

    /// The paths whose facts the events must carry, in this order.
    #[must_use]
    pub fn paths(&self) -> &[Path] {
        &self.plan.paths
    }

    /// What a person contributes to the new version: `stored` is what is stored under the old one, `journey` the same
    /// person's events of [`Self::names`], sorted by [`Happening::position`].
    ///
    /// `None` where the whole journey is needed, because events in a foreign currency are counted over all metrics.
    #[must_use]
    pub fn widen(&self, stored: &Contribution, journey: &[Happening]) -> Option<Contribution> {
        let Some(old) = &stored.assignment else { return Some(stored.clone()) };
        if !old.foreign.is_empty() || journey.iter().any(|event| event.foreign) {
            return None;
        }
        let study = &self.plan.studies[0];
        let start = journey.partition_point(|event| event.at < old.at);
        let traces =
            study.metrics.iter().map(|gauge| start_trace(&self.plan, gauge, &journey[..start], old.at)).collect();
        let walks = study.lenses.iter().map(|glass| start_walk(&self.plan, glass, &journey[..start], old.at)).collect();
        let mut added = Assignment { traces, walks, values: Vec::new(), foreign: Vec::new(), ..*old };
        for event in &journey[start..] {
            observe(&self.plan, study, &mut added, event);
        }
        let mut new = added.traces.into_iter();
        let trace = |kept: &Option<usize>| match kept {
            Some(place) => old.traces.get(*place).cloned(),
            None => new.next(),
        };
        let traces = self.kept.iter().map(trace).collect::<Option<_>>()?;
        let mut new = added.walks.into_iter();
        let walk = |kept: &Option<usize>| match kept {
            Some(place) => old.walks.get(*place).cloned(),
            None => new.next(),
        };
        let walks = self.kept_lenses.iter().map(walk).collect::<Option<_>>()?;
        let value = |place: &Option<usize>| match place {
            Some(place) => old.values.get(*place).cloned(),
            None => Some(super::known::phase(&self.experiment, old.at)),
        };
        let values = self.values.iter().map(value).collect::<Option<_>>()?;
        let assignment = Assignment { traces, walks, values, foreign: Vec::new(), ..*old };
        Some(Contribution { strays: stored.strays.clone(), assignment: Some(assignment) })
    }
}
