//! How items are told.

use metrics::inference::{ShrunkenRate, Undefined};
use metrics::report::{
    ArmItems, Drawn, Item, ItemSums, Question, SegmentsReport, Shrunken, Value, VersusArm, WouldHave,
};

use super::build::{self, Telling};
use super::items::{
    AcceptanceInfo, ArmItemsInfo, DrawnInfo, Expected, ItemInfo, ItemSpread, OtherItems, VersusArmInfo, WouldHaveInfo,
    WouldHaveItem,
};
use super::metric::{ArmResult, Estimated, IntervalInfo, Reasons};
use crate::wire::decimal::decimal;

const SPREAD: &str = "rates: a beta distribution over the items, the one under which their conversions are most likely (empirical \
                      Bayes); values: a normal distribution over the items, its variance after Paule and Mandel, with one variance of \
                      persons for all items; intervals are those of one reading";
const ACCEPTANCE: &str = "who comes back to an item might have come to it without being shown it: a description, with the interval of one \
                          reading";
const DRAWN_APART: &str = "items were drawn at random within the arm: `drawn` is the effect of the item; this line describes those who were \
                           shown it";

/// The items of an arm.
pub(crate) fn arm_items(key: String, arm: &ArmItems) -> ArmItemsInfo {
    let mut reasons = Reasons::new();
    let rate = or_reason(arm.spread, "rate", &mut reasons);
    if rate.is_some_and(|spread| spread.persons.is_none()) {
        reasons.insert(
            "rate_persons",
            "rates differ no more than chance makes them: every item is expected to have the same".to_owned(),
        );
    }
    ArmItemsInfo {
        arm: key,
        persons: arm.persons,
        shown: arm.shown.persons,
        conversions: arm.shown.converted,
        value_sum: decimal(&arm.shown.y, 6),
        foreign: arm.shown.foreign,
        causal: arm.drawn.holds,
        reason: arm.drawn.reason,
        spread: ItemSpread {
            rate: rate.map(|spread| spread.mean),
            rate_persons: rate.and_then(|spread| spread.persons),
            value_standard_deviation: or_reason(arm.value_spread, "value_standard_deviation", &mut reasons),
            method: SPREAD,
            reasons,
        },
        items: arm.items.iter().map(|item| of_item(item, arm)).collect(),
        other: arm.other.as_ref().map(|(items, sums)| other(*items, sums)),
    }
}

fn other(items: usize, sums: &ItemSums) -> OtherItems {
    OtherItems { items, persons: sums.persons, conversions: sums.converted, value_sum: decimal(&sums.y, 6) }
}

fn of_item(item: &Item, arm: &ArmItems) -> ItemInfo {
    let mut reasons = Reasons::new();
    let share = |part: i64, of: i64| (of > 0).then(|| part as f64 / of as f64);
    let expected_rate =
        item.expected_rate.map(|ShrunkenRate { value, interval, kept }| Shrunken { value, interval, kept });
    ItemInfo {
        item: item.item.to_string(),
        persons: item.sums.persons,
        conversions: item.sums.converted,
        rate: estimated(item.rate, ["rate", "rate.interval"], &mut reasons),
        expected_rate: expected(expected_rate, "expected_rate", &mut reasons),
        value: estimated(item.value, ["value", "value.interval"], &mut reasons),
        expected_value: expected(item.expected_value, "expected_value", &mut reasons),
        causal: false,
        anytime: false,
        reason: match &item.drawn {
            Ok(_) => DRAWN_APART,
            Err(claim) => claim.reason,
        },
        drawn: item.drawn.as_ref().ok().map(|drawn| of_drawn(drawn, arm)),
        acceptance: AcceptanceInfo {
            shown: item.acceptance.shown,
            accepted: item.acceptance.accepted,
            share: share(item.acceptance.accepted, item.acceptance.shown),
            interval: item.acceptance.interval.ok().map(IntervalInfo::from),
            causal: false,
            anytime: false,
            reason: ACCEPTANCE,
        },
        reasons,
    }
}

fn of_drawn(drawn: &Drawn, arm: &ArmItems) -> DrawnInfo {
    let mut reasons = Reasons::new();
    DrawnInfo {
        effective_persons: drawn.effective_persons,
        rate: estimated(drawn.rate, ["rate", "rate.interval"], &mut reasons),
        value: estimated(drawn.value, ["value", "value.interval"], &mut reasons),
        rate_versus_arm: versus(&drawn.rate_versus_arm, arm),
        value_versus_arm: versus(&drawn.value_versus_arm, arm),
        reasons,
    }
}

fn versus(versus: &VersusArm, arm: &ArmItems) -> VersusArmInfo {
    let mut reasons = Reasons::new();
    VersusArmInfo {
        difference: estimated(versus.difference, ["difference", "difference.interval"], &mut reasons),
        p_value: or_reason(versus.p_value, "p_value", &mut reasons),
        p_value_adjusted: or_reason(versus.p_value_adjusted, "p_value_adjusted", &mut reasons),
        anytime: versus.anytime.holds,
        anytime_reason: versus.anytime.reason,
        causal: arm.drawn.holds,
        verdict: versus.verdict.0.word(),
        reason: versus.verdict.1,
        reasons,
    }
}

/// Items against what would have been shown.
pub(crate) fn would_have(found: &Result<WouldHave, &'static str>, telling: Telling<'_>) -> WouldHaveInfo {
    let found = match found {
        Ok(found) => found,
        Err(reason) => return WouldHaveInfo { causal: false, reason, items: Vec::new(), beyond: 0 },
    };
    let definition = &found.definition;
    let telling = Telling { question: Question { definition, ..telling.question }, ..telling };
    let arms = |report: &SegmentsReport, at: usize| -> Vec<ArmResult> {
        let arms = report.values[at].arms.iter();
        arms.map(|arm| build::arm_result(definition, report.metric, report.maturity, arm, telling)).collect()
    };
    let item = |at: usize| WouldHaveItem {
        item: found.conversions.values[at].value.as_deref().unwrap_or_default().to_owned(),
        persons: found.conversions.values[at].persons,
        conversions: arms(&found.conversions, at),
        values: arms(&found.values, at),
    };
    let claim = found.conversions.arms.first().map(|arm| arm.causal);
    WouldHaveInfo {
        causal: claim.is_some_and(|claim| claim.holds),
        reason: claim.map_or("there is no other arm to compare with", |claim| claim.reason),
        items: (0..found.conversions.values.len()).map(item).collect(),
        beyond: found.beyond,
    }
}

/// The number, or null and the reason under its name.
fn or_reason<T>(number: Result<T, Undefined>, name: &'static str, reasons: &mut Reasons) -> Option<T> {
    number.map_err(|reason| reasons.insert(name, reason.to_string())).ok()
}

fn estimated(value: Value, [name, interval]: [&'static str; 2], reasons: &mut Reasons) -> Estimated {
    let ends = or_reason(value.interval, interval, reasons);
    Estimated {
        value: or_reason(value.value, name, reasons),
        low: ends.map(|ends| ends.low),
        high: ends.map(|ends| ends.high),
    }
}

fn expected(found: Result<Shrunken, Undefined>, name: &'static str, reasons: &mut Reasons) -> Expected {
    let found = or_reason(found, name, reasons);
    Expected {
        value: found.map(|found| found.value),
        low: found.map(|found| found.interval.low),
        high: found.map(|found| found.interval.high),
        kept: found.map(|found| found.kept),
    }
}
