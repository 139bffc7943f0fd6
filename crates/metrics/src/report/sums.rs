//! What do sums amount to that somebody brings along? The report of an experiment with one metric and no days.

use super::{MetricReport, Question, checks, report};
use crate::moments::Moments;
use crate::reading::{ArmReading, Reading};

const UNWEIGHTED: &str = "no weights were sent: the arms' sizes stand in for them, so that whether the sizes fit the weights was \
                          not checked";
const UNFIT: &str = "the arms' sizes do not fit their weights (sample ratio, anytime-valid p below 0.001): persons were lost or \
                     added in some arm, so there is no verdict";
const UNLIKE: &str = "the arms already differed before the exposure by more than chance explains (covariates, anytime-valid p \
                      below 0.001), so there is no verdict";
const WITHOUT_CUBES: &str =
    "no sums of cubes were sent, so whether the values are too skewed for this number of persons is not known";

/// Reports the one metric of `question.definition` from the sums of its arms, in their order, by the same way as
/// [`report()`]; the metric must have a window, its own or the experiment's.
///
/// Read as matured, the sums are those of persons of whom nothing more is awaited; read live, they still grow, and give no
/// verdict. `weighted`: the weights of the arms are those of the assignment, and their fit to the arms' sizes is checked as
/// an experiment's is; so is the balance of the covariates. A check that fails withholds the verdict.
#[must_use]
pub fn report_sums(question: &Question<'_>, arms: &[Moments], weighted: bool) -> Option<MetricReport> {
    let read = |sums: &Moments| ArmReading {
        persons: sums.n,
        matured_persons: sums.n,
        live: vec![sums.clone()],
        matured: vec![Some(sums.clone())],
        ..ArmReading::default()
    };
    let reading = Reading { arms: arms.iter().map(read).collect(), outside: 0, unknown_arm: 0 };
    let mut notes = Vec::new();
    if !weighted {
        notes.push(UNWEIGHTED);
    }
    let mut blocked = question.blocked;
    for check in checks(question.definition, &reading, 0).iter().filter(|check| check.blocking && !check.ok) {
        match check.check {
            "sample_ratio" if weighted => notes.push(UNFIT),
            "covariate_balance" => notes.push(UNLIKE),
            _ => continue,
        }
        blocked = true;
    }
    if arms.iter().any(|sums| sums.without_cubes) {
        notes.push(WITHOUT_CUBES);
    }
    let mut report = report(&Question { blocked, weighted: question.weighted && weighted, ..*question }, &reading)
        .into_iter()
        .next()?;
    report.notes.extend(notes);
    // There is one reading: what was brought.
    report.arms.iter_mut().for_each(|arm| arm.live = None);
    Some(report)
}
