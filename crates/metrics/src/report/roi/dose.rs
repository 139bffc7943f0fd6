//! Does more of it bring more? Net value from each dose of personalisation to the next.

use std::sync::Arc;

use journey::{Amount, Role};

use super::super::family;
use super::super::gate::contributing_share;
use super::super::judge::{Judge, Side};
use super::super::kpi::{Setting, estimate, of_arms};
use super::super::verdict;
use super::super::versus::{Family, Versus};
use super::{Maturity, Pays, Question};
use crate::moments::Moments;
use crate::reading::Reading;

/// The response to the dose.
#[derive(Debug, Clone, PartialEq)]
pub struct Dose {
    /// From each dose to the next higher one.
    pub steps: Vec<DoseStep>,
    /// Arms without an intensity, which are left out.
    pub left_out: Vec<usize>,
}

/// From one dose to the next.
#[derive(Debug, Clone, PartialEq)]
pub struct DoseStep {
    /// The lower dose and the arms that have it.
    pub from: (Amount, Vec<usize>),
    /// The higher one.
    pub to: (Amount, Vec<usize>),
    /// Net value per person at the higher dose against the lower one; p-values after Holm over the steps.
    pub versus: Versus,
    /// What follows, with the reason where nothing does.
    pub pays: (Pays, Option<&'static str>),
}

const TOO_FEW: &str = "fewer than two doses: give arms an \"intensity\" (control without one counts as 0)";

/// Contrasts of neighbouring doses; arms of one dose are taken together. Control without an intensity has dose 0.
pub(super) fn response(
    question: &Question<'_>,
    setting: &Setting,
    reading: &Reading,
    metric: usize,
    maturity: Maturity,
) -> Result<Dose, &'static str> {
    let experiment = &question.definition.experiment;
    let zero = Amount::from_units(0);
    let of_arm = |arm: usize| {
        let given = experiment.arms[arm].intensity;
        if arm == experiment.control { given.or(zero) } else { given }
    };
    let mut doses: Vec<(Amount, Vec<usize>)> = Vec::new();
    let mut left_out = Vec::new();
    for arm in 0..experiment.arms.len() {
        let Some(dose) = of_arm(arm) else {
            left_out.push(arm);
            continue;
        };
        match doses.iter_mut().find(|(known, _)| *known == dose) {
            Some((_, arms)) => arms.push(arm),
            None => doses.push((dose, vec![arm])),
        }
    }
    if doses.len() < 2 {
        return Err(TOO_FEW);
    }
    doses.sort_by_key(|(dose, _)| *dose);
    let sums = of_arms(reading, metric, maturity);
    let whole: Vec<Moments> =
        doses.iter().map(|(_, arms)| together(&arms.iter().map(|arm| sums[*arm]).collect::<Vec<_>>())).collect();
    let measured = &question.definition.metrics[metric];
    let kind = &measured.kind;
    let side = |at: usize| Side {
        // Of several arms of one dose the first stands for all where phases are told apart.
        arm: doses[at].1[0],
        sums: &whole[at],
        estimate: estimate(kind, &whole[at], question.confidence),
        weight: doses[at].1.iter().map(|arm| experiment.arms[*arm].weight.units() as f64).sum(),
    };
    let used = &experiment.metrics[metric];
    let windowed = question.definition.window_days(metric).is_some();
    let moving = maturity == Maturity::Live && windowed;
    let mut found: Vec<Versus> = (1..doses.len())
        .map(|at| {
            let (lower, upper) = (side(at - 1), side(at));
            let judge = Judge {
                question,
                kind,
                metric,
                goal: measured.goal,
                silence: verdict::silence(measured),
                maturity,
                max_harm: None,
                cuped: question.cuped.unwrap_or(used.cuped && used.role != Role::Guardrail),
                share: contributing_share(kind, &[lower.sums, upper.sums]),
                level: setting.level,
                tuning: setting.tuning,
            };
            judge.versus(&lower, &upper)
        })
        .collect();
    if question.method != journey::Method::Bayesian {
        family::adjust_family(question, setting, Family::Doses, &mut found.iter_mut().collect::<Vec<_>>());
    }
    let steps = found.into_iter().zip(doses.windows(2)).map(|(mut versus, pair)| {
        versus.verdict = verdict::verdict(&versus, measured, question, moving);
        DoseStep { from: pair[0].clone(), to: pair[1].clone(), pays: Pays::of(&versus), versus }
    });
    Ok(Dose { steps: steps.collect(), left_out })
}

/// The sums of several arms, as of one.
fn together(arms: &[&Moments]) -> Moments {
    let mut whole = Moments { without_cubes: true, ..Moments::default() };
    for arm in arms {
        whole.n = whole.n.saturating_add(arm.n);
        let sums = [
            (&mut whole.y, arm.y),
            (&mut whole.yy, arm.yy),
            (&mut whole.x, arm.x),
            (&mut whole.xx, arm.xx),
            (&mut whole.xy, arm.xy),
        ];
        for (sum, part) in sums {
            *sum = sum.wrapping_add(part);
        }
        if let Some(flows) = &arm.net {
            Arc::make_mut(whole.net.get_or_insert_default()).add(flows);
        }
    }
    whole
}
