//! What is the effect over all values of a dimension, like compared with like? Post-stratification by the question's
//! method.

use journey::Method;

use super::claims::{BY_SEQUENCE, ONE_READING, TOO_FEW, TOO_FEW_LIVE};
use super::gate::{CONTRIBUTORS, LIVE_CONTRIBUTORS};
use super::kpi::{Setting, Value};
use super::versus::{Claim, Inference};
use super::{Maturity, Question};
use crate::inference::{
    Bounds, Gap, StratifiedComparison, Stratum, StratumSums, Undefined, compare_stratified, mean, sequential,
};
use crate::moments::Moments;

/// A comparison within the values of a dimension, weighted like the persons of both arms.
///
/// It decides nothing: unless the dimension was chosen beforehand it is one of several ways to look at the same data, and
/// the results' own comparison is the one that was planned.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct PostStratified {
    /// Strata after merging.
    pub strata: usize,
    /// Values that were too small to stand alone and were merged into the largest.
    pub merged: usize,
    /// The KPI of the baseline, weighted like the persons of both arms.
    pub control: f64,
    /// The difference.
    pub difference: Value,
    /// The lift.
    pub lift: Value,
    /// The ends of the lift's interval.
    pub lift_bounds: Bounds,
    /// The two-sided p-value of the difference.
    pub p_value: Result<f64, Undefined>,
    /// What judged it.
    pub inference: Inference,
    /// Whether interval and p-value hold however often they are read.
    pub anytime: Claim,
    /// The share of the difference's variance that went, against no strata at all; below 0 where strata cost more than they
    /// bring.
    pub variance_saved: Option<f64>,
}

/// Compares within strata ([`compare_stratified`]). `strata`: the sums of baseline and arm in each; `expected`: contributors that
/// are expected in the smaller arm, and the share of persons who contribute.
pub(super) fn post_stratify<'a>(
    question: &Question<'_>,
    setting: &Setting,
    strata: impl Iterator<Item = [&'a Moments; 2]>,
    (expected, share): (f64, f64),
    maturity: Maturity,
) -> Result<PostStratified, Undefined> {
    let sums = |moments: &Moments| StratumSums { n: moments.n, y: moments.y, yy: moments.yy };
    let strata: Vec<Stratum> =
        strata.map(|[control, arm]| Stratum { control: sums(control), treatment: sums(arm) }).collect();
    let found = compare_stratified(&strata, question.confidence)?;
    let live = maturity == Maturity::Live;
    let StratifiedComparison { strata: kept, merged, control, comparison, gap } = found;
    let plain = unstratified(&strata)?.difference_variance()?;
    let variance_saved =
        gap.difference_variance().ok().filter(|_| plain > 0.0).map(|stratified| 1.0 - stratified / plain);
    let mut result = PostStratified {
        strata: kept,
        merged,
        control,
        difference: Value { value: Ok(gap.difference), interval: comparison.test.map(|test| test.interval) },
        lift: Value {
            value: comparison.lift.map(|lift| lift.value),
            interval: comparison.lift.map(|lift| lift.interval),
        },
        lift_bounds: comparison.lift.map(|lift| lift.interval).into(),
        p_value: comparison.test.map(|test| test.p_value),
        inference: Inference::FixedHorizon,
        anytime: ONE_READING,
        variance_saved,
    };
    if question.method == Method::Sequential {
        let gap = if live { gap.accruing(share, true) } else { gap };
        let judged = sequential(&gap, &setting.tuning?, question.confidence)?;
        result.difference.interval = judged.test.map(|test| test.interval);
        result.lift.value = gap.lift();
        result.lift_bounds = judged.lift_bounds();
        result.lift.interval = result.lift_bounds.interval();
        result.p_value = judged.test.map(|test| test.p_value);
        result.inference = Inference::ConfidenceSequence;
        result.anytime = match live {
            true if expected < LIVE_CONTRIBUTORS => TOO_FEW_LIVE,
            false if expected < CONTRIBUTORS => TOO_FEW,
            _ => BY_SEQUENCE,
        };
    }
    Ok(result)
}

/// The same persons without strata.
fn unstratified(strata: &[Stratum]) -> Result<Gap, Undefined> {
    let whole = |side: fn(&Stratum) -> &StratumSums| {
        let add = |mut whole: StratumSums, part: &StratumSums| {
            whole.n = whole.n.saturating_add(part.n);
            whole.y = whole.y.wrapping_add(part.y);
            whole.yy = whole.yy.wrapping_add(part.yy);
            whole
        };
        let whole = strata.iter().map(side).fold(StratumSums::default(), add);
        mean(whole.n, whole.y, whole.yy)
    };
    Gap::between(&whole(|stratum| &stratum.control)?, &whole(|stratum| &stratum.treatment)?)
}
