//! Does a score find those who respond? One metric by deciles of a score that was known before the exposure.

use std::collections::BTreeSet;
use std::sync::Arc;

use journey::{Amount, Bin, MetricKind, UNIT, parse_units};

use super::claims::{ONE_READING, causal};
use super::kpi::{Setting, Value, of_arm};
use super::segments::{SegmentsReport, segments};
use super::versus::Claim;
use super::{Maturity, Question};
use crate::inference::{Qini, Stratum, StratumSums, Undefined, qini, wilson_interval_at};
use crate::moments::Moments;
use crate::reading::{Reading, Through, read, read_bands};
use crate::tally::{Row, RowKey};

/// Bins are merged into so many groups, each of about as many persons.
pub const DECILES: usize = 10;

/// One metric by deciles of a score.
#[derive(Debug, Clone, PartialEq)]
pub struct UpliftReport {
    /// The lift of each decile, the lowest score first; named by its scores.
    pub deciles: SegmentsReport,
    /// The scores of each decile, in the same order.
    pub bands: Vec<Band>,
    /// Persons exposed without a score: they are in no decile.
    pub without_score: i64,
    /// Every arm but the baseline.
    pub arms: Vec<ArmUplift>,
    /// What the score predicted for everyone in the baseline against what happened, where it is a probability of conversion; or
    /// why it is none.
    pub calibration: Result<Calibration, String>,
}

/// The scores of a decile.
#[derive(Debug, Clone, PartialEq)]
pub struct Band {
    /// The lowest score.
    pub from: Amount,
    /// The first score above.
    pub to: Amount,
    /// Bins in it.
    pub bins: usize,
    /// What the score predicted for those in the baseline against what happened.
    pub calibration: Option<Calibration>,
}

/// What a score predicted against what happened, in the baseline.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Calibration {
    /// Persons.
    pub persons: i64,
    /// The prediction.
    pub predicted: Predicted,
    /// The share that converted, with its interval.
    pub observed: Value,
    /// Whether the interval and the predictions that are possible overlap; `None`: there is no interval.
    pub agrees: Option<bool>,
}

/// The mean of predictions that are known to a bin.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Predicted {
    /// By the middles of the bins.
    pub value: f64,
    /// By their lower edges.
    pub low: f64,
    /// By their upper edges.
    pub high: f64,
}

/// How the score ranks persons by their response to an arm.
#[derive(Debug, Clone, PartialEq)]
pub struct ArmUplift {
    /// The index of the arm.
    pub arm: usize,
    /// The Qini curve over bins, or why there is none.
    pub qini: Result<Qini, String>,
    /// Whether the curve may be read at any time.
    pub anytime: Claim,
    /// Whether the curve is one of effects.
    pub causal: Claim,
}

/// The calibration compares nobody with anybody.
pub const DESCRIBES: &str = "what was predicted beside what happened in one arm: no groups are compared";

const COMPOSED: Claim = Claim::no(
    "the arms are composed differently by this score, see the check sample_ratio_by_dimension: it was not known before the arm \
     was drawn, or not for everyone, as where an engine scores only those it treats",
);
const BEFORE: Claim = Claim::yes(
    "a score known before the exposure, which the arms share: they are randomised within each of its values",
);

/// The persons of one bin.
struct Scored {
    value: Arc<str>,
    edge: Amount,
    reading: Reading,
    persons: i64,
}

/// Compares the arms by deciles of the score in `bin`.
///
/// `rows`: of the dimension of the bins. Bins are merged, from the lowest on, into [`DECILES`] groups by the persons of all arms:
/// a bin is in the decile that its middle person is in, so that no bin is cut and a score that few values have makes fewer
/// groups. `composed_alike`: whether [`super::check_composition`] passed.
#[must_use]
pub fn uplift<'a, I>(
    question: &Question<'_>,
    metric: usize,
    (bin, rows): (&Bin, I),
    through: Through,
    composed_alike: bool,
) -> UpliftReport
where
    I: IntoIterator<Item = (&'a RowKey, &'a Row)> + Clone,
{
    let definition = question.definition;
    let (mut scored, mut without_score) = (Vec::new(), 0);
    for (value, reading) in read(definition, rows.clone(), through, question.policy) {
        let persons = reading.arms.iter().map(|arm| arm.persons).sum();
        match parse_units(&value).ok().and_then(Amount::from_units) {
            Some(edge) => scored.push(Scored { value, edge, reading, persons }),
            None => without_score += persons,
        }
    }
    scored.sort_by_key(|scored| scored.edge);
    let windowed = definition.window_days(metric).is_some();
    let maturity = if windowed { question.maturity } else { Maturity::Live };
    let setting = Setting::of(question);
    let meter = Meter { question, setting: &setting, metric, maturity, bin };
    let calibrates = meter.calibrates(&scored);
    let groups = deciles(&scored);
    let bands: Vec<Band> = groups
        .iter()
        .map(|group| Band {
            from: group[0].edge,
            to: meter.above(group[group.len() - 1].edge),
            bins: group.len(),
            calibration: calibrates.as_ref().ok().and_then(|()| meter.calibration(group)),
        })
        .collect();
    let named: Vec<(Arc<str>, BTreeSet<Arc<str>>)> = groups
        .iter()
        .zip(&bands)
        .map(|(group, band)| {
            (format!("{} to {}", band.from, band.to).into(), group.iter().map(|bin| bin.value.clone()).collect())
        })
        .collect();
    let groups = read_bands(definition, rows, through, question.policy, &named);
    let claim = if composed_alike { causal(question) } else { COMPOSED };
    let arms = (0..definition.experiment.arms.len()).filter(|arm| *arm != question.baseline).map(|arm| ArmUplift {
        arm,
        qini: if composed_alike { meter.qini(&scored, arm) } else { Err(COMPOSED.reason.to_owned()) },
        anytime: ONE_READING,
        causal: if claim.holds { BEFORE } else { claim },
    });
    UpliftReport {
        deciles: segments(question, metric, &groups, composed_alike),
        bands,
        without_score,
        arms: arms.collect(),
        calibration: calibrates.and_then(|()| {
            let all: Vec<&Scored> = scored.iter().collect();
            meter.calibration(&all).ok_or_else(|| Undefined::NoPersons.to_string())
        }),
    }
}

/// The bins of each decile that has any.
fn deciles(scored: &[Scored]) -> Vec<Vec<&Scored>> {
    let all: i64 = scored.iter().map(|bin| bin.persons).sum();
    let (mut groups, mut below, mut last): (Vec<Vec<&Scored>>, i64, _) = (Vec::new(), 0, None);
    for bin in scored {
        let middle = below as f64 + bin.persons as f64 / 2.0;
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to the number of deciles")]
        let decile = ((DECILES as f64 * middle / all.max(1) as f64) as usize).min(DECILES - 1);
        match groups.last_mut() {
            Some(group) if last == Some(decile) => group.push(bin),
            _ => groups.push(vec![bin]),
        }
        last = Some(decile);
        below += bin.persons;
    }
    groups
}

struct Meter<'a> {
    question: &'a Question<'a>,
    setting: &'a Setting,
    metric: usize,
    maturity: Maturity,
    bin: &'a Bin,
}

impl Meter<'_> {
    fn above(&self, edge: Amount) -> Amount {
        edge.units().checked_add(self.bin.step.units()).and_then(Amount::from_units).unwrap_or(edge)
    }

    fn sums<'a>(&self, bin: &'a Scored, arm: usize) -> &'a Moments {
        of_arm(&bin.reading.arms[arm], self.metric, self.maturity)
    }

    fn kind(&self) -> &MetricKind {
        &self.question.definition.metrics[self.metric].kind
    }

    fn qini(&self, scored: &[Scored], arm: usize) -> Result<Qini, String> {
        if self.kind().is_ratio() || self.kind().is_quantile() {
            return Err(
                "a Qini curve adds up what persons amount to: it is of means and shares, not of ratios of two sums \
                        or of quantiles"
                    .to_owned(),
            );
        }
        let strata = scored.iter().rev().map(|bin| {
            let [control, treatment] = [self.question.baseline, arm].map(|arm| {
                let sums = self.sums(bin, arm);
                StratumSums { n: sums.n, y: sums.y, yy: sums.yy }
            });
            Stratum { control, treatment }
        });
        let strata: Vec<Stratum> = strata.collect();
        self.setting.level.and_then(|level| qini(&strata, &level)).map_err(|reason| reason.to_string())
    }

    /// Whether the score can be held against what happened.
    fn calibrates(&self, scored: &[Scored]) -> Result<(), String> {
        if !matches!(self.kind(), MetricKind::Conversion(_)) {
            return Err("the metric is no conversion, so a score is no prediction of it".to_owned());
        }
        match scored.iter().find(|bin| !(0..=UNIT).contains(&bin.edge.units())) {
            Some(bin) => Err(format!("{} lies outside 0 to 1, so the score is no probability", bin.edge)),
            None if scored.is_empty() => Err("nobody has a score".to_owned()),
            None => Ok(()),
        }
    }

    /// Prediction and outcome of the baseline's persons in these bins; `None`: there are none.
    fn calibration(&self, bins: &[&Scored]) -> Option<Calibration> {
        let (mut persons, mut converted) = (0i64, 0i64);
        let mut predicted = [0.0; 3];
        for bin in bins {
            let sums = self.sums(bin, self.question.baseline);
            persons += sums.n;
            converted += i64::try_from(sums.y / ethnum::I256::from(UNIT)).ok()?;
            // A probability ends at 1, also where its bin does not.
            let edges = [bin.edge, self.above(bin.edge)].map(|edge| edge.units().min(UNIT) as f64 / UNIT as f64);
            for (sum, part) in predicted.iter_mut().zip([edges[0], edges[0].midpoint(edges[1]), edges[1]]) {
                *sum += part * sums.n as f64;
            }
        }
        if persons <= 0 {
            return None;
        }
        let [low, value, high] = predicted.map(|sum| sum / persons as f64);
        let interval = self.setting.level.and_then(|level| wilson_interval_at(converted, persons, &level));
        Some(Calibration {
            persons,
            predicted: Predicted { value, low, high },
            observed: Value { value: Ok(converted as f64 / persons as f64), interval },
            agrees: interval.ok().map(|interval| interval.low <= high && low <= interval.high),
        })
    }
}
