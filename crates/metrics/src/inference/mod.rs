//! How sure is a lift? Estimates, intervals and tests from sums: pure arithmetic, without a clock, randomness or
//! input and output.
//!
//! The way through: exact sums of an arm make an [`Estimate`] ([`mean`], [`ratio`]); two estimates make a
//! [`Comparison`] ([`compare()`]), or two arms with covariates an [`AdjustedComparison`] ([`compare_adjusted`]); a list
//! of p-values is adjusted by [`holm`] or [`benjamini_hochberg`]; arm sizes are checked by [`sample_ratio()`]. Every
//! number that does not exist is an [`Undefined`] with its reason; no NaN and no infinity leaves this module.
//!
//! What may be read at any time starts from the [`Gap`] of two estimates: [`sequential()`] judges it by a confidence
//! sequence, [`sequential_guardrail`] against a tolerated harm; few conversions are judged exactly by
//! [`exact_converters`], arm sizes by [`sequential_sample_ratio`]. [`posterior`] and [`compare_rates`] say what is
//! probable given one reading.
//!
//! Units: sums arrive as integers in units of 1e-6 (1e-12 for squares and cross products, 1e-18 for cubes) and leave
//! as doubles in units of one.

mod adjust;
mod bayes;
mod beta_binomial;
mod compare;
mod composition;
mod converters;
mod cuped;
mod cuped_ratio;
mod exact;
mod fieller;
mod gap;
mod guardrail;
mod level;
mod mixture;
mod possible;
mod post_stratification;
pub mod power;
mod proportion;
mod qini;
mod quantile;
mod residue;
mod sample;
mod sample_ratio;
mod sample_ratio_sequential;
mod segments;
mod segments_sequential;
mod sequential;
mod shrink;
mod strata;
pub mod tails;
mod undefined;

#[cfg(test)]
mod cases;
#[cfg(test)]
mod laws;
#[cfg(test)]
mod published;
#[cfg(test)]
mod sequential_laws;
#[cfg(test)]
#[expect(clippy::excessive_precision, reason = "as the sources print them")]
mod sequential_reference;
#[cfg(test)]
mod testing;

pub use adjust::{
    benjamini_hochberg, bonferroni_confidence, calibrated_log_e_value, e_benjamini_hochberg, false_coverage_confidence,
    holm,
};
pub use bayes::{Posterior, Prior, posterior};
pub use beta_binomial::{RatePosterior, compare_rates};
pub use compare::{Comparison, Interval, Lift, Test, compare, compare_at, welch_degrees_of_freedom};
pub use composition::{GroupedRatio, GroupedSampleRatio};
pub use converters::{CONVERTERS_CONCENTRATION, ExactConverters, exact_converters};
pub use cuped::{AdjustedComparison, AdjustedGap, CovariateSums, Theta, adjust, compare_adjusted, compare_gap};
pub use cuped_ratio::{RatioCovariateSums, adjust_ratios, compare_adjusted_ratios};
pub use fieller::{FiellerInterval, FiellerSet, Quotient, fieller};
pub use gap::{Bounds, Gap};
pub use guardrail::{Harm, Margin, fixed_guardrail, sequential_guardrail, tolerated_lift};
pub use level::Level;
pub use possible::{cubes_are_possible, least_squares, products_are_possible, squares_are_possible};
pub use post_stratification::{StratifiedComparison, Stratum, StratumSums, compare_stratified};
pub use proportion::{mean_interval, mean_interval_at, wilson_interval, wilson_interval_at};
pub use qini::{Qini, QiniPoint, qini};
pub use quantile::{Quantile, quantile, quantile_estimate};
pub(crate) use sample::at_least_two;
pub use sample::{Estimate, PERSONS_PER_SQUARED_SKEWNESS, mean, normal_theory_holds, ratio, skewness};
pub use sample_ratio::{SAMPLE_RATIO_THRESHOLD, SampleRatio, sample_ratio};
#[cfg(test)]
pub(crate) use sample_ratio_sequential::largest as sample_ratio_at;
pub use sample_ratio_sequential::{SAMPLE_RATIO_CONCENTRATION, SequentialSampleRatio, sequential_sample_ratio};
pub use segments::{Effect, Segment, Segments, compare_segments};
pub use segments_sequential::{SegmentEffect, SequentialContrast, SequentialSegments, sequential_segments};
pub use sequential::{
    DEFAULT_PLANNED_PERSONS, OneSided, PLANNED_ERROR, SequentialComparison, SequentialTest, Tuning, effective_persons,
    log_e_value, one_sided_p_value, one_sided_sequential, one_sided_width, plain_sequential, rho, sequential,
    two_sided_width,
};
pub use shrink::{RateSpread, ShrunkenRate};
pub use strata::{Converters, ConvertersWithin, Stratified, Within, converters_within, within_strata};
pub use undefined::Undefined;
pub(crate) use undefined::{finite, miss_rate};
