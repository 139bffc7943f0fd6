//! From reports to the shapes that are answered.

use journey::{Definition, Experiment, MetricKind};
use metrics::inference::{Bounds, Undefined};
use metrics::moments::Moments;
use metrics::reading::Reading;
use metrics::report::{
    Adjusted, ArmReport, Check, Guardrail, Kpi, Maturity, MetricReport, Question, ResponseTest, Value, Verdict, Versus,
    sentence,
};

use super::explain;
use super::{
    AdjustedInfo, ArmCounts, ArmResult, CheckInfo, CutInfo, EndsInfo, Estimated, GuardrailInfo, IntervalInfo,
    LiveResult, MetricResult, Reasons, ResponseInfo, ResponseTestInfo, TallyInfo, VersusInfo,
};
use crate::wire::decimal::decimal;
use crate::wire::schema::NumberOf;

/// How numbers are told.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Telling<'a> {
    /// What was asked.
    pub(crate) question: Question<'a>,
    /// Whether the steps are told too.
    pub(crate) explain: bool,
    /// Persons who join in a day, where it is known.
    pub(crate) persons_per_day: Option<f64>,
}

/// The word for a reading.
pub(crate) fn maturity_word(maturity: Maturity) -> &'static str {
    match maturity {
        Maturity::Matured => "matured",
        Maturity::Live => "live",
    }
}

/// The persons per arm; `None`: nothing is measured yet.
pub(crate) fn arm_counts(experiment: &Experiment, reading: Option<&Reading>) -> Vec<ArmCounts> {
    let windowed = experiment.window_days.is_some();
    let arms = experiment.arms.iter().enumerate().map(|(at, arm)| {
        let read = reading.and_then(|reading| reading.arms.get(at));
        ArmCounts {
            arm: arm.key.as_str().to_owned(),
            persons: reading.map(|_| read.map_or(0, |read| read.persons)),
            matured: reading.filter(|_| windowed).map(|_| read.map_or(0, |read| read.matured_persons)),
            weight: NumberOf(arm.weight),
        }
    });
    arms.collect()
}

/// A check.
pub(crate) fn check(check: &Check) -> CheckInfo {
    CheckInfo {
        check: check.check,
        ok: check.ok,
        blocking: check.blocking,
        anytime: check.anytime,
        p_value: check.is_test.then_some(check.p_value),
        p_value_chi_square: (check.check == "sample_ratio").then_some(check.p_value_chi_square),
        threshold: check.threshold,
        persons: check.persons,
        share: check.share,
        count: check.count,
        number: check.number,
        dimension: check.dimension.clone(),
        message: check.message.clone(),
    }
}

/// A metric.
pub(crate) fn metric(definition: &Definition, report: &MetricReport, telling: Telling<'_>) -> MetricResult {
    let arms = report.arms.iter().map(|arm| arm_result(definition, report.metric, report.maturity, arm, telling));
    let cuped = telling.question.cuped;
    let mut told = frame(definition, (report.metric, report.maturity, cuped), arms.collect(), report.notes.clone());
    told.cap = definition.metrics[report.metric].keeps.percentile_cap.map(|cap| {
        let cuts = || report.arms.iter().filter_map(|arm| arm.main.moments.cut);
        let value = cuts().find_map(|cut| cut.cap).map(|units| decimal(&units, 6));
        CutInfo {
            percentile: cap.share.value(),
            ignore_zeros: cap.ignore_zeros,
            value,
            persons: cuts().map(|cut| cut.persons).sum(),
        }
    });
    told
}

/// A metric of which nothing is measured yet: every number is null, and says why.
pub(crate) fn unmeasured(
    definition: &Definition,
    metric: usize,
    maturity: Maturity,
    cuped: Option<bool>,
) -> MetricResult {
    let windowed = definition.window_days(metric).is_some();
    let arms = definition.experiment.arms.iter().map(|arm| ArmResult {
        arm: arm.key.as_str().to_owned(),
        persons: None,
        value: None,
        interval: None,
        tally: None,
        response: None,
        versus_control: None,
        live: None,
        reasons: ["persons", "value", "interval", "tally"].map(|name| (name, MEASURING.to_owned())).into(),
        explain: None,
    });
    let maturity = if windowed { maturity } else { Maturity::Live };
    frame(definition, (metric, maturity, cuped), arms.collect(), Vec::new())
}

/// Why there are no numbers while the first version is being measured.
pub(crate) const MEASURING: &str =
    "measuring: the experiment is being measured for the first time, ask again in a moment";

fn frame(
    definition: &Definition,
    (at, maturity, cuped): (usize, Maturity, Option<bool>),
    arms: Vec<ArmResult>,
    notes: Vec<&'static str>,
) -> MetricResult {
    let metric = &definition.metrics[at];
    MetricResult {
        metric: metric.key.as_str().to_owned(),
        kind: metric.kind.word(),
        goal: metric.goal.word(),
        role: definition.experiment.metrics[at].role.word(),
        unit: metric.unit.as_ref().map(|unit| unit.as_str().to_owned()),
        cuped: cuped.unwrap_or(definition.experiment.metrics[at].cuped) && has_covariate(&metric.kind),
        window_days: definition.window_days(at),
        maturity: maturity_word(maturity),
        cap: None,
        arms,
        notes,
    }
}

/// Whether differences of the kind can be adjusted by a covariate here.
pub(crate) fn has_covariate(kind: &MetricKind) -> bool {
    kind.has_covariate()
}

/// An arm of a metric.
pub(crate) fn arm_result(
    definition: &Definition,
    metric: usize,
    maturity: Maturity,
    report: &ArmReport,
    telling: Telling<'_>,
) -> ArmResult {
    let kind = &definition.metrics[metric].kind;
    let live = report.live.as_ref().map(|kpi| {
        // The steps of the live reading would double the answer, and are the same formulas.
        let told = tell(kind, kpi, Telling { explain: false, ..telling });
        LiveResult {
            persons: told.persons,
            value: told.value,
            interval: told.interval,
            tally: told.tally,
            response: told.response,
            versus_control: told.versus_control,
            reasons: told.reasons,
        }
    });
    let mut told = tell(kind, &report.main, telling);
    if let Some(versus) = &mut told.versus_control {
        versus.sentence = sentence(&telling.question, metric, maturity, report, telling.persons_per_day);
    }
    ArmResult {
        arm: definition.experiment.arms[report.arm].key.as_str().to_owned(),
        persons: told.persons,
        value: told.value,
        interval: told.interval,
        tally: told.tally,
        response: told.response,
        versus_control: told.versus_control,
        live,
        reasons: told.reasons,
        explain: telling.explain.then(|| explain::of_kpi(&report.main)),
    }
}

struct Told {
    persons: Option<i64>,
    value: Option<f64>,
    interval: Option<IntervalInfo>,
    tally: Option<TallyInfo>,
    response: Option<ResponseInfo>,
    versus_control: Option<VersusInfo>,
    reasons: Reasons,
}

fn tell(kind: &MetricKind, kpi: &Kpi, telling: Telling<'_>) -> Told {
    let mut reasons = Reasons::new();
    Told {
        persons: Some(kpi.persons),
        value: or_reason(kpi.value.value, "value", &mut reasons),
        interval: or_reason(kpi.value.interval, "interval", &mut reasons).map(IntervalInfo::from),
        tally: Some(tally(kind, &kpi.moments)),
        response: kpi.response.map(|response| ResponseInfo {
            answered: response.answered,
            rate: estimated(response.rate, ["response.rate", "response.rate.interval"], &mut reasons),
        }),
        versus_control: kpi.versus.as_ref().map(|versus| comparison(versus, telling)),
        reasons,
    }
}

/// The number, or null and the reason under its name.
fn or_reason<T>(number: Result<T, Undefined>, name: &'static str, reasons: &mut Reasons) -> Option<T> {
    number.map_err(|reason| reasons.insert(name, reason.to_string())).ok()
}

fn tally(kind: &MetricKind, moments: &Moments) -> TallyInfo {
    let has_denominator = kind.is_ratio();
    let below = |sum: String| has_denominator.then_some(sum);
    TallyInfo {
        count: moments.n,
        sum: decimal(&moments.y, 6),
        sum_of_squares: decimal(&moments.yy, 12),
        denominator_sum: below(decimal(&moments.d, 6)),
        denominator_sum_of_squares: below(decimal(&moments.dd, 12)),
        cross_sum: below(decimal(&moments.yd, 12)),
    }
}

/// A comparison.
pub(crate) fn comparison(versus: &Versus, telling: Telling<'_>) -> VersusInfo {
    let mut reasons = Reasons::new();
    let (verdict, withheld) = versus.verdict;
    let without_verdict = (verdict == Verdict::NoData)
        .then(|| versus.p_value_adjusted.err().or(versus.difference.value.err()).map(|reason| reason.to_string()));
    let lift = Estimated {
        value: or_reason(versus.lift.value, "lift", &mut reasons),
        low: or_reason(versus.lift_bounds.low, "lift.low", &mut reasons),
        high: or_reason(versus.lift_bounds.high, "lift.high", &mut reasons),
    };
    VersusInfo {
        method: versus.method.word(),
        inference: versus.inference.word(),
        difference: estimated(versus.difference, ["difference", "difference.interval"], &mut reasons),
        lift,
        impact_score: or_reason(versus.impact_score(), "impact_score", &mut reasons),
        p_value: or_reason(versus.p_value, "p_value", &mut reasons),
        p_value_adjusted: or_reason(versus.p_value_adjusted, "p_value_adjusted", &mut reasons),
        adjusted: versus.adjusted.as_ref().map(adjusted),
        chance_to_beat_control: or_reason(versus.chance_to_beat, "chance_to_beat_control", &mut reasons),
        expected_loss: or_reason(versus.expected_loss, "expected_loss", &mut reasons),
        expected_contributors: versus.expected_contributors,
        anytime: versus.anytime.holds,
        anytime_reason: versus.anytime.reason,
        causal: versus.causal.holds,
        causal_reason: versus.causal.reason,
        response: versus.response.map(|test| response_test(test, &mut reasons)),
        guardrail: versus.guardrail.as_ref().map(guardrail),
        verdict: verdict.word(),
        reason: withheld.map(str::to_owned).or_else(|| without_verdict.flatten()),
        sentence: None,
        reasons,
        explain: telling.explain.then(|| explain::of_comparison(&telling.question, versus)),
    }
}

fn response_test(test: ResponseTest, reasons: &mut Reasons) -> ResponseTestInfo {
    ResponseTestInfo {
        difference: estimated(test.difference, ["response.difference", "response.difference.interval"], reasons),
        p_value: or_reason(test.p_value, "response.p_value", reasons),
        differs: test.differs,
        anytime: false,
        causal: test.causal,
    }
}

fn adjusted(adjusted: &Adjusted) -> AdjustedInfo {
    AdjustedInfo {
        family: adjusted.family.word(),
        size: adjusted.size,
        correction: adjusted.correction.word(),
        promise: adjusted.correction.promise(),
        confidence: adjusted.confidence,
        difference: ends(&adjusted.difference),
        lift: ends(&adjusted.lift),
    }
}

fn ends(bounds: &Bounds) -> EndsInfo {
    EndsInfo { low: bounds.low.ok(), high: bounds.high.ok() }
}

fn guardrail(guardrail: &Guardrail) -> GuardrailInfo {
    let margin = guardrail.margin.ok();
    GuardrailInfo {
        max_harm: guardrail.max_harm,
        state: guardrail.harm.word(),
        margin: margin.map(|margin| margin.value),
        low: margin.map(|margin| margin.low),
        high: margin.map(|margin| margin.high),
        reason: guardrail.reason.map(str::to_owned).or_else(|| guardrail.margin.err().map(|reason| reason.to_string())),
    }
}

/// A number with its interval, and why either is missing.
pub(crate) fn estimated(value: Value, [name, interval]: [&'static str; 2], reasons: &mut Reasons) -> Estimated {
    let ends = or_reason(value.interval, interval, reasons);
    Estimated {
        value: or_reason(value.value, name, reasons),
        low: ends.map(|ends| ends.low),
        high: ends.map(|ends| ends.high),
    }
}
