//! Are the arms alike in what the arm cannot have changed? Crossovers and covariates, at any time.

use ethnum::I256;
use journey::Definition;

use super::Maturity;
use super::check::{COVARIATES_ALARM, CROSSOVERS_ALARM, Check, weights};
use super::course::Course;
use super::gate::{CONTRIBUTORS, share_of_alike};
use super::strata::Strata;
use crate::inference::{Estimate, Gap, Tuning, Undefined, mean, sequential, sequential_sample_ratio};
use crate::moments::Moments;
use crate::reading::Reading;

/// Whether persons of all first arms cross over alike.
///
/// Two ways of crossing over are innocent, and both are draws that the arm has no part in: everyone is as likely to cross
/// whatever the first arm (crossovers are spread like the weights `w`), or every device of a person is assigned by itself
/// (spread like `w (1 - w)`: whoever was in the small arm first is likely to meet the large one). The anytime-valid multinomial
/// mixture tests both, and the larger p-value counts, so that only what neither explains is an alarm. At equal weights the
/// two are one.
pub(super) fn check_crossover_balance(definition: &Definition, course: &Course, strata: Option<&Strata>) -> Check {
    let weights = weights(definition);
    let whole: f64 = weights.iter().sum();
    let by_device: Vec<f64> = weights.iter().map(|weight| weight * (whole - weight)).collect();
    let crossed = course.crossovers.last().is_some_and(|arms| arms.iter().any(|crossed| *crossed > 0));
    let p_value = |weights: &[f64]| {
        sequential_sample_ratio(course.crossovers.iter().map(Vec::as_slice), weights).map(|ratio| ratio.p_value)
    };
    let p_value = if let Some(strata) = strata.filter(|_| crossed) {
        strata.crossovers()
    } else if crossed {
        p_value(&weights).and_then(|alike| Ok(alike.max(p_value(&by_device)?)))
    } else {
        Err(Undefined::NoPersons)
    };
    let check = Check::by_p_value(
        "crossover_balance",
        p_value,
        CROSSOVERS_ALARM,
        "as many cross over from each arm as chance explains",
        |p| {
            let crossed = course.crossovers.last().cloned().unwrap_or_default();
            format!(
                "{crossed:?} persons crossed over from the arms, which chance explains with a probability of at most {p:.2e}: \
                 look for an arm that shows another one, or for sign-ins that one arm asks for; until then the arms can't \
                 be compared"
            )
        },
    );
    if crossed { check } else { Check { message: "nobody was exposed to a second arm".into(), ..check } }
}

/// Whether the arms were alike before the exposure: every metric's covariate, each arm against control, by the corrected
/// confidence sequence, Bonferroni over all of them.
///
/// A chance imbalance never turns the covariate adjustment off: that would be choosing by the data. Beyond what chance does,
/// the assignment is broken, and no adjustment mends that.
pub(super) fn check_covariates(definition: &Definition, reading: &Reading, strata: Option<&Strata>) -> Check {
    let control = definition.experiment.control;
    let comparisons = definition.metrics.len() * reading.arms.len().saturating_sub(1);
    let mut worst: Option<(f64, usize, usize)> = None;
    for metric in 0..definition.metrics.len() {
        let sums: Vec<&Moments> = reading.arms.iter().map(|arm| &arm.live[metric]).collect();
        let all = |of: fn(&Moments) -> I256| sums.iter().fold(I256::ZERO, |all, sums| all.wrapping_add(of(sums)));
        let persons = sums.iter().fold(0i64, |all, sums| all.saturating_add(sums.n));
        let share = share_of_alike(persons, all(|sums| sums.x), all(|sums| sums.xx));
        let estimates: Vec<Result<Estimate, Undefined>> =
            sums.iter().map(|sums| mean(sums.n, sums.x, sums.xx)).collect();
        for (arm, sums_of_arm) in sums.iter().enumerate().filter(|(arm, _)| *arm != control) {
            // The same gate as for verdicts.
            let smallest = match strata {
                Some(strata) => strata.smallest((metric, Maturity::Live), [control, arm]),
                None => sums[control].n.min(sums_of_arm.n).max(0) as f64,
            };
            if share * smallest < CONTRIBUTORS {
                continue;
            }
            let gap = match strata {
                Some(strata) => strata.imbalance(metric, [control, arm]).map(|found| found.careful),
                None => estimates[control].and_then(|control| Gap::between(&control, &estimates[arm]?)),
            };
            let p = gap.and_then(|gap| imbalance(&gap));
            if let Ok(p) = p
                && worst.is_none_or(|(least, ..)| p < least)
            {
                worst = Some((p, arm, metric));
            }
        }
    }
    let p_value = worst.map(|(p, ..)| (p * comparisons as f64).min(1.0)).ok_or(Undefined::NoVariance);
    let check = Check::by_p_value(
        "covariate_balance",
        p_value,
        COVARIATES_ALARM,
        "the arms were alike before the exposure",
        |p| {
            let (_, arm, metric) = worst.unwrap_or_default();
            let (arm, metric) = (definition.experiment.arms[arm].key.as_str(), definition.metrics[metric].key.as_str());
            format!(
                "before the exposure the {metric} of arm {arm} already differed from control, by chance with a probability \
                 of at most {p:.2e}: look for an arm that was chosen by past behaviour or by an earlier experiment; until \
                 then the arms can't be compared"
            )
        },
    );
    if worst.is_some() {
        return check;
    }
    Check { message: "too few persons have a history before the exposure to compare the arms by".into(), ..check }
}

fn imbalance(gap: &Gap) -> Result<f64, Undefined> {
    // The confidence sets the width of an interval that nobody reads; the p-value does not depend on it.
    let tuning = Tuning::planned(crate::inference::DEFAULT_PLANNED_PERSONS)?;
    Ok(sequential(gap, &tuning, 0.95)?.test?.p_value)
}
