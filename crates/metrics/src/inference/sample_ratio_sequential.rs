//! Did the arms receive the shares of persons that they were meant to, however often one asks? The anytime-valid sample
//! ratio.

use super::mixture::{log_e_value, p_value};
use super::undefined::Undefined;

/// How strongly the mixture holds to the weights. A gross fault (55 : 45) shows within a few hundred persons; the price is
/// that a split of 51 : 49 needs 50 000 persons where one chi-square test at the end needs 27 000.
pub const SAMPLE_RATIO_CONCENTRATION: f64 = 100.0;

/// Arm sizes against their weights, valid however often they are read.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SequentialSampleRatio {
    /// The logarithm of the largest e-value so far.
    pub log_e_value: f64,
    /// The p-value: the smallest of all readings so far; never zero.
    pub p_value: f64,
}

/// The multinomial mixture of Lindon and Malek (`NeurIPS` 2022) on arm sizes.
///
/// `readings`: persons per arm at the ends of the days so far and now, cumulative, oldest first; `weights`: one for each arm,
/// zero or more. Since the e-value of the planned shares ever reaches `1 / alpha` with a probability of at most `alpha`, the
/// smallest p-value of all readings is still a p-value: a split that was broken for a day stays visible after it was mended.
///
/// Arms of weight zero take no part; whoever is in one is a fault by itself.
pub fn sequential_sample_ratio<'a>(
    readings: impl IntoIterator<Item = &'a [u64]>,
    weights: &[f64],
) -> Result<SequentialSampleRatio, Undefined> {
    largest(readings, weights, SAMPLE_RATIO_CONCENTRATION)
}

/// The same at another concentration, for comparison with peers: 10 000 in Optimizely's `ssrm-test`.
pub(crate) fn largest<'a>(
    readings: impl IntoIterator<Item = &'a [u64]>,
    weights: &[f64],
    concentration: f64,
) -> Result<SequentialSampleRatio, Undefined> {
    let open: Vec<f64> = weights.iter().copied().filter(|weight| *weight > 0.0).collect();
    let mut best: Option<f64> = None;
    let mut counts = Vec::with_capacity(open.len());
    for observed in readings {
        if observed.len() != weights.len() || weights.iter().any(|weight| !weight.is_finite() || *weight < 0.0) {
            return Err(Undefined::InvalidWeights);
        }
        if observed.iter().zip(weights).any(|(persons, weight)| *weight == 0.0 && *persons > 0) {
            return Err(Undefined::PersonsInClosedArm);
        }
        counts.clear();
        counts.extend(observed.iter().zip(weights).filter(|(_, weight)| **weight > 0.0).map(|(persons, _)| *persons));
        let e = log_e_value(&counts, &open, concentration)?;
        best = Some(best.map_or(e, |best: f64| best.max(e)));
    }
    let log_e_value = best.ok_or(Undefined::NoPersons)?;
    Ok(SequentialSampleRatio { log_e_value, p_value: p_value(log_e_value) })
}
