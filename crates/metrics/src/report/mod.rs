//! Reports: one entry point from readings to everything that an answer says about an experiment.

mod balance;
mod before_after;
mod changes;
mod check;
mod claims;
mod composition;
mod course;
mod family;
mod gate;
mod holdout;
mod items;
mod judge;
mod kpi;
mod novelty;
mod outlook;
mod response;
mod roi;
mod segments;
mod sentence;
mod shares;
mod steps;
mod strata;
mod stratified;
mod sums;
#[cfg(test)]
pub(crate) mod tests;
mod timeline;
mod trigger;
mod uplift;
mod verdict;
mod versus;

use journey::{CrossoverPolicy, Definition, Method, MetricKind};

use crate::inference::Prior;
use crate::lifespan::speaks_of;
use crate::reading::Reading;
use kpi::Setting;

pub use before_after::{BeforeAfter, NOT_AN_EFFECT, Scale, before_after, before_after_scale};
pub use changes::{Changes, Moved, changes};
pub use check::{
    AHEAD_MINUTES, Arrivals, COVARIATES_ALARM, CROSSOVERS_ALARM, Check, LATE_HOURS, SAMPLE_RATIO_ALARM, checks,
    checks_over, checks_within,
};
pub use composition::{COMPOSITION_ALARM, check_composition};
pub use course::Course;
pub use gate::{CONTRIBUTORS, GUARDRAIL_CONTRIBUTORS, LIVE_CONTRIBUTORS, PLANNED_CONTRIBUTORS, contributing_share};
pub use holdout::{Inside, Split as HoldoutSplit, split as split_holdout};
pub use items::{
    Acceptance, ArmItems, Drawn, Item, ItemSums, ItemsReport, MOST_ITEMS, Shrunken, VersusArm, WouldHave, report_items,
};
pub use kpi::{ClvFactors, Kpi, Value, point};
pub use novelty::{Drift, Half, NOVELTY_ALARM, drifts};
pub use outlook::{ArmOutlook, Goals, MethodOutlook, Outlook, Split, SplitOutlook, outlook};
pub use response::{RESPONSE_ALARM, Response, ResponseTest};
pub use roi::{ArmRoi, Dose, DoseStep, Lines, Money, Number, Pays, RoiReport, Sums, Wasted, roi, wasted};
pub use segments::{
    ArmSegments, Best, PostStratified, SegmentComparison, SegmentsReport, ValueReport, report_values, segments,
};
pub use sentence::{persons_to_settle, sentence};
pub use shares::{Share, SharesReport, report_shares};
pub use steps::{Formula, Steps, steps};
pub use strata::{Strata, Stratum, Weights};
pub use sums::report_sums;
pub use timeline::{Point, timeline};
pub use uplift::{ArmUplift, Band, Calibration, DECILES, DESCRIBES, Predicted, UpliftReport, uplift};
pub use verdict::Verdict;
pub use versus::{Adjusted, Claim, Correction, Cuped, Family, Guardrail, Inference, Versus};

/// Which persons a number speaks of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Maturity {
    /// Persons whose window has closed.
    Matured,
    /// Everyone exposed.
    Live,
}

/// How p-values are adjusted for the number of comparisons.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Adjust {
    /// Holm over the primary metrics and arms, Benjamini-Hochberg over all others.
    ByRole,
    /// Holm within each of the two families.
    Holm,
    /// Benjamini-Hochberg within each of the two families.
    BenjaminiHochberg,
    /// e-BH within each of the two families: as Benjamini-Hochberg, under any dependence.
    EBenjaminiHochberg,
    /// Not at all.
    None,
}

/// What is asked of an experiment.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The experiment and its metrics.
    pub definition: &'a Definition,
    /// The index of the arm that the others are compared with.
    pub baseline: usize,
    /// The confidence of intervals, strictly between 0 and 1.
    pub confidence: f64,
    /// How p-values are adjusted.
    pub adjust: Adjust,
    /// The reading of the main fields.
    pub maturity: Maturity,
    /// Whether differences are adjusted by the covariate from before the exposure; `None`: as each metric says.
    pub cuped: Option<bool>,
    /// Whether a blocking check failed, so that no verdict is given.
    pub blocked: bool,
    /// How arms are judged.
    pub method: Method,
    /// The planned number of persons (N*), at which confidence sequences are tightest; one or more.
    pub planned_persons: f64,
    /// What is believed of lifts before any data, under the method `bayesian`.
    pub prior: Prior,
    /// What happens to crossovers in the reading.
    pub policy: CrossoverPolicy,
    /// Whether the weights of the arms are those of the assignment. Where arm sizes stand in for weights that nobody told, the
    /// exact test of converters is one of those sizes, which are only known afterwards.
    pub weighted: bool,
    /// How the weights of the arms stand behind what is read.
    pub weights: Weights<'a>,
}

impl<'a> Question<'a> {
    /// What the experiment planned: its method, N*, control, policy and covariates, matured readings, 95 %.
    #[must_use]
    pub fn planned(definition: &'a Definition) -> Self {
        Self {
            definition,
            baseline: definition.experiment.control,
            confidence: 0.95,
            adjust: Adjust::ByRole,
            maturity: Maturity::Matured,
            cuped: None,
            blocked: false,
            method: definition.experiment.method,
            planned_persons: f64::from(definition.experiment.planned_persons),
            prior: Prior::Flat,
            policy: definition.experiment.crossovers,
            weighted: true,
            weights: Weights::of(definition),
        }
    }
}

/// Everything that is said of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct MetricReport {
    /// The index of the metric in the definition.
    pub metric: usize,
    /// The reading of the main fields: a metric without a window has the live one only.
    pub maturity: Maturity,
    /// The arms, in the order of the experiment.
    pub arms: Vec<ArmReport>,
    /// What to beware of when reading this metric.
    pub notes: Vec<&'static str>,
}

/// Everything that is said of one arm of one metric.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmReport {
    /// The index of the arm.
    pub arm: usize,
    /// The main reading.
    pub main: Kpi,
    /// The live reading, where the main one is matured.
    pub live: Option<Kpi>,
}

/// A metric without a window reads everyone as they stand.
const NO_WINDOW: &str =
    "this metric has no window: a change in when people act can look like a change in how much they act";
/// Normal theory needs enough persons for the skewness of the values.
const SKEWED: &str = "the values are too skewed for this number of persons: intervals and p-values may be off \
                      (skewness squared x 355 exceeds the persons of the smallest arm)";

/// Few contributors leave the variance, and with it everything else, uncertain.
const FEW: &str = "fewer than 25 contributors are expected in the smallest arm: intervals and p-values may be off";

/// The skewness of what is left of a numerator after its denominator is not known, so more contributors are asked for.
const FEW_FOR_A_RATIO: &str = "fewer than 200 contributors are expected in the smallest arm, and whether a ratio of two sums \
                               is nearly normal there is not known: intervals and p-values may be off";
/// See [`FEW_FOR_A_RATIO`].
const CONTRIBUTORS_OF_A_RATIO: f64 = 200.0;

/// What a quantile is of.
const OF_PERSONS: &str = "the quantile is of persons: each counts once, with the total of their events, and with 0 without \
                          any; its interval lies between values at ranks, rounded outward to the edges of buckets of 1 %";
/// What is compared where the weights changed.
const WITHIN_STRATA: &str = "the weights of the arms changed: arms are compared within phases of constant weights (or within equal \
                             probabilities), each weighted by its persons, never across them; values are weighted alike, \
                             while sums are of all persons";
/// What is not compared, see [`Strata::alone`].
const ALONE: &str = "some persons are compared with nobody: their phase has fewer than two persons of the other arm, or is too young for \
                     a lifespan to be known";
/// What is told where phases can't be told apart.
const ACROSS: &str = "the weights of the arms changed, and these numbers are across phases: what differs between arms may differ \
                      between phases";
/// What a percentile cap does.
const CUT: &str = "values are cut at a percentile of all arms together, as of this reading: the same cap for every arm, which \
                   may move as persons come";

/// What a rating is of.
const OF_ANSWERS: &str =
    "a rating is of those who answered, each with the latest answer: read it with the response rate beside it";
/// What a rate over open windows is of.
const OF_TIME: &str = "the time under observation grows while windows are open: early days, on which people act more or less than \
                       later, weigh more until windows close";

/// Reports every metric of the definition. Adjusted p-values look at all of them, whichever are shown.
#[must_use]
pub fn report(question: &Question<'_>, reading: &Reading) -> Vec<MetricReport> {
    let count = question.definition.metrics.len();
    let setting = Setting::of(question);
    let mut reports: Vec<MetricReport> =
        (0..count).map(|metric| report_metric(question, &setting, reading, metric)).collect();
    family::adjust(question, &setting, &mut reports);
    for report in &mut reports {
        judge_report(question, report);
    }
    reports
}

/// Gives the verdicts that follow from the comparisons of a report.
fn judge_report(question: &Question<'_>, report: &mut MetricReport) {
    let metric = &question.definition.metrics[report.metric];
    // Readings that move while windows close never feed a verdict.
    let moving = report.maturity == Maturity::Live && question.definition.window_days(report.metric).is_some();
    for arm in &mut report.arms {
        if let Some(versus) = &mut arm.main.versus {
            versus.verdict = verdict::verdict(versus, metric, question, moving);
        }
        if let Some(versus) = arm.live.as_mut().and_then(|live| live.versus.as_mut()) {
            versus.verdict = verdict::verdict(versus, metric, question, true);
        }
    }
}

fn report_metric(question: &Question<'_>, setting: &Setting, reading: &Reading, metric: usize) -> MetricReport {
    let windowed = question.definition.window_days(metric).is_some();
    let maturity = if windowed { question.maturity } else { Maturity::Live };
    let of = |maturity: Maturity| kpi::kpis(question, setting, reading, metric, maturity);
    let (main, share) = of(maturity);
    let live = (maturity == Maturity::Matured).then(|| of(Maturity::Live).0);
    let mut notes = Vec::new();
    if !windowed {
        notes.push(NO_WINDOW);
    }
    let kind = &question.definition.metrics[metric].kind;
    if kind.is_quantile() {
        notes.push(OF_PERSONS);
    }
    if question.definition.metrics[metric].keeps.percentile_cap.is_some() {
        notes.push(CUT);
    }
    match question.weights {
        Weights::Within(strata) => {
            notes.push(WITHIN_STRATA);
            let alone = |arm: usize| strata.alone((metric, maturity), [question.baseline, arm]) > 0;
            if (0..reading.arms.len()).any(|arm| arm != question.baseline && alone(arm)) {
                notes.push(ALONE);
            }
        }
        Weights::Mixed => notes.push(ACROSS),
        Weights::Constant | Weights::Equal(_) | Weights::OfValues => {}
    }
    if let MetricKind::Rating { .. } = kind {
        notes.push(OF_ANSWERS);
    }
    if let MetricKind::Clv { lifespan, .. } = kind {
        notes.push(speaks_of(*lifespan));
    }
    if matches!(kind, MetricKind::PerTime { .. }) && maturity == Maturity::Live {
        notes.push(OF_TIME);
    }
    let sums = kpi::of_arms(reading, metric, maturity);
    if gate::is_too_skewed(kind, &sums) {
        notes.push(SKEWED);
    }
    let smallest = sums.iter().map(|sums| sums.n).min().unwrap_or(0).max(0);
    let expected = share * (smallest as f64);
    let is_ratio = kind.is_ratio();
    if smallest > 0 && expected < CONTRIBUTORS {
        notes.push(FEW);
    } else if smallest > 0 && is_ratio && expected < CONTRIBUTORS_OF_A_RATIO {
        notes.push(FEW_FOR_A_RATIO);
    }
    let mut live = live.map(Vec::into_iter);
    let arms = main.into_iter().enumerate().map(|(arm, main)| ArmReport {
        arm,
        main,
        live: live.as_mut().and_then(Iterator::next),
    });
    MetricReport { metric, maturity, arms: arms.collect(), notes }
}
