//! From the report of the money to the shapes that are answered.

use journey::Definition;
use metrics::report::{ArmRoi, Dose, DoseStep, Lines, Number, RoiReport, Sums, Wasted};

use super::build::{Telling, arm_result, comparison};
use super::roi::{
    BreakEvenHoldout, Claimed, CostLines, DoseInfo, DoseResponse, DoseStepInfo, Payback, RoiArm, RoiNumbers,
    WastedSegment,
};
use super::tell_segments::value_name;
use crate::wire::decimal::decimal;
use crate::wire::schema::NumberOf;

/// A number with what may be said of it.
pub(crate) fn claimed(number: &Number) -> Claimed {
    let reasons = [number.value.err(), number.bounds.low.err(), number.bounds.high.err()];
    Claimed {
        value: number.value.ok(),
        low: number.bounds.low.ok(),
        high: number.bounds.high.ok(),
        method: number.method,
        anytime: number.anytime.holds,
        anytime_reason: number.anytime.reason,
        causal: number.causal.holds,
        causal_reason: number.causal.reason,
        reason: reasons.into_iter().flatten().next().map(|reason| reason.to_string()),
    }
}

fn key(definition: &Definition, arm: usize) -> String {
    definition.experiment.arms[arm].key.as_str().to_owned()
}

/// What an arm has cost.
pub(crate) fn lines(definition: &Definition, arm: usize, persons: i64, lines: &Lines) -> CostLines {
    let text = |units: ethnum::I256| decimal(&units, 6);
    CostLines {
        arm: key(definition, arm),
        persons,
        exposures: lines.exposure_count.to_string(),
        fixed: text(lines.fixed),
        setup: text(lines.setup),
        running: text(lines.running),
        labour: text(lines.labour),
        per_person: text(lines.persons),
        per_exposure: text(lines.exposures),
        events: text(lines.events),
        total: text(lines.total()),
    }
}

/// The money of an arm.
pub(crate) fn arm(definition: &Definition, report: &RoiReport, arm: &ArmRoi, telling: Telling<'_>) -> RoiArm {
    let net = &report.net;
    RoiArm {
        arm: key(definition, arm.arm),
        alert: arm.alert.clone(),
        net: arm_result(definition, net.metric, net.maturity, &net.arms[arm.arm], telling),
        main: numbers(&arm.main),
        live: arm.live.as_ref().map(numbers),
    }
}

fn numbers(sums: &Sums) -> RoiNumbers {
    RoiNumbers {
        persons: sums.persons,
        pays: sums.pays.0.word(),
        pays_reason: sums.pays.1,
        pays_after_lump_costs: sums.pays_after_lump.0.word(),
        pays_after_lump_costs_reason: sums.pays_after_lump.1,
        incremental_conversions: sums.conversions.as_ref().map(claimed),
        incremental_value_per_person: claimed(&sums.value_per_person),
        incremental_value: claimed(&sums.value),
        incremental_cost_per_person: claimed(&sums.cost_per_person),
        incremental_cost: claimed(&sums.cost),
        lump_costs: sums.lump,
        net_value: claimed(&sums.net),
        net_value_after_lump_costs: claimed(&sums.net_after_lump),
        roi: claimed(&sums.roi),
        cost_per_incremental_conversion: sums.cost_per_conversion.as_ref().map(claimed),
        payback: Payback { persons: claimed(&sums.payback_persons), days: claimed(&sums.payback_days) },
        break_even_holdout: BreakEvenHoldout {
            persons: claimed(&sums.holdout_persons),
            share: claimed(&sums.holdout_share),
            foregone: claimed(&sums.foregone),
        },
    }
}

/// The response to the dose.
pub(crate) fn dose(definition: &Definition, found: &Result<Dose, &'static str>, telling: Telling<'_>) -> DoseResponse {
    match found {
        Err(reason) => DoseResponse { steps: Vec::new(), left_out: Vec::new(), reason: Some((*reason).to_owned()) },
        Ok(dose) => DoseResponse {
            steps: dose.steps.iter().map(|step| dose_step(definition, step, telling)).collect(),
            left_out: dose.left_out.iter().map(|arm| key(definition, *arm)).collect(),
            reason: None,
        },
    }
}

fn dose_step(definition: &Definition, step: &DoseStep, telling: Telling<'_>) -> DoseStepInfo {
    let of = |(intensity, arms): &(journey::Amount, Vec<usize>)| DoseInfo {
        intensity: NumberOf(*intensity),
        arms: arms.iter().map(|arm| key(definition, *arm)).collect(),
    };
    DoseStepInfo {
        from: of(&step.from),
        to: of(&step.to),
        versus_lower: comparison(&step.versus, telling),
        pays: step.pays.0.word(),
        pays_reason: step.pays.1,
    }
}

/// A segment in which money is lost.
pub(crate) fn wasted(definition: &Definition, found: &Wasted) -> WastedSegment {
    WastedSegment {
        value: value_name(found.value.as_deref()),
        is_rest: found.value.is_none(),
        arm: key(definition, found.arm),
        persons: found.persons,
        spent: found.spent,
        net_value: claimed(&found.net),
        p_value_adjusted: found.p_value_adjusted,
    }
}
