//! For whom does it work? One metric by the values of a dimension that was known before the exposure: the lift of each
//! value, whether they differ, what to expect of each, and who responded best, where that may be said.

use std::sync::Arc;

use journey::{Method, MetricKind};

use super::claims::{BY_SEQUENCE, ONE_READING, causal};
use super::family;
use super::gate::{CONTRIBUTORS, LIVE_CONTRIBUTORS, contributing_share};
use super::kpi::{Setting, Value, of_arm};
use super::stratified::post_stratify;
use super::versus::{Claim, Family, Versus};
use super::{ArmReport, Maturity, MetricReport, Question, Weights, judge_report, report_metric};
use crate::inference::{
    Effect, Interval, Segment, SegmentEffect, Segments, SequentialSegments, Undefined, bonferroni_confidence,
    compare_segments, finite, sequential_segments, two_sided_width,
};
use crate::moments::Moments;
use crate::reading::Group;

pub use super::stratified::PostStratified;

/// One metric by the values of a dimension.
#[derive(Debug, Clone, PartialEq)]
pub struct SegmentsReport {
    /// The index of the metric in the definition.
    pub metric: usize,
    /// The reading.
    pub maturity: Maturity,
    /// The values, in the order of the groups.
    pub values: Vec<ValueReport>,
    /// Every arm but the baseline.
    pub arms: Vec<ArmSegments>,
}

/// The persons with one value.
#[derive(Debug, Clone, PartialEq)]
pub struct ValueReport {
    /// The value, empty where it is unknown; `None`: all values beyond the largest ones, together.
    pub value: Option<Arc<str>>,
    /// Persons exposed.
    pub persons: i64,
    /// The arms: p-values are adjusted over all values and arms.
    pub arms: Vec<ArmReport>,
    /// What to beware of.
    pub notes: Vec<&'static str>,
}

/// The values of an arm beside each other.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmSegments {
    /// The index of the arm.
    pub arm: usize,
    /// Cochran's test, the common lift and the shrunken ones, of one reading.
    pub compared: Result<Segments, Undefined>,
    /// The lift that the values have in common, with the interval of one reading.
    pub common: Option<Value>,
    /// Each value against the rest at any time, under the method `sequential`.
    pub sequential: Option<Result<SequentialSegments, Undefined>>,
    /// Whether the test of a difference between values may be read at any time.
    pub anytime: Claim,
    /// Whether the intervals of the common lift and of the shrunken ones may: they are of one reading under every method.
    pub estimates_anytime: Claim,
    /// Whether a difference between values is one of effects.
    pub causal: Claim,
    /// One entry for each value, or why it takes no part.
    pub values: Vec<Result<SegmentComparison, String>>,
    /// Who responded best: the index of the value, or why nobody is named.
    pub best: Best,
    /// The effect over all values, like compared with like; or why there is none.
    pub post_stratified: Result<PostStratified, String>,
}

/// Who responded best: the index of a value, or why nobody is named.
pub type Best = Result<usize, String>;

/// A value beside the others.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SegmentComparison {
    /// The lift to expect of it in future, with the interval of the posterior of one reading.
    pub shrunken: Value,
    /// The share of the measured distance from the common lift that was kept.
    pub kept: f64,
    /// Its lift less the common lift of all others, in the method's interval.
    pub versus_rest: Value,
    /// The p-value of that difference.
    pub p_value: f64,
    /// The same after Holm's correction over the values.
    pub p_value_adjusted: f64,
}

const BAYESIAN: &str = "the method bayesian gives no test of a value against the rest: ask with method=sequential";
const MOVING: &str = "a live reading moves while windows close, so nobody is named: ask with maturity=matured";
const COMPOSED: &str = "the arms are composed differently by this dimension, see the check sample_ratio_by_dimension";
const WITHIN: Claim = Claim::yes(
    "arms are randomised within values known before the exposure; that it is the value which makes the difference is not shown",
);

/// Compares the values of a dimension in one metric.
///
/// `groups`: the values with their readings, as [`crate::reading::read_largest`] gives them; they hold different persons.
/// `composed_alike`: whether [`super::check_composition`] passed; where not, no verdict is given and nobody is named.
///
/// - Each value's lift is judged by the question's method; the p-values of all values and arms are one family, adjusted by Holm
///   unless the question says otherwise.
/// - Lifts are compared where 25 contributors are expected in the smaller arm (100 while values accrue): Cochran's Q, empirical
///   Bayes ([`compare_segments`]), and each value against the rest, under `sequential` at any time ([`sequential_segments`]).
/// - A value is named only if it beats the rest after Holm, on numbers that are effects and may be read as they are.
#[must_use]
pub fn segments(question: &Question<'_>, metric: usize, groups: &[Group], composed_alike: bool) -> SegmentsReport {
    let setting = Setting::of(question);
    let asked = Question { blocked: question.blocked || !composed_alike, ..*question };
    let mut reports = by_values(&asked, &setting, metric, groups);
    let windowed = question.definition.window_days(metric).is_some();
    let maturity = if windowed { question.maturity } else { Maturity::Live };
    let moving = maturity == Maturity::Live && windowed;
    for arm in reports.iter_mut().flat_map(|report| &mut report.arms) {
        arm.live = None;
    }
    let measured = &question.definition.metrics[metric];
    // A metric that only describes names nobody, and ratings are compared only where as many answer.
    let names = measured.decides && !matches!(measured.kind, MetricKind::Rating { .. });
    let composed_alike = composed_alike && names;
    let judge = Compare { question: &asked, setting: &setting, metric, maturity, moving, composed_alike };
    let arms = (0..question.definition.experiment.arms.len())
        .filter(|arm| *arm != question.baseline)
        .map(|arm| judge.arm(arm, groups, &reports))
        .collect();
    let values = groups.iter().zip(reports).map(|(group, report)| ValueReport {
        value: group.value.clone(),
        persons: group.persons,
        arms: report.arms,
        notes: report.notes,
    });
    SegmentsReport { metric, maturity, values: values.collect(), arms }
}

/// Reports every metric for every value of a dimension: the reports of each group, in the order of the metrics.
///
/// The values and arms of a metric are one family, as in [`segments()`], so that both say the same of the same value: whoever
/// looks for the value at which something stands out has looked at all of them. `composed_alike`: as there.
#[must_use]
pub fn report_values(question: &Question<'_>, groups: &[Group], composed_alike: bool) -> Vec<Vec<MetricReport>> {
    let setting = Setting::of(question);
    let asked = Question { blocked: question.blocked || !composed_alike, ..*question };
    let mut of_groups: Vec<Vec<MetricReport>> = groups.iter().map(|_| Vec::new()).collect();
    for metric in 0..question.definition.metrics.len() {
        for (reports, report) in of_groups.iter_mut().zip(by_values(&asked, &setting, metric, groups)) {
            reports.push(report);
        }
    }
    of_groups
}

/// One metric for every value, its p-values adjusted over values and arms, with the verdicts that follow.
fn by_values(question: &Question<'_>, setting: &Setting, metric: usize, groups: &[Group]) -> Vec<MetricReport> {
    let experiment = &question.definition.experiment;
    let weights: Vec<Vec<f64>> =
        groups.iter().map(|group| experiment.weights_within(group.value.as_deref().unwrap_or_default())).collect();
    let of_group = |(group, weights): (&Group, &Vec<f64>)| {
        let weights = match question.weights {
            Weights::OfValues if group.value.is_none() => Weights::Mixed,
            Weights::OfValues => Weights::Equal(weights),
            other => other,
        };
        report_metric(&Question { weights, ..*question }, setting, &group.reading, metric)
    };
    let mut reports: Vec<MetricReport> = groups.iter().zip(&weights).map(of_group).collect();
    if question.method != Method::Bayesian {
        let arms = reports.iter_mut().flat_map(|report| report.arms.iter_mut());
        let mut members: Vec<&mut Versus> = arms.filter_map(|arm| arm.main.versus.as_mut()).collect();
        family::adjust_family(question, setting, Family::Values, &mut members);
    }
    for report in &mut reports {
        judge_report(question, report);
    }
    reports
}

struct Compare<'a> {
    question: &'a Question<'a>,
    setting: &'a Setting,
    metric: usize,
    maturity: Maturity,
    moving: bool,
    composed_alike: bool,
}

/// The lift of a value, in the standard error of one reading and in that of a sequence.
#[derive(Clone, Copy)]
struct Found {
    once: Effect,
    always: Option<SegmentEffect>,
}

impl Compare<'_> {
    fn arm(&self, arm: usize, groups: &[Group], reports: &[MetricReport]) -> ArmSegments {
        let question = self.question;
        let goal = question.definition.metrics[self.metric].goal;
        let found: Vec<Result<Found, String>> = reports.iter().map(|report| self.found(&report.arms[arm])).collect();
        let once: Vec<Option<Effect>> = found.iter().map(|found| found.as_ref().ok().map(|found| found.once)).collect();
        let compared = compare_segments(&once, goal, self.confidence_of_naming());
        let kind = &question.definition.metrics[self.metric].kind;
        let sequential = (question.method == Method::Sequential && !kind.is_quantile()).then(|| {
            let always: Vec<_> = found.iter().map(|found| found.as_ref().ok().and_then(|found| found.always)).collect();
            self.setting.tuning.and_then(|tuning| sequential_segments(&always, &tuning))
        });
        let values = found.into_iter().enumerate().map(|(at, found)| {
            found?;
            let compared = compared.as_ref().map_err(ToString::to_string)?;
            let segment = compared.segments[at].ok_or_else(|| Undefined::NoVariance.to_string())?;
            self.beside(&segment, at, sequential.as_ref())
        });
        let whole: Vec<Moments> =
            sum_over(groups, question.definition.experiment.arms.len(), self.metric, self.maturity);
        let smallest = whole[question.baseline].n.min(whole[arm].n).max(0) as f64;
        let share = contributing_share(kind, &whole.iter().collect::<Vec<_>>());
        let post_stratified = if kind.is_ratio() || kind.is_quantile() {
            Err("post-stratification is of means and shares, not of ratios of two sums or of quantiles".to_owned())
        } else {
            let strata = groups.iter().map(|group| {
                [question.baseline, arm].map(|arm| of_arm(&group.reading.arms[arm], self.metric, self.maturity))
            });
            post_stratify(question, self.setting, strata, (share * smallest, share), self.maturity)
                .map_err(|reason| reason.to_string())
        };
        ArmSegments {
            arm,
            best: self.best(&compared, sequential.as_ref(), groups),
            anytime: if sequential.is_some() { BY_SEQUENCE } else { ONE_READING },
            estimates_anytime: ONE_READING,
            causal: if causal(question).holds { WITHIN } else { causal(question) },
            values: values.collect(),
            common: compared
                .as_ref()
                .ok()
                .zip(self.setting.level.ok())
                .map(|(found, level)| around(&found.common, level.normal())),
            compared,
            sequential,
            post_stratified,
        }
    }

    /// Someone is named wrongly in any of the arms: Bonferroni's share of the error for each.
    fn confidence_of_naming(&self) -> f64 {
        bonferroni_confidence(self.question.confidence, self.question.definition.experiment.arms.len() - 1)
    }

    /// The lift of a value, where there is enough to compare it by.
    fn found(&self, arm: &ArmReport) -> Result<Found, String> {
        let versus = arm.main.versus.as_ref().ok_or_else(|| Undefined::FewerThanTwoArms.to_string())?;
        let live = self.maturity == Maturity::Live;
        let enough = if live { LIVE_CONTRIBUTORS } else { CONTRIBUTORS };
        let gap = versus.gap.map_err(|reason| reason.to_string())?;
        if versus.expected_contributors < enough {
            return Err(format!("fewer than {enough} contributors are expected in the smaller arm of this value"));
        }
        let effect = || {
            let once = Effect { value: gap.lift()?, standard_error: gap.lift_standard_error()? };
            if once.standard_error <= 0.0 {
                return Err(Undefined::NoVariance);
            }
            let always = versus.judged_gap.ok().filter(|_| self.question.method == Method::Sequential);
            let always = always.map(|gap| {
                let pooled = gap.pooled().lift_standard_error().unwrap_or(0.0);
                let effect = Effect { standard_error: gap.lift_standard_error()?.max(pooled), ..once };
                Ok(SegmentEffect { effect, persons: [gap.persons, gap.control_persons], accrued: gap.accrued })
            });
            Ok(Found { once, always: always.transpose()? })
        };
        effect().map_err(|reason: Undefined| reason.to_string())
    }

    fn beside(
        &self,
        segment: &Segment,
        at: usize,
        sequential: Option<&Result<SequentialSegments, Undefined>>,
    ) -> Result<SegmentComparison, String> {
        let level = self.setting.level.map_err(|reason| reason.to_string())?;
        let shrunken = around(&segment.shrunken, level.normal());
        let kept = segment.kept;
        Ok(match sequential {
            None => SegmentComparison {
                shrunken,
                kept,
                versus_rest: around(&segment.versus_rest, level.normal()),
                p_value: segment.p_value,
                p_value_adjusted: segment.p_value_adjusted,
            },
            Some(judged) => {
                let judged = judged.as_ref().map_err(ToString::to_string)?;
                let contrast = judged.contrasts[at].ok_or_else(|| Undefined::NoVariance.to_string())?;
                let width = two_sided_width(contrast.time, judged.rho, level.alpha());
                SegmentComparison {
                    shrunken,
                    kept,
                    versus_rest: around(&contrast.versus_rest, width),
                    p_value: contrast.p_value,
                    p_value_adjusted: contrast.p_value_adjusted,
                }
            }
        })
    }

    fn best(
        &self,
        compared: &Result<Segments, Undefined>,
        sequential: Option<&Result<SequentialSegments, Undefined>>,
        groups: &[Group],
    ) -> Best {
        let question = self.question;
        if !self.composed_alike {
            return Err(COMPOSED.to_owned());
        }
        let claim = causal(question);
        if !claim.holds {
            return Err(claim.reason.to_owned());
        }
        if self.moving {
            return Err(MOVING.to_owned());
        }
        let compared = compared.as_ref().map_err(ToString::to_string)?;
        let goal = question.definition.metrics[self.metric].goal;
        let best = match sequential {
            Some(judged) => {
                let judged = judged.as_ref().map_err(ToString::to_string)?;
                judged
                    .best(&compared.segments, goal, self.confidence_of_naming())
                    .map_err(|reason| reason.to_string())?
            }
            // Quantiles have no sequence: what one reading finds is no winner where answers are read all day.
            None if question.method == Method::Sequential => return Err(ONE_READING.reason.to_owned()),
            None if question.method == Method::Bayesian => return Err(BAYESIAN.to_owned()),
            None => compared.best,
        };
        let compared = compared.segments.iter().flatten().count();
        match best {
            Some(best) if groups[best].value.is_some() => Ok(best),
            Some(_) => {
                Err("the values beyond the largest ones respond best together: ask with a larger limit".to_owned())
            }
            None => Err(format!(
                "of {compared} values that can be compared none beats the rest after Holm's correction over {}: the best of \
                 several lifts is large even where there is nothing",
                groups.len()
            )),
        }
    }
}

/// An effect with the interval of `width` standard errors to either side.
fn around(effect: &Effect, width: f64) -> Value {
    let half = width * effect.standard_error;
    let ends = finite(effect.value - half).and_then(|low| Ok(Interval { low, high: finite(effect.value + half)? }));
    Value { value: Ok(effect.value), interval: ends }
}

/// The sums of all groups together, arm by arm, as far as a gate looks at them.
fn sum_over(groups: &[Group], arms: usize, metric: usize, maturity: Maturity) -> Vec<Moments> {
    let mut whole = vec![Moments::default(); arms];
    for group in groups {
        for (sum, arm) in whole.iter_mut().zip(&group.reading.arms) {
            let part = of_arm(arm, metric, maturity);
            sum.n = sum.n.saturating_add(part.n);
            sum.y = sum.y.wrapping_add(part.y);
            sum.yy = sum.yy.wrapping_add(part.yy);
            sum.yyy = sum.yyy.wrapping_add(part.yyy);
            if let Some(part) = &part.net {
                std::sync::Arc::make_mut(sum.net.get_or_insert_default()).add(part);
            }
        }
    }
    whole
}
