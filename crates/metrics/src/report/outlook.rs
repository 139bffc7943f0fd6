//! How sure could the experiment become, and when? The smallest effect that today's persons show, the persons and days that
//! an effect still needs, and the power by persons, for each method and split, from the traffic seen.

mod told;

use journey::{CrossoverPolicy, Goal, Method, MetricKind, Role};

use super::gate::{CONTRIBUTORS, contributing_share, persons_for_plans};
use super::judge::adjusted_gap;
use super::kpi::{estimate, of_arms};
use super::{Maturity, Question};
use crate::inference::power::{Baseline, Design, Direction, Horizon, Noise, Persons, days_needed};
use crate::inference::{Undefined, bonferroni_confidence, finite};
use crate::moments::Moments;
use crate::reading::Reading;

pub use told::{ArmOutlook, Goals, MethodOutlook, Outlook, Split, SplitOutlook};

/// The outlook of `metric` for every arm but the question's baseline, at the question's confidence and N*.
///
/// - `sequential`: the probability that the corrected sequence has excluded zero by then ([`Design::power`]); values give no
///   verdict before 25 contributors are expected in the smaller arm.
/// - `frequentist`: the power of Welch's test at one reading.
/// - `bayesian`: with a flat prior the chance to beat control reaches the confidence c where a one-sided test of the lift at 1 - c
///   rejects: the power of a two-sided statement of confidence 2 c - 1 about the lift, whose noise includes control's
///   ([`Horizon::Lift`]). Rates that no covariate adjusts are judged by whether they differ, and so planned. It is not adjusted for
///   the number of comparisons.
///
/// Conditions: a metric of the definition, a baseline of it.
#[must_use]
pub fn outlook(question: &Question<'_>, reading: &Reading, metric: usize, goals: &Goals) -> Outlook {
    let definition = question.definition;
    let windowed = definition.window_days(metric).is_some();
    let maturity = if windowed { question.maturity } else { Maturity::Live };
    let uses = &definition.experiment.metrics;
    let primary = |role: Role| role == Role::Primary;
    let family = uses.iter().filter(|used| primary(used.role) == primary(uses[metric].role)).count();
    let comparisons = family * reading.arms.len().saturating_sub(1);
    let sums = of_arms(reading, metric, maturity);
    let live = of_arms(reading, metric, Maturity::Live);
    let kind = &definition.metrics[metric].kind;
    let (share, trusted_from) = (contributing_share(kind, &sums), persons_for_plans(kind, &sums));
    let arms = (0..sums.len()).filter(|arm| *arm != question.baseline).map(|arm| {
        let pair = Pair { question, goals, metric, arm, comparisons, share, trusted_from };
        pair.outlook([question.baseline, arm].map(|arm| sums[arm]), [question.baseline, arm].map(|arm| live[arm]))
    });
    Outlook { maturity, comparisons, arms: arms.collect() }
}

/// An arm and the baseline, and what is asked of them.
struct Pair<'a> {
    question: &'a Question<'a>,
    goals: &'a Goals,
    metric: usize,
    arm: usize,
    comparisons: usize,
    /// The share of persons who contribute.
    share: f64,
    /// The persons of the smaller arm from which normal theory is to be trusted.
    trusted_from: Result<f64, Undefined>,
}

/// What is known before any split is looked at.
struct Known {
    baseline: Result<Baseline, Undefined>,
    effect: Result<f64, Undefined>,
    direction: Direction,
    persons: f64,
    exposed: f64,
    /// What is uncertain of the control below a lift.
    noise: Option<Noise>,
    /// Numbers of persons to tell the power at.
    steps: Vec<f64>,
}

impl Pair<'_> {
    fn kind(&self) -> &MetricKind {
        &self.question.definition.metrics[self.metric].kind
    }

    fn outlook(&self, [control, arm]: [&Moments; 2], [live_control, live_arm]: [&Moments; 2]) -> ArmOutlook {
        let persons = |a: &Moments, b: &Moments| a.n.max(0).unsigned_abs().saturating_add(b.n.max(0).unsigned_abs());
        let (here, exposed) = (persons(control, arm), persons(live_control, live_arm));
        let baseline = self.baseline(control, arm);
        let value = baseline.map(|baseline| baseline.value());
        let variance = baseline.map(|baseline| match baseline {
            Baseline::Conversion(rate) => rate * (1.0 - rate),
            Baseline::Mean { variance, .. } => variance,
        });
        let direction = match self.question.definition.metrics[self.metric].goal {
            Goal::Increase => Direction::Up,
            Goal::Decrease => Direction::Down,
        };
        let effect = baseline.and_then(|baseline| self.effect(&baseline, direction));
        let mut known = Known {
            baseline,
            effect,
            direction,
            persons: here as f64,
            exposed: exposed as f64,
            noise: baseline.ok().and_then(|baseline| self.noise(&baseline, [control, arm])),
            steps: Vec::new(),
        };
        let current = self.share_of(Split::Current);
        let fixed =
            Design { horizon: Horizon::Fixed, confidence: self.confidence(Method::Frequentist), share: current };
        if let (Ok(baseline), Ok(effect)) = (known.baseline, known.effect)
            && let Ok(needed) = fixed.persons_needed(&baseline, effect, self.goals.power)
        {
            known.steps = round_steps(needed.total / 4.0, needed.total * 4.0);
        }
        let planned = Design { confidence: self.confidence(Method::Sequential), ..fixed };
        let planned_persons = known.baseline.and_then(|baseline| {
            self.hopeless(Method::Sequential).map_or(Ok(()), Err)?;
            planned.tuning_for_effect(&baseline, known.effect?, self.goals.power).map(|persons| persons.ceil().max(1.0))
        });
        let mut splits: Vec<SplitOutlook> = Vec::with_capacity(self.goals.splits.len());
        for split in &self.goals.splits {
            let share = self.share_of(*split);
            let same = splits.iter().find(|other| other.share.to_bits() == share.to_bits()).cloned();
            splits.push(
                same.map_or_else(|| self.at_split(*split, &known), |same| SplitOutlook { split: *split, ..same }),
            );
        }
        ArmOutlook {
            arm: self.arm,
            persons: here,
            exposed,
            value,
            variance,
            effect,
            persons_of_gate: self.gate(0.5),
            planned_persons,
            splits,
        }
    }

    /// What control looks like, and how much persons vary.
    fn baseline(&self, control: &Moments, arm: &Moments) -> Result<Baseline, Undefined> {
        let (kind, used) = (self.kind(), &self.question.definition.experiment.metrics[self.metric]);
        let estimate_of = |sums: &Moments| estimate(kind, sums, self.question.confidence);
        let of_control = estimate_of(control)?;
        let has_covariate = kind.has_covariate();
        let adjusted = self.question.cuped.unwrap_or(used.cuped) && has_covariate;
        if kind.is_binary() {
            let rate = of_control.value();
            if rate <= 0.0 {
                return Err(Undefined::NothingConverted);
            }
            if rate >= 1.0 {
                return Err(Undefined::EveryoneConverted);
            }
            if !adjusted {
                return Ok(Baseline::Conversion(rate));
            }
        }
        let cut = if adjusted { adjusted_gap(kind, control, arm) } else { None };
        let (of_control, of_arm) = match cut {
            Some(gap) => (gap.control, Ok(gap.treatment)),
            None => (of_control, estimate_of(arm)),
        };
        let between = |estimate: &crate::inference::Estimate| {
            (estimate.degrees_of_freedom(), estimate.variance() * estimate.persons() as f64)
        };
        let (freedom, variance) = between(&of_control);
        // An arm that has nobody yet says nothing of the spread; control does.
        let variance = match of_arm.as_ref().map(between) {
            Ok((more, other)) => (freedom * variance + more * other) / (freedom + more),
            Err(_) => variance,
        };
        if variance <= 0.0 {
            return Err(Undefined::NoVariance);
        }
        Ok(Baseline::Mean { value: estimate_of(control)?.value(), variance })
    }

    /// What is uncertain of the control that a lift divides by; `None` for rates, which are judged by their difference.
    fn noise(&self, baseline: &Baseline, [control, arm]: [&Moments; 2]) -> Option<Noise> {
        let Baseline::Mean { variance, .. } = *baseline else { return None };
        let used = &self.question.definition.experiment.metrics[self.metric];
        let adjusted =
            self.question.cuped.unwrap_or(used.cuped).then(|| adjusted_gap(self.kind(), control, arm)).flatten();
        Some(adjusted.map_or(Noise { variance, covariance: variance }, |adjusted| {
            let persons = adjusted.gap.control_persons as f64;
            Noise { variance: adjusted.gap.base_variance * persons, covariance: -adjusted.gap.covariance * persons }
        }))
    }

    fn effect(&self, baseline: &Baseline, direction: Direction) -> Result<f64, Undefined> {
        let size = self.goals.effect * baseline.value().abs();
        if size == 0.0 {
            return Err(Undefined::ZeroControl);
        }
        let effect = if direction == Direction::Up { size } else { -size };
        if let Baseline::Conversion(rate) = *baseline {
            let raised = rate + effect;
            if !(raised > 0.0 && raised < 1.0) {
                return Err(Undefined::Unreachable);
            }
        }
        Ok(effect)
    }

    /// The confidence of the two-sided statement that a verdict of the method is.
    fn confidence(&self, method: Method) -> f64 {
        match method {
            Method::Sequential | Method::Frequentist => {
                bonferroni_confidence(self.question.confidence, self.comparisons)
            }
            Method::Bayesian => 2.0 * self.question.confidence - 1.0,
        }
    }

    /// The arm's share of the persons of arm and baseline.
    fn share_of(&self, split: Split) -> f64 {
        let weight = |arm: usize| self.question.definition.experiment.arms[arm].weight.units() as f64;
        let (control, arm) = match split {
            Split::Current => (weight(self.question.baseline), weight(self.arm)),
            Split::Parts(control, arm) => (control, arm),
        };
        arm / (control + arm)
    }

    /// Persons of both arms at which 25 contributors are expected in the smaller one.
    fn gate(&self, share: f64) -> Result<f64, Undefined> {
        if self.kind().is_binary() {
            return Ok(0.0);
        }
        if self.share <= 0.0 {
            return Err(Undefined::NoVariance);
        }
        finite(CONTRIBUTORS / (self.share * share.min(1.0 - share)))
    }

    /// Why a method never gives a verdict, where it does not.
    fn hopeless(&self, method: Method) -> Option<Undefined> {
        if self.question.policy == CrossoverPolicy::Exclude {
            return Some(Undefined::NoVerdictWithoutCrossovers);
        }
        (method == Method::Sequential && self.kind().is_quantile()).then_some(Undefined::NoSequenceOfQuantiles)
    }

    /// Persons of arm and baseline who join in a day, at the weights of the experiment.
    fn per_day(&self) -> Option<f64> {
        let arms = &self.question.definition.experiment.arms;
        let weight = |arm: usize| arms[arm].weight.units() as f64;
        let all: f64 = (0..arms.len()).map(weight).sum();
        self.goals.persons_per_day.map(|persons| persons * (weight(self.question.baseline) + weight(self.arm)) / all)
    }

    fn at_split(&self, split: Split, known: &Known) -> SplitOutlook {
        let share = self.share_of(split);
        let continues = (share - self.share_of(Split::Current)).abs() < 1e-9;
        let methods = [Method::Sequential, Method::Frequentist, Method::Bayesian];
        let methods = methods.map(|method| self.by_method(method, share, continues, known)).into();
        let trusted_from = self.trusted_from.and_then(|persons| finite(persons / share.min(1.0 - share)));
        SplitOutlook { split, share, continues, trusted_from, methods }
    }

    fn by_method(&self, method: Method, share: f64, continues: bool, known: &Known) -> MethodOutlook {
        let horizon = match method {
            Method::Sequential => Horizon::Sequential { tuning: self.question.planned_persons },
            Method::Frequentist => Horizon::Fixed,
            Method::Bayesian => known.noise.map_or(Horizon::Fixed, Horizon::Lift),
        };
        let design = Design { horizon, confidence: self.confidence(method), share };
        // Only the sequence waits for contributors.
        let gate = if method == Method::Sequential { self.gate(share) } else { Ok(0.0) };
        // Where no verdict can come, its probability is none, and nothing is to be planned for.
        let hopeless = self.hopeless(method);
        let gate = hopeless.map_or(gate, Err);
        let open = |persons: f64| match gate {
            Ok(gate) if persons >= gate => Ok(()),
            Ok(_) => Err(Undefined::TooFewContributors),
            Err(reason) => Err(reason),
        };
        let (baseline, effect, power) = (known.baseline, known.effect, self.goals.power);
        let power_at = |persons: f64| {
            let (baseline, effect) = (baseline?, effect?);
            open(persons)?;
            design.power(&baseline, effect, persons)
        };
        let detectable = baseline.and_then(|baseline| {
            open(known.persons)?;
            design.minimum_detectable_effect(&baseline, known.persons, power, known.direction)
        });
        let needed = baseline.and_then(|baseline| {
            let needed = design.persons_needed(&baseline, effect?, power)?;
            Ok(at_least(needed, gate?, share))
        });
        let more = needed.map(|needed| (needed.total - if continues { known.persons } else { 0.0 }).max(0.0));
        let days = needed.and_then(|needed| {
            let window = self.question.definition.window_days(self.metric).map_or(0.0, f64::from);
            match needed.total {
                total if continues && total <= known.persons => Ok(0.0),
                // Whoever is exposed already only has to be waited for.
                total if continues && total <= known.exposed => Ok(window),
                total => {
                    let joined = if continues { known.exposed } else { 0.0 };
                    days_needed(total, joined, self.per_day().unwrap_or(0.0), window).ok_or(Undefined::NoTraffic)
                }
            }
        });
        MethodOutlook {
            method,
            confidence: design.confidence,
            detectable,
            power: power_at(known.persons),
            needed,
            more,
            days,
            by_persons: known.steps.iter().map(|persons| (*persons, power_at(*persons))).collect(),
        }
    }
}

/// The persons needed, and at least `fewest`.
fn at_least(needed: Persons, fewest: f64, share: f64) -> Persons {
    if needed.total >= fewest {
        return needed;
    }
    let up = |persons: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a double to a whole saturates")]
        let whole = persons.ceil() as u64;
        whole
    };
    Persons { total: fewest, control: up(fewest * (1.0 - share)), treatment: up(fewest * share) }
}

/// The numbers 1, 2, 5, 10, 20, .. from the last one at or below `low` to the first one at or above `high`.
fn round_steps(low: f64, high: f64) -> Vec<f64> {
    if !(low > 0.0 && high >= low && high < 1e15) {
        return Vec::new();
    }
    let decade = 10f64.powf(low.log10().floor() - 1.0).max(1.0);
    let steps = std::iter::successors(Some(decade), |decade| Some(10.0 * decade))
        .flat_map(|decade| [decade, 2.0 * decade, 5.0 * decade]);
    let mut found: Vec<f64> = Vec::new();
    for step in steps {
        if step <= low {
            found.clear();
        }
        found.push(step);
        if step >= high {
            break;
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_round_and_reach_around() {
        assert_eq!(round_steps(3_000.0, 40_000.0), [2_000.0, 5_000.0, 10_000.0, 20_000.0, 50_000.0]);
        assert_eq!(round_steps(5.0, 5.0), [5.0]);
        assert_eq!(round_steps(1.2, 4.0), [1.0, 2.0, 5.0]);
        assert!(round_steps(0.0, 4.0).is_empty() && round_steps(f64::NAN, 4.0).is_empty());
    }
}
