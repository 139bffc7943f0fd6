//! How sure could the experiment become, and when? The smallest effect that today's persons show, the persons and days that
//! an effect still needs, and the power by persons, for each method and split, from the traffic seen.

use journey::{Goal, Method, MetricKind, Role};

use super::gate::{CONTRIBUTORS, contributing_share};
use super::kpi::{estimate, of_arms};
use super::{Maturity, Question};
use crate::inference::power::{Baseline, Design, Direction, Horizon, Persons, days_needed};
use crate::inference::{CovariateSums, Theta, Undefined, adjust, bonferroni_confidence, finite};
use crate::moments::Moments;
use crate::reading::Reading;

/// How persons are split between control and arm.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Split {
    /// As the weights of the experiment say.
    Current,
    /// In parts, of which control gets the first and the arm the second; both above zero.
    Parts(f64, f64),
}

/// What the experiment should be able to show.
#[derive(Debug, Clone, PartialEq)]
pub struct Goals {
    /// The effect, relative to the KPI of control and above zero; the goal of the metric gives its direction.
    pub effect: f64,
    /// The probability of a verdict where that is the effect; above the error rate, below 1.
    pub power: f64,
    /// The splits to look at.
    pub splits: Vec<Split>,
    /// Persons who join in a day, all arms together, where that is known.
    pub persons_per_day: Option<f64>,
}

/// The outlook of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct Outlook {
    /// The persons that it speaks of: matured ones where the metric has a window.
    pub maturity: Maturity,
    /// Comparisons in the metric's family: the confidence of tests is what a lone effect among them needs (Bonferroni's, the
    /// first step of Holm as of Benjamini and Hochberg).
    pub comparisons: usize,
    /// Every arm but the baseline.
    pub arms: Vec<ArmOutlook>,
}

/// The outlook of an arm against the baseline.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmOutlook {
    /// The index of the arm.
    pub arm: usize,
    /// Persons of the reading in both arms together.
    pub persons: u64,
    /// Persons exposed in both arms together: the windows of the others are still open.
    pub exposed: u64,
    /// The KPI of control.
    pub value: Result<f64, Undefined>,
    /// The variance between persons, after the covariate where the metric is adjusted by one. For values pooled within both
    /// arms; for rates that of control's.
    pub variance: Result<f64, Undefined>,
    /// The effect as a difference, with its sign.
    pub effect: Result<f64, Undefined>,
    /// The persons of both arms from which a confidence sequence gives verdicts at an equal split.
    pub persons_of_gate: Result<f64, Undefined>,
    /// The N* that the effect asks for, at the current split: where the sequence should be tightest.
    pub planned_persons: Result<f64, Undefined>,
    /// Split by split.
    pub splits: Vec<SplitOutlook>,
}

/// The outlook at a split.
#[derive(Debug, Clone, PartialEq)]
pub struct SplitOutlook {
    /// The split.
    pub split: Split,
    /// The arm's share of the persons of both.
    pub share: f64,
    /// Whether the persons of today count: at another split the experiment begins anew.
    pub continues: bool,
    /// Method by method.
    pub methods: Vec<MethodOutlook>,
}

/// The outlook of a method.
#[derive(Debug, Clone, PartialEq)]
pub struct MethodOutlook {
    /// The method.
    pub method: Method,
    /// The confidence of the two-sided statement that its verdict is.
    pub confidence: f64,
    /// The smallest effect, as a difference with its sign, that today's number of persons shows with the power asked for.
    pub detectable: Result<f64, Undefined>,
    /// The power at today's number of persons.
    pub power: Result<f64, Undefined>,
    /// The persons that the effect needs.
    pub needed: Result<Persons, Undefined>,
    /// How many of them are still to come.
    pub more: Result<f64, Undefined>,
    /// How many days that takes at the present pace, windows included.
    pub days: Result<f64, Undefined>,
    /// The power at rising numbers of persons in both arms together.
    pub by_persons: Vec<(f64, Result<f64, Undefined>)>,
}

/// The outlook of `metric` for every arm but the question's baseline, at the question's confidence and N*.
///
/// - `sequential`: the probability that the corrected sequence has excluded zero by then ([`Design::power`]); values give no
///   verdict before 25 contributors are expected in the smaller arm.
/// - `frequentist`: the power of Welch's test at one reading.
/// - `bayesian`: with a flat prior the chance to beat control reaches the confidence c where a one-sided test at 1 - c
///   rejects: the power of a two-sided statement of confidence 2 c - 1. It is not adjusted for the number of comparisons.
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
    let share = contributing_share(&definition.metrics[metric].kind, &sums);
    let arms = (0..sums.len()).filter(|arm| *arm != question.baseline).map(|arm| {
        let pair = Pair { question, goals, metric, arm, comparisons, share };
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
}

/// What is known before any split is looked at.
struct Known {
    baseline: Result<Baseline, Undefined>,
    effect: Result<f64, Undefined>,
    direction: Direction,
    persons: f64,
    exposed: f64,
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
        let mut known =
            Known { baseline, effect, direction, persons: here as f64, exposed: exposed as f64, steps: Vec::new() };
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
        let ratio = matches!(kind, MetricKind::Ratio { .. } | MetricKind::Clv { .. });
        let has_covariate = !ratio && !matches!(kind, MetricKind::Quantile { .. });
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
        let pair = [control, arm].map(CovariateSums::from);
        let cut = adjusted.then(|| adjust(&pair[0], &pair[1], &Theta::within_arms(&pair))).and_then(Result::ok);
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
        SplitOutlook { split, share, continues, methods }
    }

    fn by_method(&self, method: Method, share: f64, continues: bool, known: &Known) -> MethodOutlook {
        let horizon = match method {
            Method::Sequential => Horizon::Sequential { tuning: self.question.planned_persons },
            Method::Frequentist | Method::Bayesian => Horizon::Fixed,
        };
        let design = Design { horizon, confidence: self.confidence(method), share };
        // Only the sequence waits for contributors.
        let gate = if method == Method::Sequential { self.gate(share) } else { Ok(0.0) };
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
