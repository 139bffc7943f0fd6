//! What one metric amounts to: per arm its number, its sums and its comparison with the baseline.

use std::collections::BTreeMap;

use metrics::inference::Interval;
use serde::Serialize;
use utoipa::ToSchema;

use super::explain::{ComparisonExplanation, KpiExplanation};
use crate::wire::schema;

/// Why a number is null, by the name of the number: a sentence for the reader of a dashboard.
pub(crate) type Reasons = BTreeMap<&'static str, String>;

/// What one metric amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct MetricResult {
    /// The metric's key.
    pub(crate) metric: String,
    /// What it computes.
    #[schema(example = "conversion")]
    pub(crate) kind: &'static str,
    /// The direction in which it improves.
    #[schema(value_type = schema::Goal)]
    pub(crate) goal: &'static str,
    /// What it is for.
    #[schema(value_type = schema::Role)]
    pub(crate) role: &'static str,
    /// The unit that people see.
    #[schema(required = true)]
    pub(crate) unit: Option<String>,
    /// Whether its differences are adjusted by the same metric from before the exposure.
    pub(crate) cuped: bool,
    /// Its window in days; null: none.
    #[schema(required = true)]
    pub(crate) window_days: Option<u32>,
    /// The reading of the main fields: a metric without a window has the live one only.
    #[schema(pattern = "^(matured|live)$")]
    pub(crate) maturity: &'static str,
    /// Where values were cut, under a percentile cap.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) cap: Option<CutInfo>,
    /// The arms.
    pub(crate) arms: Vec<ArmResult>,
    /// What to beware of.
    pub(crate) notes: Vec<&'static str>,
}

/// Where values were cut: at the upper edge of the bucket (1 %) of the percentile, the same for all arms.
#[derive(Debug, Clone, Serialize, ToSchema)]
#[schema(as = Cut)]
#[serde(deny_unknown_fields)]
pub(crate) struct CutInfo {
    /// The share of persons at or below the cap.
    #[schema(exclusive_minimum = 0.0, exclusive_maximum = 1.0)]
    pub(crate) percentile: f64,
    /// Whether only persons with a value other than zero were looked at.
    pub(crate) ignore_zeros: bool,
    /// The cap in the main reading, as decimal text; null: nobody to find it from, or everyone lies below.
    #[schema(required = true)]
    pub(crate) value: Option<String>,
    /// Persons at the cap or beyond it, in all arms.
    pub(crate) persons: i64,
}

/// What an arm amounts to.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmResult {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons that the number speaks of.
    #[schema(required = true)]
    pub(crate) persons: Option<i64>,
    /// The KPI in its own unit.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// Its interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The exact sums that it comes from.
    #[schema(required = true)]
    pub(crate) tally: Option<TallyInfo>,
    /// Who answered, for a rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) response: Option<ResponseInfo>,
    /// The comparison with the baseline; not for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) versus_control: Option<VersusInfo>,
    /// Everyone exposed, where the main fields speak of closed windows: it moves while windows close.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) live: Option<LiveResult>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
    /// The steps, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<KpiExplanation>,
}

/// What an arm amounts to with everyone exposed.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LiveResult {
    /// Persons that the number speaks of.
    #[schema(required = true)]
    pub(crate) persons: Option<i64>,
    /// The KPI in its own unit.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// Its interval.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// The exact sums that it comes from.
    #[schema(required = true)]
    pub(crate) tally: Option<TallyInfo>,
    /// Who answered, for a rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) response: Option<ResponseInfo>,
    /// The comparison with the baseline; not for the baseline itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) versus_control: Option<VersusInfo>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// Who answered in an arm, for a rating.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Response)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseInfo {
    /// Persons with an answer.
    pub(crate) answered: i64,
    /// The share of the persons who answered, with Wilson's interval.
    pub(crate) rate: Estimated,
}

/// The response rate of an arm against that of the baseline. It is known of everyone exposed, so that it is an effect.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = ResponseTest)]
#[serde(deny_unknown_fields)]
pub(crate) struct ResponseTestInfo {
    /// Rate of the arm minus rate of the baseline.
    pub(crate) difference: Estimated,
    /// The two-sided p-value of Welch's test.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// Whether they differ, at 5 %; null: there is too little to say.
    #[schema(required = true)]
    pub(crate) differs: Option<bool>,
    /// Whether interval and p-value stay valid however often they are read: they do not, which withholds a verdict sooner.
    pub(crate) anytime: bool,
    /// Whether the difference can be read as the effect of the arm.
    pub(crate) causal: bool,
}

/// A closed interval.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[schema(as = Interval)]
#[serde(deny_unknown_fields)]
pub(crate) struct IntervalInfo {
    /// The lower end.
    pub(crate) low: f64,
    /// The upper end.
    pub(crate) high: f64,
}

impl From<Interval> for IntervalInfo {
    fn from(Interval { low, high }: Interval) -> Self {
        Self { low, high }
    }
}

/// Exact sums over persons, as decimal text: enough to compute everything again.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Tally)]
#[serde(deny_unknown_fields)]
pub(crate) struct TallyInfo {
    /// Persons.
    pub(crate) count: i64,
    /// Of their values (for a ratio: of their numerators).
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) sum: String,
    /// Of the squares of their values.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) sum_of_squares: String,
    /// Of their denominators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) denominator_sum: Option<String>,
    /// Of the squares of their denominators.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) denominator_sum_of_squares: Option<String>,
    /// Of the products of numerator and denominator.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) cross_sum: Option<String>,
}

/// An arm against the baseline.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Versus)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersusInfo {
    /// How arms are judged.
    #[schema(value_type = schema::Method)]
    pub(crate) method: &'static str,
    /// What judged this comparison.
    #[schema(
        pattern = "^(confidence_sequence|exact_converters|fixed_horizon|quantiles|normal_posterior|exact_rates|nothing)$"
    )]
    pub(crate) inference: &'static str,
    /// KPI of the arm minus KPI of the baseline.
    pub(crate) difference: Estimated,
    /// The difference relative to the baseline, as a fraction. A side without a bound is null, with its reason.
    pub(crate) lift: Estimated,
    /// 100 × lift.
    #[schema(required = true)]
    pub(crate) impact_score: Option<f64>,
    /// The two-sided p-value of the difference; never 0.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// The same, adjusted for the number of comparisons.
    #[schema(required = true)]
    pub(crate) p_value_adjusted: Option<f64>,
    /// The intervals that go with the adjusted p-value; only where one was adjusted.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) adjusted: Option<AdjustedInfo>,
    /// The probability that the arm is better than the baseline; null but with the method `bayesian`.
    #[schema(required = true)]
    pub(crate) chance_to_beat_control: Option<f64>,
    /// What choosing the arm loses on average where it is worse, as a fraction of the baseline; null but with the method
    /// `bayesian`.
    #[schema(required = true)]
    pub(crate) expected_loss: Option<f64>,
    /// Persons with a value other than zero that are expected in the smaller arm, from both arms together; for values a
    /// number that is surely reached.
    pub(crate) expected_contributors: f64,
    /// Whether interval and p-value stay valid however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether the difference can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// The comparison of the response rates, for a rating.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) response: Option<ResponseTestInfo>,
    /// What is known of the arm's harm, for guardrails.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) guardrail: Option<GuardrailInfo>,
    /// What follows.
    #[schema(pattern = "^(better|worse|inconclusive|no_data)$")]
    pub(crate) verdict: &'static str,
    /// Why there is no verdict.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
    /// What follows, with its uncertainty and the next step, for people; of the main reading only.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false, example = "Between +1.2 % and +7.4 % on orders (sequential, 95 %): better.")]
    pub(crate) sentence: Option<String>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schema(value_type = BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
    /// The steps, with `explain=true`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) explain: Option<ComparisonExplanation>,
}

/// The intervals that go with a p-value adjusted for the number of comparisons.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Adjusted)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdjustedInfo {
    /// The comparisons that are judged together.
    pub(crate) family: &'static str,
    /// How many they are.
    pub(crate) size: usize,
    /// How they are corrected.
    #[schema(pattern = "^(holm|bh|ebh|none)$")]
    pub(crate) correction: &'static str,
    /// What that keeps, and under which dependence.
    pub(crate) promise: &'static str,
    /// The confidence of each interval by itself.
    pub(crate) confidence: f64,
    /// The interval of the difference.
    pub(crate) difference: EndsInfo,
    /// The interval of the lift.
    pub(crate) lift: EndsInfo,
}

/// The ends of an interval; null: open, or unknown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Ends)]
#[serde(deny_unknown_fields)]
pub(crate) struct EndsInfo {
    /// The lower end.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
}

/// What is known of an arm's harm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GuardrailState)]
#[serde(deny_unknown_fields)]
pub(crate) struct GuardrailInfo {
    /// The relative harm that is tolerated.
    pub(crate) max_harm: f64,
    /// `safe`: more harm is ruled out; `harmed`: more harm is shown.
    #[schema(pattern = "^(safe|harmed|undecided)$")]
    pub(crate) state: &'static str,
    /// How far the arm is from the tolerated harm, in the KPI's unit; above 0: within it.
    #[schema(required = true)]
    pub(crate) margin: Option<f64>,
    /// Its lower bound, one-sided.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// Its upper bound, one-sided.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
    /// Why nothing is decided, or why there is no margin.
    #[schema(required = true)]
    pub(crate) reason: Option<String>,
}

/// A number with the ends of its interval.
#[derive(Debug, Clone, Copy, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct Estimated {
    /// The number.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// The lower end.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
}
