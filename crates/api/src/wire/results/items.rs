//! Which content worked.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::{LensInfo, lens_answer};
use super::metric::{ArmResult, Estimated, IntervalInfo, Reasons};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

lens_answer! {
    /// Which items persons were shown, what they did, and what of it is an effect of the items.
    ItemsAnswer {
        /// Who counts for which item.
        pub(crate) counted: &'static str,
        /// The items of each arm.
        pub(crate) arms: Vec<ArmItemsInfo>,
        /// Each item against the persons of the baseline who would have been shown it.
        pub(crate) would_have: WouldHaveInfo,
    }
}

/// The items of one arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmItems)]
#[serde(deny_unknown_fields)]
pub(crate) struct ArmItemsInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons of the arm.
    pub(crate) persons: i64,
    /// Those who were shown any item.
    pub(crate) shown: i64,
    /// Those of them who converted.
    pub(crate) conversions: i64,
    /// What they brought, as decimal text.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) value_sum: String,
    /// Persons of whom a value in another currency was left out.
    pub(crate) foreign: i64,
    /// Whether items were drawn at random within the arm, so that differences between them are effects.
    pub(crate) causal: bool,
    /// Why.
    pub(crate) reason: &'static str,
    /// How conversion rates are spread over the items.
    pub(crate) spread: ItemSpread,
    /// The items with the most persons, at most 200.
    pub(crate) items: Vec<ItemInfo>,
    /// The items beyond them; null: there are none.
    #[schema(required = true)]
    pub(crate) other: Option<OtherItems>,
}

/// How true rates and values are spread over the items of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemSpread {
    /// The conversion rate that items have on average.
    #[schema(required = true)]
    pub(crate) rate: Option<f64>,
    /// So many persons of an item weigh as much as what is known of the other items; null where rates differ no more than
    /// chance makes them, too.
    #[schema(required = true)]
    pub(crate) rate_persons: Option<f64>,
    /// The standard deviation of true values per person over items.
    #[schema(required = true)]
    pub(crate) value_standard_deviation: Option<f64>,
    /// How they were found.
    pub(crate) method: &'static str,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// One item of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ArmItem)]
#[serde(deny_unknown_fields)]
pub(crate) struct ItemInfo {
    /// The item.
    pub(crate) item: String,
    /// Persons who were shown it first.
    pub(crate) persons: i64,
    /// Those of them who converted.
    pub(crate) conversions: i64,
    /// Their share, with Wilson's interval.
    pub(crate) rate: Estimated,
    /// The conversion rate to expect of the item: pulled towards that of all items by as much as it is noise.
    pub(crate) expected_rate: Expected,
    /// The value per person.
    pub(crate) value: Estimated,
    /// The value per person to expect of the item.
    pub(crate) expected_value: Expected,
    /// Whether a difference to other items can be read as the effect of the item.
    pub(crate) causal: bool,
    /// Whether the intervals hold however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
    /// The item as if everyone in the arm had been shown it; null where it was not drawn.
    #[schema(required = true)]
    pub(crate) drawn: Option<DrawnInfo>,
    /// Whether those who were ever shown it came to it later.
    pub(crate) acceptance: AcceptanceInfo,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// A number that was pulled towards the common one.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ExpectedOfItem)]
#[serde(deny_unknown_fields)]
pub(crate) struct Expected {
    /// The number.
    #[schema(required = true)]
    pub(crate) value: Option<f64>,
    /// The lower end of its interval.
    #[schema(required = true)]
    pub(crate) low: Option<f64>,
    /// The upper end.
    #[schema(required = true)]
    pub(crate) high: Option<f64>,
    /// The share of the measured distance from the common number that was kept.
    #[schema(required = true, minimum = 0.0, maximum = 1.0)]
    pub(crate) kept: Option<f64>,
}

/// An item that was drawn, as if everyone in the arm had been shown it.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DrawnItem)]
#[serde(deny_unknown_fields)]
pub(crate) struct DrawnInfo {
    /// So many persons, each of the same weight, would know as much.
    pub(crate) effective_persons: f64,
    /// The share of persons who convert.
    pub(crate) rate: Estimated,
    /// The value per person.
    pub(crate) value: Estimated,
    /// The share against that of the arm as it was.
    pub(crate) rate_versus_arm: VersusArmInfo,
    /// The value against that of the arm as it was.
    pub(crate) value_versus_arm: VersusArmInfo,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// An item against the arm as it was.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ItemVersusArm)]
#[serde(deny_unknown_fields)]
pub(crate) struct VersusArmInfo {
    /// The difference, with the interval after Bonferroni over the items of all arms.
    pub(crate) difference: Estimated,
    /// Its two-sided p-value.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// The same after Holm over the items of all arms.
    #[schema(required = true)]
    pub(crate) p_value_adjusted: Option<f64>,
    /// Whether interval and p-value hold however often they are read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) anytime_reason: &'static str,
    /// Whether the difference is the effect of the item: items were drawn at random.
    pub(crate) causal: bool,
    /// What follows.
    #[schema(pattern = "^(better|worse|inconclusive|no_data)$")]
    pub(crate) verdict: &'static str,
    /// Why it is withheld, where it is.
    #[schema(required = true)]
    pub(crate) reason: Option<&'static str>,
    /// Why a number is null, by its name.
    #[serde(skip_serializing_if = "Reasons::is_empty")]
    #[schema(value_type = std::collections::BTreeMap<String, String>, required = false)]
    pub(crate) reasons: Reasons,
}

/// Whether persons who were ever shown an item clicked or bought it later: a description.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Acceptance)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptanceInfo {
    /// Persons who were ever shown it.
    pub(crate) shown: i64,
    /// Those of them who clicked or bought it later.
    pub(crate) accepted: i64,
    /// Their share; null: it was shown to nobody.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// Whether a difference can be read as an effect: it can't.
    pub(crate) causal: bool,
    /// Whether the interval holds however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
}

/// The items beyond those that are told one by one.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct OtherItems {
    /// How many there are.
    pub(crate) items: usize,
    /// Persons who were shown one of them first.
    pub(crate) persons: i64,
    /// Those of them who converted.
    pub(crate) conversions: i64,
    /// What they brought, as decimal text.
    #[schema(pattern = "^-?[0-9]+(\\.[0-9]+)?$")]
    pub(crate) value_sum: String,
}

/// Items against what persons of the baseline would have been shown.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = WouldHave)]
#[serde(deny_unknown_fields)]
pub(crate) struct WouldHaveInfo {
    /// Whether there is a comparison, and it is one of randomised groups.
    pub(crate) causal: bool,
    /// Why, or why not.
    pub(crate) reason: &'static str,
    /// The items with the most persons, at most 200.
    pub(crate) items: Vec<WouldHaveItem>,
    /// How many items lie beyond them.
    pub(crate) beyond: usize,
}

/// One item in all arms: who was shown it at the exposure, and in the baseline who would have been.
#[derive(Debug, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct WouldHaveItem {
    /// The item.
    pub(crate) item: String,
    /// Persons, in all arms.
    pub(crate) persons: i64,
    /// The share that converts; p-values after Holm over all items and arms.
    pub(crate) conversions: Vec<ArmResult>,
    /// The value per person, a family of its own.
    pub(crate) values: Vec<ArmResult>,
}
