//! Whether a score finds those who respond.

use journey::{Amount, Definition, UNIT};
use metrics::inference::Qini;
use metrics::report::{ArmUplift, Calibration, DESCRIBES, UpliftReport, Value};
use serde::Serialize;
use utoipa::ToSchema;

use super::build::{self, Telling};
use super::metric::{ArmResult, Estimated};
use super::segments::SegmentsComparison;
use super::tell_segments;
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

/// One metric by deciles of a score that was known before the exposure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Uplift)]
#[serde(deny_unknown_fields)]
pub(crate) struct UpliftAnswer {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The dimension that holds the bins of the score.
    pub(crate) dimension: String,
    /// Where the score stands.
    pub(crate) score: String,
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    pub(crate) kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// The day, in the tenant's time zone, up to whose end live readings count.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The day up to whose end closed windows count.
    #[schema(format = "date")]
    pub(crate) matured_through: String,
    /// How lifts are tested.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// What happens to a person who was exposed to a second arm.
    #[schema(value_type = schema::Crossovers)]
    pub(crate) crossovers: &'static str,
    /// The reading.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// Whether the question differs from what the experiment planned.
    pub(crate) exploratory: bool,
    /// Whether the data can be trusted; the sample ratio by the score among them.
    pub(crate) checks: Vec<CheckInfo>,
    /// Why there are no deciles.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// Persons exposed without a score; they are in no decile.
    #[schema(required = true)]
    pub(crate) without_score: Option<i64>,
    /// The deciles by persons of all arms, the lowest score first. Bins are not cut, so there may be fewer than ten.
    #[schema(required = true)]
    pub(crate) deciles: Option<Vec<DecileInfo>>,
    /// The deciles beside each other, for every arm but the baseline.
    pub(crate) comparisons: Vec<SegmentsComparison>,
    /// The Qini curve of every arm but the baseline.
    pub(crate) qini: Vec<QiniInfo>,
    /// Whether the score predicts conversions, in the baseline.
    #[schema(required = true)]
    pub(crate) calibration: Option<CalibrationInfo>,
    /// Why that is not known.
    #[schema(required = true)]
    pub(crate) calibration_reason: Option<String>,
}

/// The persons of one decile.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Decile)]
#[serde(deny_unknown_fields)]
pub(crate) struct DecileInfo {
    /// The lowest score.
    pub(crate) from: f64,
    /// The first score above.
    pub(crate) to: f64,
    /// Bins in it.
    pub(crate) bins: usize,
    /// Persons exposed.
    pub(crate) persons: i64,
    /// The share of all persons who have a score.
    pub(crate) share: f64,
    /// The arms; p-values are adjusted over all deciles and arms.
    pub(crate) arms: Vec<ArmResult>,
    /// What the score predicted against what happened, in the baseline; null where the score is no probability of conversion.
    #[schema(required = true)]
    pub(crate) calibration: Option<CalibrationInfo>,
    /// What to beware of.
    pub(crate) notes: Vec<&'static str>,
}

/// What a score predicted against what happened.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Calibration)]
#[serde(deny_unknown_fields)]
pub(crate) struct CalibrationInfo {
    /// Persons of the baseline.
    pub(crate) persons: i64,
    /// The mean prediction: by the middles of the bins, and between those by their edges.
    pub(crate) predicted: Estimated,
    /// The share that converted.
    pub(crate) observed: Estimated,
    /// Whether the two agree as far as can be said; null: it can't.
    #[schema(required = true)]
    pub(crate) agrees: Option<bool>,
    /// Whether it is an effect: it is not.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
}

/// How well the score ranks persons by their response to an arm (Radcliffe 2007).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Qini)]
#[serde(deny_unknown_fields)]
pub(crate) struct QiniInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// The area between the curve and the straight line to its end, in the metric's unit per person of the arm: above 0, those
    /// with high scores respond more.
    pub(crate) coefficient: Estimated,
    /// The curve, from the highest score on; it begins at nothing.
    pub(crate) points: Vec<QiniPointInfo>,
    /// What is computed.
    pub(crate) formula: &'static str,
    /// Where it comes from.
    pub(crate) source: &'static str,
    /// Whether it stays valid however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether it is a comparison of effects.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Why a number is missing.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// A point of the curve.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = QiniPoint)]
#[serde(deny_unknown_fields)]
pub(crate) struct QiniPointInfo {
    /// The share of persons with this score or a higher one.
    pub(crate) share: f64,
    /// What treating them added, in the metric's unit per person of the whole arm.
    pub(crate) gain: Estimated,
}

const FORMULA: &str = "gain = (R_T - R_C N_T / N_C) / N_T(all), with sums R and persons N of the arm (T) and the baseline (C) down \
                       to a score; coefficient = the area under the gains over the share of persons, by trapezoids, less that \
                       of the straight line to the last gain; intervals are normal, given scores and arms";
const SOURCE: &str =
    "Radcliffe, Using control groups to target on predicted lift, Direct Marketing Analytics Journal (2007)";

/// The deciles.
pub(crate) fn deciles(definition: &Definition, report: &UpliftReport, telling: Telling<'_>) -> Vec<DecileInfo> {
    let values = &report.deciles.values;
    let all: i64 = values.iter().map(|value| value.persons).sum();
    let told = values.iter().zip(&report.bands).map(|(value, band)| DecileInfo {
        from: one(band.from),
        to: one(band.to),
        bins: band.bins,
        persons: value.persons,
        share: if all > 0 { value.persons as f64 / all as f64 } else { 0.0 },
        arms: value
            .arms
            .iter()
            .map(|arm| build::arm_result(definition, report.deciles.metric, report.deciles.maturity, arm, telling))
            .collect(),
        calibration: band.calibration.as_ref().map(calibration),
        notes: value.notes.clone(),
    });
    told.collect()
}

/// The deciles beside each other.
pub(crate) fn comparisons(definition: &Definition, report: &UpliftReport) -> Vec<SegmentsComparison> {
    report.deciles.arms.iter().map(|arm| tell_segments::comparison(definition, &report.deciles, arm)).collect()
}

/// The curve of an arm.
pub(crate) fn qini(definition: &Definition, arm: &ArmUplift) -> QiniInfo {
    let none = Estimated { value: None, low: None, high: None };
    let found = arm.qini.as_ref();
    let missing = |qini: &Qini| qini.interval.err().map(|reason| reason.to_string());
    QiniInfo {
        arm: definition.experiment.arms[arm.arm].key.as_str().to_owned(),
        coefficient: found
            .map_or(none, |qini| estimated(&Value { value: Ok(qini.coefficient), interval: qini.interval })),
        points: found.map_or(Vec::new(), |qini| {
            let point = |point: &metrics::inference::QiniPoint| QiniPointInfo {
                share: point.share,
                gain: estimated(&Value { value: Ok(point.gain), interval: point.interval }),
            };
            qini.points.iter().map(point).collect()
        }),
        formula: FORMULA,
        source: SOURCE,
        anytime: arm.anytime.holds,
        anytime_reason: arm.anytime.reason,
        causal: arm.causal.holds,
        causal_reason: arm.causal.reason,
        reason: found.map_or_else(|reason| Some(reason.clone()), missing),
    }
}

/// Predicted and observed.
pub(crate) fn calibration(found: &Calibration) -> CalibrationInfo {
    let predicted = &found.predicted;
    CalibrationInfo {
        persons: found.persons,
        predicted: Estimated { value: Some(predicted.value), low: Some(predicted.low), high: Some(predicted.high) },
        observed: estimated(&found.observed),
        agrees: found.agrees,
        causal: false,
        causal_reason: DESCRIBES,
    }
}

fn estimated(value: &Value) -> Estimated {
    let ends = value.interval.ok();
    Estimated { value: value.value.ok(), low: ends.map(|ends| ends.low), high: ends.map(|ends| ends.high) }
}

fn one(amount: Amount) -> f64 {
    amount.units() as f64 / UNIT as f64
}
