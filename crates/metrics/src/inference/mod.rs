//! How sure is a lift? Estimates, intervals and tests from sums: pure arithmetic, without a clock, randomness or
//! input and output.
//!
//! The way through: exact sums of an arm make an [`Estimate`] ([`mean`], [`ratio`]); two estimates make a
//! [`Comparison`] ([`compare`]), or two arms with covariates an [`AdjustedComparison`] ([`compare_adjusted`]); a list
//! of p-values is adjusted by [`holm`] or [`benjamini_hochberg`]; arm sizes are checked by [`sample_ratio`]. Every
//! number that does not exist is an [`Undefined`] with its reason; no NaN and no infinity leaves this module.
//!
//! Units: sums arrive as integers in units of 1e-6 (1e-12 for squares and cross products, 1e-18 for cubes) and leave
//! as doubles in units of one.

mod adjust;
mod compare;
mod cuped;
mod cuped_ratio;
mod exact;
mod fieller;
mod post_stratification;
pub mod power;
mod proportion;
mod quantile;
mod residue;
mod sample;
mod sample_ratio;
mod segments;
pub mod tails;
mod undefined;

#[cfg(test)]
mod laws;
#[cfg(test)]
mod published;
#[cfg(test)]
mod testing;

pub use adjust::{benjamini_hochberg, bonferroni_confidence, false_coverage_confidence, holm};
pub use compare::{Comparison, Interval, Lift, Test, compare, welch_degrees_of_freedom};
pub use cuped::{AdjustedComparison, CovariateSums, Theta, compare_adjusted};
pub use cuped_ratio::{RatioCovariateSums, compare_adjusted_ratios};
pub use fieller::{FiellerInterval, FiellerSet, Quotient, fieller};
pub use post_stratification::{StratifiedComparison, Stratum, StratumSums, compare_stratified};
pub use proportion::{mean_interval, wilson_interval};
pub use quantile::{Quantile, quantile, quantile_estimate};
pub use sample::{Estimate, mean, normal_theory_holds, ratio, skewness};
pub use sample_ratio::{SAMPLE_RATIO_THRESHOLD, SampleRatio, sample_ratio};
pub use segments::{Effect, Goal, Segment, Segments, compare_segments};
pub use undefined::Undefined;
pub(crate) use undefined::{finite, miss_rate};
