//! What touches are credited with, and what arms caused.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::{LensInfo, lens_answer};
use super::metric::{Estimated, MetricResult, Reasons};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

lens_answer! {
    /// What touches are credited with by a model, and beside it what each arm caused.
    AttributionAnswer {
        /// What divides the credit.
        #[schema(pattern = "^(first|last|linear|position|time_decay|markov|shapley)$")]
        pub(crate) model: &'static str,
        /// What the model does.
        pub(crate) model_meaning: &'static str,
        /// What a touch is called by.
        pub(crate) by: String,
        /// A touch counts for conversions up to so many days later; null: however much later.
        #[schema(required = true)]
        pub(crate) lookback_days: Option<u32>,
        /// After so many days a touch weighs half as much, by the model `time_decay`.
        #[schema(exclusive_minimum = 0.0)]
        pub(crate) half_life_days: f64,
        /// Whether credit is what a label caused: it is not, by any model.
        pub(crate) causal: bool,
        /// Why.
        pub(crate) causal_reason: &'static str,
        /// The experimental answer, part one: conversions per person of everyone exposed, arm against arm.
        pub(crate) conversions: MetricResult,
        /// Part two: the value of conversions per person.
        pub(crate) value: MetricResult,
        /// What is credited in each arm.
        pub(crate) arms: Vec<ArmCreditInfo>,
    }
}

/// What is credited in an arm. The lines add up exactly to `conversions` and `value`.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmCredit)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmCreditInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons of the reading.
    pub(crate) persons: i64,
    /// Their conversions.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) conversions: String,
    /// What these were worth, less what was refunded.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) value: String,
    /// Persons with 1 000 touches and conversions, as many as are kept: what they did later is left out.
    pub(crate) cut_persons: i64,
    /// What the arm caused in all its persons; not for the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) caused: Option<CausedInfo>,
    /// The share of the arm's journeys that convert, by the chain of touches; with the model `markov`.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) chain_conversion: Option<f64>,
    /// The labels with the most credit, then those beyond them together, then what nobody was touched before.
    pub(crate) credits: Vec<CreditInfo>,
    /// The labels that are over-credited, in words; null: none is.
    #[schema(required = true)]
    pub(crate) sentence: Option<String>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// What an arm caused: the difference of conversions per person to the baseline, in all persons of the arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Caused)]
#[serde(deny_unknown_fields)]
pub(crate) struct CausedInfo {
    /// Conversions beyond those of as many persons of the baseline.
    pub(crate) conversions: Estimated,
    /// Value likewise.
    pub(crate) value: Estimated,
    /// Whether the numbers are effects of the arm.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Whether the interval of conversions holds however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether the interval of the value does.
    pub(crate) value_anytime: bool,
    /// Why.
    pub(crate) value_anytime_reason: &'static str,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// What is credited to a label.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Credit)]
#[serde(deny_unknown_fields)]
pub(crate) struct CreditInfo {
    /// To whom: a `label`, the `others` beyond those that stand alone, or nobody (`untouched`).
    #[schema(pattern = "^(label|others|untouched)$")]
    pub(crate) kind: &'static str,
    /// The label; null where it is none.
    #[schema(required = true)]
    pub(crate) label: Option<String>,
    /// How many labels these are.
    pub(crate) labels: usize,
    /// Conversions, in whole units of 1e-6.
    #[schema(required = true, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) conversions: Option<String>,
    /// Their value.
    #[schema(required = true, pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) value: Option<String>,
    /// The share of the arm's conversions, with the interval of a ratio of sums over persons.
    pub(crate) share: Estimated,
    /// The share of the arm's value.
    pub(crate) value_share: Estimated,
    /// Whether the credit is what the label caused: it is not.
    pub(crate) causal: bool,
    /// Credit beyond that of as many persons of the baseline; not in the baseline.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(nullable = false)]
    pub(crate) additional: Option<AdditionalInfo>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// The credit of a label beyond that of as many persons of the baseline. Over labels it adds up to what the arm caused.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = AdditionalCredit)]
#[serde(deny_unknown_fields)]
pub(crate) struct AdditionalInfo {
    /// Conversions.
    pub(crate) conversions: Estimated,
    /// Value.
    pub(crate) value: Estimated,
    /// Whether it exceeds the upper end of the conversions that the whole arm caused; null where that is not known.
    #[schema(required = true)]
    pub(crate) over_credited: Option<bool>,
    /// The same of the value.
    #[schema(required = true)]
    pub(crate) value_over_credited: Option<bool>,
    /// Whether it is an effect of the arm on what the model credits; that is none of the label.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) causal_reason: &'static str,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}
