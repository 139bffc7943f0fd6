//! What customers are worth: so far, and what is still to come.

use serde::Serialize;
use utoipa::ToSchema;

use super::metric::{ArmResult, Estimated};
use super::trust::FreshInfo;
use crate::wire::experiment::MeasuringInfo;

/// What customers are worth.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Clv {
    /// The experiment's key.
    pub(crate) experiment: String,
    /// The key of the arm that is not personalised.
    pub(crate) control: String,
    /// The key of the arm that the others are compared with.
    pub(crate) baseline: String,
    /// The day, in the tenant's time zone, up to whose end live readings count.
    #[schema(format = "date")]
    pub(crate) as_of: String,
    /// The day up to whose end closed windows and predictions count.
    #[schema(format = "date")]
    pub(crate) matured_through: String,
    /// The confidence of intervals.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) confidence: f64,
    /// How current the numbers are.
    pub(crate) fresh: FreshInfo,
    /// How far a version is measured that these numbers do not come from yet.
    #[schema(required = true)]
    pub(crate) measuring: Option<MeasuringInfo>,
    /// The lifetime values of the experiment.
    pub(crate) metrics: Vec<ClvMetric>,
    /// Why there are none.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// One lifetime value.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClvMetric {
    /// The metric's key.
    pub(crate) metric: String,
    /// The name of the events that are purchases.
    pub(crate) event: String,
    /// Its window in days; null: none.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// The lifespan in days, where it is given: the lift of the value is then that of the value per person and day. Null where it
    /// is estimated.
    #[schema(required = true)]
    pub(crate) lifespan_days: Option<u32>,
    /// After so many whole days without a purchase a customer has left, where the lifespan is estimated. Null where it is given.
    #[schema(required = true)]
    pub(crate) inactive_days: Option<u32>,
    /// What the lifespan is, and what the lift speaks of.
    pub(crate) lifespan_reason: &'static str,
    /// The reading: persons whose window has closed, or everyone exposed.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// The arms.
    pub(crate) arms: Vec<ClvArm>,
    /// What is still to come, with `predict=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) prediction: Option<Prediction>,
}

/// The lifetime value of an arm: average purchase value × purchase frequency × lifespan.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ClvArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// Purchases.
    pub(crate) purchases: i64,
    /// Days under observation, summed over persons.
    #[schema(required = true)]
    pub(crate) person_days: Option<f64>,
    /// Value per purchase; null without one.
    #[schema(required = true)]
    pub(crate) average_purchase_value: Option<f64>,
    /// Purchases per person and day under observation.
    #[schema(required = true)]
    pub(crate) purchase_frequency: Option<f64>,
    /// Days; null where they are estimated and nobody has been seen to stay, or nobody to leave.
    #[schema(required = true)]
    pub(crate) lifespan_days: Option<f64>,
    /// Persons who have left, where the lifespan is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) left: Option<i64>,
    /// The days until they left, or until the others were last watched for it, summed over persons, where the lifespan is estimated.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) days_at_risk: Option<f64>,
    /// The product of the three, with its interval, its sums and its comparison with the baseline.
    pub(crate) clv: ArmResult,
}

/// What customers are still expected to bring, by models of their own for each arm. A description: it is as good as the
/// models are.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Prediction {
    /// The models.
    #[schema(example = "bg_nbd_gamma_gamma")]
    pub(crate) method: &'static str,
    /// Whether the numbers stay valid however often they are read: they do not.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether a difference can be read as the effect of the arm: it cannot.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Days ahead.
    pub(crate) horizon_days: u32,
    /// What a month takes off the value of what comes after it.
    pub(crate) discount: f64,
    /// Resamples that the intervals come from: as many as were asked for, or fewer where there are very many customers.
    pub(crate) repetitions: u32,
    /// Resamples that were asked for.
    pub(crate) repetitions_asked: u32,
    /// Why there are fewer; null where there are as many.
    #[schema(required = true)]
    pub(crate) repetitions_reason: Option<&'static str>,
    /// The number that the resamples follow from: the same gives the same numbers.
    pub(crate) seed: u64,
    /// Why there is no prediction at all.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// The arms.
    pub(crate) arms: Vec<PredictedArm>,
}

/// What the customers of an arm are expected to bring.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictedArm {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons who have bought.
    pub(crate) customers: i64,
    /// Why the data do not tell.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// Who buys how often: BG/NBD, in weeks.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) purchases_model: Option<PurchasesModel>,
    /// What a purchase is worth: Gamma-Gamma.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) spend_model: Option<SpendModel>,
    /// The share of customers who are still customers.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) alive: Option<Estimated>,
    /// Purchase days per customer within the horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) expected_purchases: Option<Estimated>,
    /// Discounted value per customer within the horizon.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) residual_value: Option<Estimated>,
    /// The residual value against that of the baseline; not for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) versus_control: Option<PredictedGain>,
}

/// BG/NBD: who buys how often, in weeks.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PurchasesModel {
    /// Shape of the distribution of purchase rates.
    pub(crate) r: f64,
    /// Its rate.
    pub(crate) alpha: f64,
    /// First parameter of the distribution of dropout probabilities.
    pub(crate) a: f64,
    /// Second parameter of it.
    pub(crate) b: f64,
    /// The logarithm of the likelihood.
    pub(crate) log_likelihood: f64,
}

/// Gamma-Gamma: what a purchase is worth.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct SpendModel {
    /// Shape of the values of one person's purchases.
    pub(crate) p: f64,
    /// Shape of the distribution of scales between persons.
    pub(crate) q: f64,
    /// Its rate.
    pub(crate) v: f64,
    /// The logarithm of the likelihood.
    pub(crate) log_likelihood: f64,
    /// Persons with repeat purchases.
    pub(crate) persons: u64,
    /// The correlation, over them, of frequency and mean spend: the model takes it for zero.
    pub(crate) correlation: f64,
}

/// The residual value of an arm against that of the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct PredictedGain {
    /// Why there is none.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// Value per customer less that of the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) difference: Option<Estimated>,
    /// The same relative to the baseline, as a fraction.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) lift: Option<Estimated>,
}
