//! Which of many comparisons still stand? Adjusted p-values of the main readings, with the intervals that go with them.

use journey::{Method, Role};

use super::kpi::Setting;
use super::versus::{Adjusted, Correction, Family, Inference, Versus};
use super::{Adjust, MetricReport, Question};
use crate::inference::{
    Bounds, Level, Undefined, benjamini_hochberg, bonferroni_confidence, calibrated_log_e_value, converters_within,
    e_benjamini_hochberg, exact_converters, false_coverage_confidence, holm, sequential,
};

/// Adjusts the p-values of the main readings within their families: what was planned to be compared, not what happens to
/// have a p-value today.
pub(super) fn adjust(question: &Question<'_>, setting: &Setting, reports: &mut [MetricReport]) {
    if question.method == Method::Bayesian {
        return;
    }
    for family in [Family::Primary, Family::Others] {
        let of_family = |report: &MetricReport| {
            let role = question.definition.experiment.metrics[report.metric].role;
            (role == Role::Primary) == (family == Family::Primary)
        };
        let mut members: Vec<&mut Versus> = reports
            .iter_mut()
            .filter(|report| of_family(report))
            .flat_map(|report| report.arms.iter_mut().filter_map(|arm| arm.main.versus.as_mut()))
            .collect();
        adjust_family(question, setting, family, &mut members);
    }
}

fn correction(adjust: Adjust, family: Family) -> Correction {
    match (adjust, family) {
        (Adjust::None, _) => Correction::None,
        (Adjust::Holm, _) | (Adjust::ByRole, Family::Primary | Family::Values | Family::Doses) => Correction::Holm,
        (Adjust::BenjaminiHochberg, _) | (Adjust::ByRole, Family::Others) => Correction::BenjaminiHochberg,
        (Adjust::EBenjaminiHochberg, _) => Correction::EBenjaminiHochberg,
    }
}

/// Adjusts the p-values of one family, and gives it the intervals that go with them.
pub(super) fn adjust_family(question: &Question<'_>, setting: &Setting, family: Family, members: &mut [&mut Versus]) {
    let correction = correction(question.adjust, family);
    // What decides nothing, because it holds for one reading only, takes nothing from what does: but it stays a member, so
    // that the family is what was planned.
    let stands = |versus: &Versus| question.method != Method::Sequential || versus.inference != Inference::Quantiles;
    let p_values: Vec<Option<f64>> =
        members.iter().map(|versus| versus.p_value.ok().filter(|_| stands(versus))).collect();
    let adjusted = match correction {
        Correction::None => p_values,
        Correction::Holm => holm(&p_values),
        Correction::BenjaminiHochberg => benjamini_hochberg(&p_values),
        Correction::EBenjaminiHochberg => {
            let e_value =
                |versus: &Versus| versus.log_e_value.or_else(|_| versus.p_value.map(calibrated_log_e_value)).ok();
            e_benjamini_hochberg(&members.iter().map(|versus| e_value(versus)).collect::<Vec<_>>())
        }
    };
    let (size, confidence) = (members.len(), question.confidence);
    let selected = adjusted.iter().flatten().filter(|p| **p < 1.0 - confidence).count();
    let confidence = match correction {
        Correction::None => confidence,
        Correction::Holm => bonferroni_confidence(confidence, size),
        Correction::BenjaminiHochberg | Correction::EBenjaminiHochberg => {
            false_coverage_confidence(confidence, selected, size)
        }
    };
    let same = confidence.to_bits() == question.confidence.to_bits();
    let level = Level::new(confidence);
    for (versus, adjusted) in members.iter_mut().zip(adjusted) {
        if !stands(versus) {
            versus.p_value_adjusted = versus.p_value;
            continue;
        }
        versus.p_value_adjusted = versus.p_value.and_then(|_| adjusted.ok_or(Undefined::NoVariance));
        let (difference, lift) =
            if same { (versus.difference.interval.into(), versus.lift_bounds) } else { at(versus, setting, level) };
        versus.adjusted = Some(Adjusted { family, size, correction, confidence, difference, lift });
    }
}

/// The intervals of a comparison at another confidence: of the difference and of the lift.
fn at(versus: &Versus, setting: &Setting, level: Result<Level, Undefined>) -> (Bounds, Bounds) {
    let none = |reason| (Bounds::none(reason), Bounds::none(reason));
    let level = match level {
        Ok(level) => level,
        Err(reason) => return none(reason),
    };
    let around = |centre: Result<f64, Undefined>, half: Result<f64, Undefined>| {
        let (low, high) = (centre.and_then(|at| Ok(at - half?)), centre.and_then(|at| Ok(at + half?)));
        let finite = |end: Result<f64, Undefined>| {
            end.and_then(|end| if end.is_finite() { Ok(end) } else { Err(Undefined::OutOfRange) })
        };
        Bounds { low: finite(low), high: finite(high) }
    };
    match versus.inference {
        Inference::FixedHorizon | Inference::Quantiles => {
            let quantile = versus.test.and_then(|test| level.student(test.degrees_of_freedom));
            let half = |error: Result<f64, Undefined>| quantile.and_then(|quantile| Ok(quantile * error?));
            (
                around(versus.difference.value, half(versus.test.map(|test| test.standard_error))),
                around(versus.lift.value, half(versus.lift_standard_error)),
            )
        }
        Inference::ConfidenceSequence => {
            let judged = versus.judged_gap.and_then(|gap| sequential(&gap, &setting.tuning?, level.confidence()));
            match judged {
                Ok(judged) => (judged.test.map(|test| test.interval).into(), judged.lift_bounds()),
                Err(reason) => none(reason),
            }
        }
        Inference::ExactConverters => match versus.converters {
            Some(_) if !versus.converters_within.is_empty() => {
                let wider = converters_within(&versus.converters_within, level.confidence());
                (Bounds::none(Undefined::BoundsLiftOnly), wider.map_or_else(Bounds::none, |exact| exact.lift))
            }
            Some(exact) => {
                let weights = [1.0 - exact.share, exact.share];
                let wider = exact_converters(exact.control, exact.treatment, weights, level.confidence());
                (Bounds::none(Undefined::BoundsLiftOnly), wider.map_or_else(Bounds::none, |exact| exact.lift))
            }
            None => none(Undefined::NoConverters),
        },
        Inference::NormalPosterior | Inference::ExactRates | Inference::Nothing => {
            (versus.difference.interval.into(), versus.lift_bounds)
        }
    }
}
