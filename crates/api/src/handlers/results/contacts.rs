//! What is described of contacts through channels, with the reasons why it is a description.

use std::collections::BTreeSet;
use std::sync::Arc;

use journey::Definition;
use metrics::channels::{ArmChannels, Channels, ExposureSplit, Part};
use metrics::inference::{Quantile, Undefined};

use super::arm_key;
use super::look::Look;
use crate::wire::results::IntervalInfo;
use crate::wire::results::channels::{
    ChannelSplitInfo, ConsistencyInfo, DelayInfo, ExposedInfo, ExposedOnInfo, ExposuresInfo, NumberInfo, OverlapInfo,
    PartInfo, ReceiptInfo, ShareInfo, WaitInfo,
};

const USED: &str = "which channels a person uses after the exposure is a consequence of the arm: a description of the arm, \
                    not an effect; one reading";
const BY_NUMBER: &str = "who uses so many channels is a consequence of the arm: where a treatment brings persons to one more channel, \
                         those with few and those with many can both look worse though everyone is better off; the effect stands in \
                         converted, and splits says by what to split it; one reading";
const CARRIED_OUT: &str = "says how well the arm was carried out; what was assigned differs by arm, so a difference between arms is no \
                           effect of it; one reading";
const WAITED: &str = "of those who were reached, and who that is may be a consequence of the arm: a description, not an effect; one \
                      reading";
const BLOCKED: &str = "a blocking check failed: the groups may differ for other reasons than the arms";

/// What is described.
pub(super) struct Described {
    pub(super) overlap: Vec<OverlapInfo>,
    pub(super) in_more_sets: Vec<PartInfo>,
    pub(super) by_number: Vec<NumberInfo>,
    pub(super) consistency: Vec<ConsistencyInfo>,
    pub(super) receipt: Vec<ReceiptInfo>,
    pub(super) delay: Vec<DelayInfo>,
    pub(super) exposures: ExposuresInfo,
}

/// Describes every arm.
pub(super) fn describe(look: &Look, found: &Channels, blocked: bool) -> Described {
    let arms = || found.arms.iter().enumerate();
    let parts = |of: &dyn Fn(&ArmChannels) -> Part, reason: &str| -> Vec<PartInfo> {
        arms().map(|(at, arm)| share(&of(arm), reason).of_arm(arm_key(look, at))).collect()
    };
    let set = |(at, set): (usize, &BTreeSet<Arc<str>>)| OverlapInfo {
        channels: set.iter().map(ToString::to_string).collect(),
        arms: parts(&|arm| arm.sets[at], USED),
    };
    let numbers = found.arms.first().map_or(0, |arm| arm.by_number.len());
    let number = |number: usize| NumberInfo { number, arms: parts(&|arm| arm.by_number[number], BY_NUMBER) };
    let consistency = |(at, arm): (usize, &ArmChannels)| ConsistencyInfo {
        arm: arm_key(look, at),
        consistent: share(&arm.consistent, CARRIED_OUT),
        on_several_channels: share(&arm.consistent_on_several, CARRIED_OUT),
    };
    let receipt = |(at, arm): (usize, &ArmChannels)| ReceiptInfo {
        arm: arm_key(look, at),
        received: share(&arm.received, CARRIED_OUT),
        fallback: share(&arm.fallback, CARRIED_OUT),
        no_consent: share(&arm.no_consent, CARRIED_OUT),
        undelivered: share(&arm.undelivered, CARRIED_OUT),
    };
    let delay = |(at, arm): (usize, &ArmChannels)| DelayInfo {
        arm: arm_key(look, at),
        triggered: share(&arm.triggered, CARRIED_OUT),
        reached: share(&arm.reached, CARRIED_OUT),
        median: wait(arm.median.as_ref()),
        p90: wait(arm.p90.as_ref()),
    };
    Described {
        overlap: found.sets.iter().enumerate().map(set).collect(),
        in_more_sets: parts(&|arm| arm.beyond, USED),
        by_number: (0..numbers).map(number).collect(),
        consistency: arms().map(consistency).collect(),
        receipt: arms().map(receipt).collect(),
        delay: arms().map(delay).collect(),
        exposures: exposures(look, found, blocked),
    }
}

fn share(part: &Part, reason: &str) -> ShareInfo {
    let reason = match part.interval {
        Ok(_) => reason.to_owned(),
        Err(Undefined::NoPersons) => "there is nobody of whom it could be a share".to_owned(),
        Err(undefined) => undefined.to_string(),
    };
    ShareInfo {
        persons: part.persons,
        of: part.of,
        share: (part.of > 0).then(|| part.persons as f64 / part.of as f64),
        interval: part.interval.ok().map(IntervalInfo::from),
        causal: false,
        anytime: false,
        reason,
    }
}

fn wait(quantile: Result<&Quantile, &Undefined>) -> WaitInfo {
    let interval = quantile.copied().map_err(|undefined| *undefined).and_then(|quantile| quantile.interval);
    let reason = match interval {
        Ok(_) => WAITED.to_owned(),
        Err(Undefined::NoPersons) => "nobody was reached".to_owned(),
        Err(undefined) => undefined.to_string(),
    };
    WaitInfo {
        seconds: quantile.ok().map(|quantile| quantile.value),
        interval: interval.ok().map(IntervalInfo::from),
        causal: false,
        anytime: false,
        reason,
    }
}

fn exposures(look: &Look, found: &Channels, blocked: bool) -> ExposuresInfo {
    let (split, p_value, causal, reason) = match found.exposures {
        ExposureSplit::One => {
            ("one", None, false, "exposures are on one channel or say none: there are no channels to compare")
        }
        ExposureSplit::ByArm => (
            "by_arm",
            None,
            true,
            "each channel belongs to one arm, so channels were randomised with the arms: comparing the arms in the results compares \
             the channels",
        ),
        ExposureSplit::Alike(p) => (
            "alike",
            Some(p),
            true,
            "the arms share the channels in the same proportions as far as can be told: where the channel was settled before the arm \
             was drawn, arms can be compared within a channel, by the dimension channel; comparing one channel with another is a \
             description",
        ),
        ExposureSplit::Differs(p) => (
            "differs",
            Some(p),
            false,
            "the arms share channels in different proportions, so the channel is a consequence of the arm: persons exposed on one \
             channel are not alike between the arms",
        ),
        ExposureSplit::TooFew => (
            "too_few",
            None,
            false,
            "too few persons are exposed on some channel to say whether the arms are alike there",
        ),
    };
    let channels: BTreeSet<&Arc<str>> = found.arms.iter().flat_map(|arm| arm.exposed_on.keys()).collect();
    let exposed_on = |channel: &Arc<str>| ExposedOnInfo {
        channel: (!channel.is_empty()).then(|| channel.to_string()),
        arms: found
            .arms
            .iter()
            .enumerate()
            .map(|(at, arm)| ExposedInfo {
                arm: arm_key(look, at),
                persons: arm.exposed_on.get(channel).copied().unwrap_or(0),
            })
            .collect(),
    };
    ExposuresInfo {
        split,
        p_value,
        causal: causal && !blocked,
        anytime: false,
        reason: if causal && blocked { BLOCKED } else { reason },
        channels: channels.into_iter().map(exposed_on).collect(),
    }
}

/// The ways to split metrics by channel.
pub(super) fn splits(definition: &Definition, blocked: bool) -> Vec<ChannelSplitInfo> {
    let key = definition.experiment.key.as_str();
    let has = |by: &str| definition.experiment.dimensions.iter().any(|path| path.as_str() == by);
    let by = |by: &'static str, there: &'static str, missing: &'static str| {
        let available = has(by);
        let reason = match (available, blocked) {
            (true, true) => BLOCKED,
            (true, false) => there,
            (false, _) => missing,
        };
        let see = format!("/v1/experiments/{}/segments?by={by}", in_path(key));
        ChannelSplitInfo { by, causal: !blocked, available, reason, see }
    };
    vec![
        by(
            "before.channels",
            "the channels that a person used in the 28 days before the exposure were settled before the arm was drawn",
            "the channels that a person used in the 28 days before the exposure were settled before the arm was drawn: add \
             before.channels to the experiment's dimensions to split by them",
        ),
        by(
            "channel",
            "the last channel up to the first exposure is known at it; its composition is checked in the answer",
            "the last channel up to the first exposure is known at it: add channel to the experiment's dimensions to split by it",
        ),
        ChannelSplitInfo {
            by: "number of channels used",
            causal: false,
            available: true,
            reason: BY_NUMBER,
            see: "by_number of this answer".to_owned(),
        },
    ]
}

/// A key as part of a path.
fn in_path(key: &str) -> String {
    let mut out = String::new();
    for byte in key.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.extend(['%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    out
}

fn hex(half: u8) -> char {
    char::from_digit(half.into(), 16).map_or('0', |digit| digit.to_ascii_uppercase())
}
