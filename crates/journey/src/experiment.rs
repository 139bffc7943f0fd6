//! Experiments: comparisons of arms.

mod words;

use std::collections::HashSet;

use crate::amount::{Amount, UNIT};
use crate::cost::Cost;
use crate::derived::Derived;
use crate::instant::Instant;
use crate::invalid::{Invalid, shown};
use crate::lens::Lens;
use crate::path::Path;
use crate::phase::{self, Phase};
use crate::text::{Key, Name};

pub use words::{CrossoverPolicy, Method, Role, Tactic};

/// The window of an experiment that does not say.
pub const DEFAULT_WINDOW_DAYS: u32 = 14;

/// The planned persons (N*) of an experiment that does not say.
pub const DEFAULT_PLANNED_PERSONS: u32 = 5_000;

/// A branch of an experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Arm {
    /// The key that exposures name.
    pub key: Key,
    /// The share of persons, relative to the other arms; above 0.
    pub weight: Amount,
    /// The dose of personalisation.
    pub intensity: Option<Amount>,
    /// What it costs.
    pub cost: Cost,
}

/// A metric as an experiment uses it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetricUse {
    /// The metric's key.
    pub metric: Key,
    /// What it is for.
    pub role: Role,
    /// For guardrails: the relative harm that is tolerated.
    pub max_harm: Option<Amount>,
    /// Whether its differences are adjusted by the same metric from before the exposure.
    pub cuped: bool,
}

/// An experiment before validation. Keys and amounts are already valid.
#[derive(Debug, Clone)]
pub struct ExperimentDraft {
    /// The key within the tenant.
    pub key: Key,
    /// For people.
    pub name: Option<Name>,
    /// The kind of personalisation.
    pub tactic: Option<Tactic>,
    /// For people.
    pub hypothesis: Option<String>,
    /// For people.
    pub owner: Option<Name>,
    /// The key of the arm that is not personalised.
    pub control: Key,
    /// The arms, control included.
    pub arms: Vec<Arm>,
    /// Exposures before it are outside.
    pub starts_at: Option<Instant>,
    /// Exposures at and after it are outside.
    pub ends_at: Option<Instant>,
    /// The window in days; `None`: none.
    pub window_days: Option<u32>,
    /// What happens to crossovers by default.
    pub crossovers: CrossoverPolicy,
    /// How lifts are tested.
    pub method: Method,
    /// The planned number of persons (N*), one or more: the time at which confidence sequences are tightest.
    pub planned_persons: u32,
    /// The metrics, the primary ones first where people read them.
    pub metrics: Vec<MetricUse>,
    /// What results can be broken down by.
    pub dimensions: Vec<Path>,
    /// For a holdout: the experiments of the programme that it is held out from.
    pub holdout: Option<Vec<Key>>,
    /// The times of constant weights, in order; none where the weights of the arms always held.
    pub phases: Vec<Phase>,
    /// Whether its tallies are frozen.
    pub archived: bool,
}

/// A valid experiment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Experiment {
    /// The key within the tenant.
    pub key: Key,
    /// For people.
    pub name: Option<Name>,
    /// The kind of personalisation.
    pub tactic: Option<Tactic>,
    /// For people.
    pub hypothesis: Option<String>,
    /// For people.
    pub owner: Option<Name>,
    /// The index of the arm that is not personalised.
    pub control: usize,
    /// The arms, control included.
    pub arms: Vec<Arm>,
    /// Exposures before it are outside.
    pub starts_at: Option<Instant>,
    /// Exposures at and after it are outside.
    pub ends_at: Option<Instant>,
    /// The window in days; `None`: none.
    pub window_days: Option<u32>,
    /// What happens to crossovers by default.
    pub crossovers: CrossoverPolicy,
    /// How lifts are tested.
    pub method: Method,
    /// The planned number of persons (N*), one or more: the time at which confidence sequences are tightest.
    pub planned_persons: u32,
    /// The metrics.
    pub metrics: Vec<MetricUse>,
    /// What results can be broken down by.
    pub dimensions: Vec<Path>,
    /// What of journeys is kept beside the metrics, because it was asked for; the one asked for first stands first.
    pub lenses: Vec<Lens>,
    /// For a holdout: the experiments of the programme that it is held out from.
    pub holdout: Option<Vec<Key>>,
    /// The times of constant weights, in order; none where the weights of the arms always held.
    pub phases: Vec<Phase>,
    /// Whether its tallies are frozen.
    pub archived: bool,
}

fn check(holds: bool, code: &'static str, pointer: &str, detail: impl FnOnce() -> String) -> Result<(), Invalid> {
    if holds { Ok(()) } else { Err(Invalid::new(code, pointer, detail())) }
}

fn check_distinct<'a>(texts: impl Iterator<Item = &'a str>, pointer: &str) -> Result<(), Invalid> {
    let mut seen = HashSet::new();
    for (at, text) in texts.enumerate() {
        check(seen.insert(text), "duplicate", &format!("{pointer}/{at}"), || {
            format!("{} stands twice: keep one", shown(text))
        })?;
    }
    Ok(())
}

/// Checks the programme of a holdout with this key.
fn check_programme(programme: &[Key], key: &Key) -> Result<(), Invalid> {
    let pointer = "/holdout/programme";
    check((1..=Experiment::MAX_PROGRAMME).contains(&programme.len()), "out_of_range", pointer, || {
        format!("has {} experiments: name 1 to {}", programme.len(), Experiment::MAX_PROGRAMME)
    })?;
    check_distinct(programme.iter().map(Key::as_str), pointer)?;
    check(!programme.contains(key), "out_of_place", pointer, || {
        format!("{} is the holdout itself: name the experiments that its persons take part in", shown(key.as_str()))
    })
}

impl Experiment {
    /// The fewest arms: one alone is compared with nothing.
    pub const MIN_ARMS: usize = 2;
    /// The most arms.
    pub const MAX_ARMS: usize = 50;
    /// The most metrics.
    pub const MAX_METRICS: usize = 100;
    /// The most dimensions.
    pub const MAX_DIMENSIONS: usize = 20;
    /// The most experiments of a programme.
    pub const MAX_PROGRAMME: usize = 20;

    /// Checks what goes together.
    pub fn validate(draft: ExperimentDraft) -> Result<Self, Invalid> {
        let arms = &draft.arms;
        check((Self::MIN_ARMS..=Self::MAX_ARMS).contains(&arms.len()), "out_of_range", "/arms", || {
            let found = if arms.len() == 1 { "1 arm".to_owned() } else { format!("{} arms", arms.len()) };
            format!("has {found}: an experiment compares {} to {}, control among them", Self::MIN_ARMS, Self::MAX_ARMS)
        })?;
        check_distinct(arms.iter().map(|arm| arm.key.as_str()), "/arms")?;
        for (at, arm) in arms.iter().enumerate() {
            check(arm.weight.units() > 0, "out_of_range", &format!("/arms/{at}/weight"), || {
                format!("{} is not above 0", arm.weight)
            })?;
            arm.cost.check(&format!("/arms/{at}/cost"))?;
        }
        let control = arms.iter().position(|arm| arm.key == draft.control).ok_or_else(|| {
            let keys: Vec<_> = arms.iter().map(|arm| arm.key.as_str()).collect();
            let detail = format!("{} is no arm: use one of {}", shown(draft.control.as_str()), keys.join(", "));
            Invalid::new("unknown_arm", "/control", detail)
        })?;
        if let (Some(starts_at), Some(ends_at)) = (draft.starts_at, draft.ends_at) {
            check(starts_at < ends_at, "out_of_range", "/ends_at", || {
                format!("{ends_at} is not after starts_at {starts_at}")
            })?;
        }
        if let Some(days) = draft.window_days {
            check((1..=3_650).contains(&days), "out_of_range", "/window_days", || {
                format!("{days} is no number of days from 1 to 3650; null means no window")
            })?;
        }
        check(draft.planned_persons >= 1, "out_of_range", "/planned_persons", || {
            "0 is no number of persons: plan for 1 or more".into()
        })?;
        check(draft.metrics.len() <= Self::MAX_METRICS, "out_of_range", "/metrics", || {
            format!("has {} metrics: at most {} are allowed", draft.metrics.len(), Self::MAX_METRICS)
        })?;
        check_distinct(draft.metrics.iter().map(|metric| metric.metric.as_str()), "/metrics")?;
        for (at, metric) in draft.metrics.iter().enumerate() {
            if let Some(harm) = metric.max_harm {
                let pointer = format!("/metrics/{at}/max_harm");
                check(metric.role == Role::Guardrail, "out_of_place", &pointer, || {
                    "belongs to guardrails: set the role, or leave it out".into()
                })?;
                check((1..1_000_000).contains(&harm.units()), "out_of_range", &pointer, || {
                    format!("{harm} does not lie between 0 and 1")
                })?;
            }
        }
        check(draft.dimensions.len() <= Self::MAX_DIMENSIONS, "out_of_range", "/dimensions", || {
            format!("has {} dimensions: at most {} are allowed", draft.dimensions.len(), Self::MAX_DIMENSIONS)
        })?;
        check_distinct(draft.dimensions.iter().map(Path::as_str), "/dimensions")?;
        if let Some(programme) = &draft.holdout {
            check_programme(programme, &draft.key)?;
        }
        for (at, dimension) in draft.dimensions.iter().enumerate() {
            let by_probability = dimension.derived() == Some(Derived::Probability);
            check(!by_probability || arms.len() == 2, "out_of_place", &format!("/dimensions/{at}"), || {
                format!(
                    "exposure.probability tells two arms apart, and there are {}: say the weights as phases",
                    arms.len()
                )
            })?;
        }
        phase::check(&draft.phases, arms.len())?;
        let mut dimensions = draft.dimensions;
        if draft.phases.len() > 1 && !dimensions.contains(&Path::of_phase()) {
            // What is compared within phases has to know them.
            dimensions.push(Path::of_phase());
        }
        if let Some(text) = &draft.hypothesis {
            check(text.chars().count() <= 2_000 && !text.contains('\0'), "too_long", "/hypothesis", || {
                "has more than 2000 characters or holds U+0000".into()
            })?;
        }
        Ok(Self {
            key: draft.key,
            name: draft.name,
            tactic: draft.tactic,
            hypothesis: draft.hypothesis,
            owner: draft.owner,
            control,
            arms: draft.arms,
            starts_at: draft.starts_at,
            ends_at: draft.ends_at,
            window_days: draft.window_days,
            crossovers: draft.crossovers,
            method: draft.method,
            planned_persons: draft.planned_persons,
            metrics: draft.metrics,
            dimensions,
            phases: draft.phases,
            lenses: Vec::new(),
            holdout: draft.holdout,
            archived: draft.archived,
        })
    }

    /// The experiment with these lenses; of more than [`Lens::MOST`] the last ones.
    #[must_use]
    pub fn looking_through(mut self, mut lenses: Vec<Lens>) -> Self {
        lenses.drain(..lenses.len().saturating_sub(Lens::MOST));
        self.lenses = lenses;
        self
    }

    /// The index of the arm with this key.
    #[must_use]
    pub fn arm(&self, key: &str) -> Option<usize> {
        self.arms.iter().position(|arm| arm.key.as_str() == key)
    }

    /// The phase in which an exposure at `at` lies, which is the first one for all before it; `None`: there are no phases.
    #[must_use]
    pub fn phase_at(&self, at: Instant) -> Option<&Phase> {
        let after = self.phases.partition_point(|phase| phase.from.is_none_or(|from| from <= at));
        self.phases.get(after.saturating_sub(1))
    }

    /// The index of the dimension within whose values arms are compared, because the weights differ between them: that of the
    /// probabilities that exposures tell, else that of several phases.
    #[must_use]
    pub fn strata(&self) -> Option<usize> {
        let place = |wanted: &Derived| self.dimensions.iter().position(|path| path.derived().as_ref() == Some(wanted));
        place(&Derived::Probability).or_else(|| place(&Derived::Phase).filter(|_| self.phases.len() > 1))
    }

    /// The weights of the arms among the persons with this value of [`Experiment::strata`]; those of the arms themselves where it
    /// does not say.
    #[must_use]
    pub fn weights_within(&self, value: &str) -> Vec<f64> {
        let one = |weight: Amount| weight.units() as f64 / UNIT as f64;
        let planned = || self.arms.iter().map(|arm| one(arm.weight)).collect();
        match self.strata().and_then(|at| self.dimensions[at].derived()) {
            Some(Derived::Probability) => match Amount::parse(value, "").map(one) {
                Ok(p) => (0..self.arms.len()).map(|arm| if arm == self.control { p } else { 1.0 - p }).collect(),
                Err(_) => planned(),
            },
            Some(Derived::Phase) => match self.phases.iter().find(|phase| phase.name() == value) {
                Some(phase) => phase.weights.iter().map(|weight| one(*weight)).collect(),
                None => planned(),
            },
            _ => planned(),
        }
    }

    /// The experiment as it follows `current` at `now`, where it was `exposed` already.
    ///
    /// Without phases, or with those of `current`, other weights of the same arms begin a new phase: whoever was exposed before
    /// came by the weights of then. With phases of its own it says what held when, and its arms' weights are those of the last.
    pub fn following(mut self, current: Option<&Self>, now: Instant, exposed: bool) -> Result<Self, Invalid> {
        let weights = |experiment: &Self| experiment.arms.iter().map(|arm| arm.weight).collect::<Vec<_>>();
        let sent = weights(&self);
        let same_arms =
            |current: &&Self| current.arms.iter().map(|arm| &arm.key).eq(self.arms.iter().map(|arm| &arm.key));
        let goes_on = current.filter(|current| self.phases.is_empty() || self.phases == current.phases);
        if let Some(before) = goes_on.filter(|before| exposed || !before.phases.is_empty()) {
            if !same_arms(&before) {
                check(before.phases.is_empty(), "phases_without_arms", "/phases", || {
                    "the arms changed, so the phases there are do not fit: send phases with a weight for each arm"
                        .into()
                })?;
                return Ok(self);
            }
            self.phases.clone_from(&before.phases);
            if !phase::alike(&sent, &weights(before)) {
                if self.phases.is_empty() {
                    self.phases.push(Phase { from: None, weights: weights(before) });
                }
                self.phases.push(Phase { from: Some(now), weights: sent });
            }
            return self.with_dimension_of_phases();
        }
        if let Some(last) = self.phases.last() {
            // An arm that nobody is assigned to any more keeps its weight.
            let kept = |of: &[Amount]| {
                of.iter()
                    .zip(&last.weights)
                    .filter(|(_, last)| last.units() > 0)
                    .map(|(one, _)| *one)
                    .collect::<Vec<_>>()
            };
            let is_last = phase::alike(&kept(&sent), &kept(&last.weights));
            for (at, (arm, weight)) in self.arms.iter().zip(&last.weights).enumerate() {
                check(is_last, "conflicting_weights", &format!("/arms/{at}/weight"), || {
                    format!(
                        "the arm {} has another share than in the last phase, where its weight is {weight}: leave the weights of \
                         arms out, or add a phase with the new ones",
                        arm.key
                    )
                })?;
            }
        }
        Ok(self)
    }

    fn with_dimension_of_phases(mut self) -> Result<Self, Invalid> {
        phase::check(&self.phases, self.arms.len()).map_err(|invalid| {
            let detail = format!("a new phase can't begin now, {invalid}: send phases with the new weights");
            Invalid::new("phase_planned", "/phases", detail)
        })?;
        if self.phases.len() > 1 && !self.dimensions.contains(&Path::of_phase()) {
            self.dimensions.push(Path::of_phase());
        }
        Ok(self)
    }

    /// Whether an exposure at `at` lies inside `[starts_at, ends_at)`.
    #[must_use]
    pub fn is_inside(&self, at: Instant) -> bool {
        self.starts_at.is_none_or(|start| at >= start) && self.ends_at.is_none_or(|end| at < end)
    }
}
