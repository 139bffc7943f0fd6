//! What follows, in a sentence: the uncertainty, the verdict, and the next step.

use journey::Method;

use super::versus::{Inference, Versus};
use super::{ArmReport, Maturity, Question, Verdict};
use crate::inference::{Bounds, Gap, Tuning, Undefined, two_sided_width};

/// The standard normal quantile of 80 %: the power at which persons are planned.
const EIGHTY: f64 = 0.841_621_233_572_914_3;

/// What follows from the main reading of an arm in `metric` and `maturity`, for people. `None` for the baseline itself
/// and for a confidence that is none.
///
/// For instance: "Between +1.2 % and +7.4 % on orders (sequential, 95 %): better." or "Between -2 % and +5 % on orders
/// (sequential, 95 %): not decided. About 4100 more matured persons, 6 days, would settle +1.5 %." `persons_per_day`: how
/// many join the experiment in a day, all arms together, where it is known.
#[must_use]
pub fn sentence(
    question: &Question<'_>,
    metric: usize,
    maturity: Maturity,
    arm: &ArmReport,
    persons_per_day: Option<f64>,
) -> Option<String> {
    let versus = arm.main.versus.as_ref()?;
    if !(question.confidence > 0.0 && question.confidence < 1.0) {
        return None;
    }
    let metric = &question.definition.metrics[metric];
    let how = format!("({}, {} %)", versus.method.word(), shortest(100.0 * question.confidence));
    let range = match range(&versus.lift_bounds) {
        Some(range) => format!("{range} on {} {how}", metric.key.as_str()),
        None => match versus.difference.interval {
            Ok(ends) => format!(
                "A difference between {} and {} on {} {how}",
                signed(ends.low),
                signed(ends.high),
                metric.key.as_str()
            ),
            Err(reason) => format!("Nothing is certain about {} {how}: {reason}", metric.key.as_str()),
        },
    };
    let (verdict, reason) = versus.verdict;
    Some(match (verdict, reason) {
        (Verdict::Better, _) => format!("{range}: better."),
        (Verdict::Worse, _) => format!("{range}: worse."),
        (Verdict::NoData, _) => format!("{range}: no data yet."),
        (Verdict::Inconclusive, Some(reason)) => format!("{range}: no verdict, because {reason}."),
        (Verdict::Inconclusive, None) => match next_step(question, maturity, versus, persons_per_day) {
            Some(next) => format!("{range}: not decided. {next}"),
            None => format!("{range}: not decided."),
        },
    })
}

/// A lift's range in words.
fn range(bounds: &Bounds) -> Option<String> {
    match (bounds.low, bounds.high) {
        (Ok(low), Ok(high)) => Some(format!("Between {} and {}", percent(low), percent(high))),
        (Ok(low), Err(_)) => Some(format!("At least {}", percent(low))),
        (Err(_), Ok(high)) => Some(format!("At most {}", percent(high))),
        (Err(_), Err(_)) => None,
    }
}

fn percent(lift: f64) -> String {
    format!("{} %", signed(100.0 * lift))
}

/// A number with its sign, to two digits after the point where it is small, else to one or none.
fn signed(number: f64) -> String {
    let number = number.clamp(f64::MIN, f64::MAX);
    if number.abs() >= 1e9 {
        return format!("{number:+.1e}");
    }
    let digits = match number.abs() {
        size if size < 1.0 => 2,
        size if size < 10.0 => 1,
        _ => 0,
    };
    let text = format!("{number:+.digits$}");
    // No sign before a rounded zero.
    if text.trim_start_matches(['+', '-']).chars().all(|c| c == '0' || c == '.') { "0".into() } else { text }
}

fn shortest(number: f64) -> String {
    let text = format!("{number:.4}");
    text.trim_end_matches('0').trim_end_matches('.').to_owned()
}

/// How many more persons would settle a difference of the present size.
fn next_step(
    question: &Question<'_>,
    maturity: Maturity,
    versus: &Versus,
    persons_per_day: Option<f64>,
) -> Option<String> {
    let (Ok(gap), Ok(lift)) = (versus.judged_gap, versus.lift.value) else { return None };
    if !matches!(versus.inference, Inference::ConfidenceSequence | Inference::ExactConverters | Inference::FixedHorizon)
    {
        return None;
    }
    let word = if maturity == Maturity::Matured { "matured persons" } else { "persons" };
    let more = match persons_to_settle(question, &gap) {
        Ok(Some(more)) => more,
        Ok(None) => {
            return Some(format!(
                "An effect as small as {} would need more than a thousand times the persons.",
                percent(lift)
            ));
        }
        Err(_) => return None,
    };
    if more <= 0.0 {
        return None;
    }
    let count = rounded(more);
    Some(match persons_per_day.filter(|per_day| *per_day > 0.0) {
        Some(per_day) => {
            let days = (more / per_day).ceil().max(1.0);
            let unit = if days > 1.0 { "days" } else { "day" };
            format!("About {count} more {word}, {days} {unit}, would settle {}.", percent(lift))
        }
        None => format!("About {count} more {word} would settle {}.", percent(lift)),
    })
}

/// Persons beyond those of today, both arms together in their present proportion, at which an effect of the present size
/// is shown with a probability of 80 %: the smallest multiple f of today's persons with `|difference| >= (width(f t) +
/// z_80) SE / sqrt f`. `None`: more than a thousand times as many.
///
/// Under the method `sequential` the width is that of the corrected sequence at `f t`; else the two-sided quantile.
pub fn persons_to_settle(question: &Question<'_>, gap: &Gap) -> Result<Option<f64>, Undefined> {
    const MOST: f64 = 1000.0;
    let alpha = 1.0 - question.confidence;
    let tuning = Tuning::planned(question.planned_persons)?;
    let pooled = gap.pooled().difference_variance()?;
    let error = gap.difference_variance()?.max(pooled).sqrt();
    let time = gap.time();
    let level = crate::inference::Level::new(question.confidence)?;
    let settles = |factor: f64| {
        let width = match question.method {
            Method::Sequential => two_sided_width(factor * time, tuning.rho(), alpha),
            Method::Frequentist | Method::Bayesian => level.normal(),
        };
        gap.difference.abs() >= (width + EIGHTY) * error / factor.sqrt()
    };
    if !settles(MOST) {
        return Ok(None);
    }
    let (mut low, mut high) = (0.0f64, MOST.ln());
    if settles(1.0) {
        return Ok(Some(0.0));
    }
    // The half-width shrinks all the way, so bisection finds the one border.
    for _ in 0..40 {
        let middle = f64::midpoint(low, high);
        if settles(middle.exp()) { high = middle } else { low = middle }
    }
    Ok(Some(high.exp_m1() * (gap.persons as f64 + gap.control_persons as f64)))
}

/// A count as people say it: two leading digits, thousands apart.
fn rounded(count: f64) -> String {
    let size = 10f64.powf((count.max(1.0).log10().floor() - 1.0).max(0.0));
    let text = format!("{:.0}", (count / size).ceil() * size);
    let mut grouped = String::new();
    for (at, digit) in text.chars().enumerate() {
        if at > 0 && (text.len() - at).is_multiple_of(3) {
            grouped.push(' ');
        }
        grouped.push(digit);
    }
    grouped
}
