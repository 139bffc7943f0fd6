//! Through which channels persons are reached, and whether what they were assigned arrives.

use serde::Serialize;
use utoipa::ToSchema;

use super::lens::{LensInfo, lens_answer};
use super::metric::{IntervalInfo, MetricResult};
use super::trust::{CheckInfo, FreshInfo};
use crate::wire::experiment::MeasuringInfo;
use crate::wire::schema;

lens_answer! {
    /// Through which channels persons are reached, and whether what they were assigned arrives.
    ChannelsAnswer {
        /// The share of everyone exposed who converted, whatever channels they used.
        pub(crate) converted: MetricResult,
        /// The channels, those with the most persons first; beyond twelve they are one, `other`.
        pub(crate) channels: Vec<ChannelInfo>,
        /// How many channels are in `other` beside those that are called so.
        pub(crate) other_channels: usize,
        /// Persons per set of channels, a description: sets with the most persons first, an empty one for persons who were
        /// reached on none.
        pub(crate) overlap: Vec<OverlapInfo>,
        /// How many more sets there are.
        pub(crate) more_sets: usize,
        /// Persons in those, per arm.
        pub(crate) in_more_sets: Vec<PartInfo>,
        /// Who converted among persons with so many channels, a description.
        pub(crate) by_number: Vec<NumberInfo>,
        /// Per arm, persons who were shown their own arm and no other.
        pub(crate) consistency: Vec<ConsistencyInfo>,
        /// Per arm, whether what was assigned was received.
        pub(crate) receipt: Vec<ReceiptInfo>,
        /// Per arm, how soon persons were reached.
        pub(crate) delay: Vec<DelayInfo>,
        /// Which arms are exposed through which channels.
        pub(crate) exposures: ExposuresInfo,
        /// Ways to split the experiment's metrics by channel, and which of them compare randomised groups.
        pub(crate) splits: Vec<ChannelSplitInfo>,
    }
}

/// A channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelReach)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelInfo {
    /// What it is called.
    pub(crate) channel: String,
    /// The share of everyone exposed who were reached on it.
    pub(crate) reach: MetricResult,
}

/// Some persons of an arm, among others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonsOfArm)]
#[serde(deny_unknown_fields)]
pub(crate) struct PartInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons who count.
    pub(crate) persons: i64,
    /// Persons among whom they are.
    pub(crate) of: i64,
    /// Their share; null: there is nobody among whom they could be.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// Whether a difference between the arms can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Whether the interval holds however often it is read.
    pub(crate) anytime: bool,
    /// Why, and why there is no number where there is none.
    pub(crate) reason: String,
}

impl ShareInfo {
    /// The same, of an arm.
    pub(crate) fn of_arm(self, arm: String) -> PartInfo {
        let Self { persons, of, share, interval, causal, anytime, reason } = self;
        PartInfo { arm, persons, of, share, interval, causal, anytime, reason }
    }
}

/// Some persons among others.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = PersonsOf)]
#[serde(deny_unknown_fields)]
pub(crate) struct ShareInfo {
    /// Persons who count.
    pub(crate) persons: i64,
    /// Persons among whom they are.
    pub(crate) of: i64,
    /// Their share; null: there is nobody among whom they could be.
    #[schema(required = true)]
    pub(crate) share: Option<f64>,
    /// Its interval, after Wilson.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// Whether a difference between the arms can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Whether the interval holds however often it is read.
    pub(crate) anytime: bool,
    /// Why, and why there is no number where there is none.
    pub(crate) reason: String,
}

/// Persons with the same channels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelSet)]
#[serde(deny_unknown_fields)]
pub(crate) struct OverlapInfo {
    /// The channels; none: persons who were reached on no channel.
    pub(crate) channels: Vec<String>,
    /// Per arm, the share of everyone exposed.
    pub(crate) arms: Vec<PartInfo>,
}

/// Persons with so many channels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelNumber)]
#[serde(deny_unknown_fields)]
pub(crate) struct NumberInfo {
    /// How many channels they were reached on.
    pub(crate) number: usize,
    /// Per arm, the share of these persons who converted.
    pub(crate) arms: Vec<PartInfo>,
}

/// Whether an arm's persons were shown one arm everywhere.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelConsistency)]
#[serde(deny_unknown_fields)]
pub(crate) struct ConsistencyInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons whose exposures, and events that name an arm of the experiment, all name their own arm; of everyone exposed.
    pub(crate) consistent: ShareInfo,
    /// The same, of those to whom an arm was named on several channels.
    pub(crate) on_several_channels: ShareInfo,
}

/// Whether an arm's persons received what they were assigned.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelReceipt)]
#[serde(deny_unknown_fields)]
pub(crate) struct ReceiptInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons who received it, of everyone exposed.
    pub(crate) received: ShareInfo,
    /// Persons who were shown something else in its place.
    pub(crate) fallback: ShareInfo,
    /// Persons who received nothing because they did not consent.
    pub(crate) no_consent: ShareInfo,
    /// Persons to whom it did not arrive.
    pub(crate) undelivered: ShareInfo,
}

/// How soon an arm's persons were reached.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelDelay)]
#[serde(deny_unknown_fields)]
pub(crate) struct DelayInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons with a trigger, of everyone exposed; without a trigger in the question the exposure is it.
    pub(crate) triggered: ShareInfo,
    /// Persons to whom something was delivered after the trigger, of those with one.
    pub(crate) reached: ShareInfo,
    /// Half of those who were reached waited at most so long.
    pub(crate) median: WaitInfo,
    /// Nine in ten waited at most so long.
    pub(crate) p90: WaitInfo,
}

/// A time that a share of persons waited at most.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelWait)]
#[serde(deny_unknown_fields)]
pub(crate) struct WaitInfo {
    /// In seconds, right to a bucket of 1 %; null: nobody was reached.
    #[schema(required = true)]
    pub(crate) seconds: Option<f64>,
    /// Its interval between order statistics, rounded outward to buckets of 1 %.
    #[schema(required = true)]
    pub(crate) interval: Option<IntervalInfo>,
    /// Whether a difference between the arms can be read as the effect of the arm.
    pub(crate) causal: bool,
    /// Whether the interval holds however often it is read.
    pub(crate) anytime: bool,
    /// Why, and why there is no number where there is none.
    pub(crate) reason: String,
}

/// Which arms are exposed through which channels.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelExposures)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposuresInfo {
    /// `one`: all on one channel, or none said; `by_arm`: each channel belongs to one arm; `alike`: in the same proportions in
    /// all arms; `differs`: not so; `too_few`: too few persons to say.
    #[schema(pattern = "^(one|by_arm|alike|differs|too_few)$")]
    pub(crate) split: &'static str,
    /// The p-value of the chi-square test that the proportions are the same; null: there is nothing to test.
    #[schema(required = true)]
    pub(crate) p_value: Option<f64>,
    /// Whether comparing channels of exposures, between arms or within them, compares randomised groups.
    pub(crate) causal: bool,
    /// Whether the p-value holds however often it is read.
    pub(crate) anytime: bool,
    /// Why.
    pub(crate) reason: &'static str,
    /// Per channel, persons whose first exposure was on it.
    pub(crate) channels: Vec<ExposedOnInfo>,
}

/// Persons whose first exposure was on a channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelExposed)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposedOnInfo {
    /// The channel; null: the exposure says none.
    #[schema(required = true)]
    pub(crate) channel: Option<String>,
    /// Persons per arm.
    pub(crate) arms: Vec<ExposedInfo>,
}

/// Persons of an arm.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelExposedArm)]
#[serde(deny_unknown_fields)]
pub(crate) struct ExposedInfo {
    /// The arm's key.
    pub(crate) arm: String,
    /// Persons.
    pub(crate) persons: i64,
}

/// A way to split metrics by channel.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = ChannelSplit)]
#[serde(deny_unknown_fields)]
pub(crate) struct ChannelSplitInfo {
    /// What it splits by.
    pub(crate) by: &'static str,
    /// Whether differences between the arms within a part are effects of the arm.
    pub(crate) causal: bool,
    /// Whether the experiment has it.
    pub(crate) available: bool,
    /// Why, and how to get it where the experiment has not.
    pub(crate) reason: &'static str,
    /// Where it is answered.
    pub(crate) see: String,
}
