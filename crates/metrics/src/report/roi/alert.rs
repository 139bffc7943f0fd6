//! Is the lift up while money is lost? The sentence that makes it plain.

use super::{Number, Pays, Sums};
use crate::report::{MetricReport, Question, Verdict};

/// The warning of an arm whose value or conversions rise while its net value falls, or its lump costs are not earned.
pub(super) fn alert(
    question: &Question<'_>,
    arm: usize,
    sums: &Sums,
    net: &MetricReport,
    conversions: Option<&MetricReport>,
) -> Option<String> {
    let definition = question.definition;
    let key = |metric: usize| definition.metrics[metric].key.as_str().to_owned();
    let better = |report: &&MetricReport| {
        let versus = report.arms[arm].main.versus.as_ref();
        versus.is_some_and(|versus| versus.verdict.0 == Verdict::Better)
    };
    let converts = conversions.filter(better).map(|report| format!("{} rises", key(report.metric)));
    let is_more = |number: &Number| number.causal.holds && number.bounds.low.is_ok_and(|low| low > 0.0);
    let earns = is_more(&sums.value_per_person).then(|| "value per person rises".to_owned());
    let up = converts.or(earns)?;
    let arm = definition.experiment.arms[arm].key.as_str();
    let lost = |number: &Number| match (number.bounds.low, number.bounds.high) {
        (Ok(low), Ok(high)) => format!("between {low:+.2} and {high:+.2}"),
        _ => "below 0".to_owned(),
    };
    match (sums.pays.0, sums.pays_after_lump.0) {
        (Pays::DoesNotPay, _) => Some(format!(
            "Lift up, money lost: with {arm} {up}, but net value ({}, margin x value - cost) falls, by all persons of the arm \
             together {}.",
            key(net.metric),
            lost(&sums.net)
        )),
        (_, Pays::DoesNotPay) => Some(format!(
            "Lift up, money lost so far: with {arm} {up}, but its lump costs are not earned: {} after them.",
            lost(&sums.net_after_lump)
        )),
        _ => None,
    }
}
