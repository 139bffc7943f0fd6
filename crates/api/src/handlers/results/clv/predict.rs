//! What is still to come: models of purchases and spend for each arm, fitted to the tallies of customers.

use metrics::clv::{BgNbd, Cells, FEWEST_REPETITIONS, GammaGamma, Horizon, Refusal, Resampled, Spread, resample};
use metrics::customers;

use super::super::arm_key;
use super::super::look::Look;
use super::Ahead;
use crate::wire::results::Estimated;
use crate::wire::results::clv::{Clv, PredictedArm, PredictedGain, Prediction, PurchasesModel, SpendModel};

/// Days in a period of the models: weeks, as the published fits have it.
const WEEK: f64 = 7.0;
/// Days in a month, on average over the years of the calendar.
const MONTH: f64 = 30.436_875;
/// The resamples follow from this number and the arm's.
const SEED: u64 = 2_005;
/// The most cells that all resamples together go through.
const CELLS_AT_MOST: usize = 1_000_000;
const FEWER: &str = "the customers of all arms fill so many different cells that more resamples would take too long: intervals \
                     are rougher than asked for, by the root of the quotient";
const ONE_READING: &str = "a fit describes the data of one reading";
const BY_MODEL: &str =
    "models of those who have bought, and who that is may differ by arm: a description, not an effect";
const WINDOWED: &str = "the metric's window closes, so that later purchases are not counted and nobody is watched on: use a \
                        metric in an experiment with \"window_days\": null";
const NOT_KEPT: &str =
    "the metric keeps no customers: define it with \"predict\": true, and it is measured from all events";

/// Adds to every lifetime value what is predicted of it.
pub(super) fn add(look: &Look, ahead: &Ahead, told: &mut Clv) {
    let definition = &*look.measured.definition;
    let confidence = told.confidence;
    for metric in &mut told.metrics {
        let Some(at) = definition.metrics.iter().position(|known| known.key.as_str() == metric.metric) else {
            continue;
        };
        let reason = if definition.window_days(at).is_some() {
            Some(WINDOWED)
        } else if definition.metrics[at].keeps.customers {
            None
        } else {
            Some(NOT_KEPT)
        };
        let cells = if reason.is_none() { cells(look, at) } else { Vec::new() };
        let repetitions = affordable(&cells, ahead.repetitions);
        metric.prediction = Some(Prediction {
            method: "bg_nbd_gamma_gamma",
            anytime: false,
            anytime_reason: ONE_READING,
            causal: false,
            causal_reason: BY_MODEL,
            horizon_days: ahead.horizon_days,
            discount: ahead.discount,
            repetitions,
            repetitions_asked: ahead.repetitions,
            repetitions_reason: (repetitions < ahead.repetitions).then_some(FEWER),
            seed: SEED,
            reason: reason.map(str::to_owned),
            arms: arms(look, &cells, &horizon(ahead), confidence, repetitions),
        });
    }
}

/// Whole steps of about a month.
fn horizon(ahead: &Ahead) -> Horizon {
    let days = f64::from(ahead.horizon_days);
    let steps = (days / MONTH).ceil().max(1.0);
    let step = days / steps;
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 1 to 120")]
    Horizon {
        steps: steps as u32,
        periods_per_step: step / WEEK,
        discount: (1.0 + ahead.discount).powf(step / MONTH) - 1.0,
    }
}

fn cells(look: &Look, metric: usize) -> Vec<Cells> {
    let rows = look.measured.detail.iter().flat_map(|detail| detail.rows.iter()).map(|(key, row)| (key, row));
    customers::read(&look.measured.definition, metric, rows, look.through.matured)
}

/// As many resamples as were asked for, or as fit into a time that a reader waits for: it grows with the cells.
fn affordable(arms: &[Cells], asked: u32) -> u32 {
    let cells = arms.iter().map(Cells::len).sum::<usize>().max(1);
    asked.min(u32::try_from(CELLS_AT_MOST / cells).unwrap_or(u32::MAX).max(FEWEST_REPETITIONS))
}

fn arms(look: &Look, cells: &[Cells], horizon: &Horizon, confidence: f64, repetitions: u32) -> Vec<PredictedArm> {
    let resampled: Vec<Result<Resampled, Refusal>> = (SEED..)
        .zip(cells)
        .map(|(seed, cells)| resample(cells, WEEK, horizon, confidence, repetitions, seed))
        .collect();
    let baseline = look.plan.baseline;
    let told = cells.iter().zip(&resampled).enumerate().map(|(arm, (cells, found))| {
        let mut told = PredictedArm {
            arm: arm_key(look, arm),
            customers: cells.persons(),
            reason: None,
            purchases_model: BgNbd::fit(cells, WEEK).ok().map(|fit| PurchasesModel {
                r: fit.model.r,
                alpha: fit.model.alpha,
                a: fit.model.a,
                b: fit.model.b,
                log_likelihood: fit.log_likelihood,
            }),
            spend_model: GammaGamma::fit(cells).ok().map(|fit| SpendModel {
                p: fit.model.p,
                q: fit.model.q,
                v: fit.model.v,
                log_likelihood: fit.log_likelihood,
                persons: fit.persons,
                correlation: fit.correlation,
            }),
            alive: None,
            expected_purchases: None,
            residual_value: None,
            versus_control: None,
        };
        match found {
            Ok(found) => {
                told.alive = Some(estimated(&found.predicted.alive));
                told.expected_purchases = Some(estimated(&found.predicted.purchases));
                told.residual_value = Some(estimated(&found.predicted.value));
                told.versus_control = (arm != baseline).then(|| gain(found, &resampled[baseline]));
            }
            Err(reason) => told.reason = Some(reason.to_string()),
        }
        told
    });
    told.collect()
}

fn gain(arm: &Resampled, baseline: &Result<Resampled, Refusal>) -> PredictedGain {
    match baseline.as_ref().map_err(|reason| *reason).and_then(|baseline| arm.against(baseline)) {
        Ok(gain) => PredictedGain {
            reason: None,
            difference: Some(estimated(&gain.difference)),
            lift: Some(estimated(&gain.lift)),
        },
        Err(reason) => {
            PredictedGain { reason: Some(format!("of the baseline: {reason}")), difference: None, lift: None }
        }
    }
}

fn estimated(spread: &Spread) -> Estimated {
    Estimated { value: Some(spread.value), low: Some(spread.interval.low), high: Some(spread.interval.high) }
}
