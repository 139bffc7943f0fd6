//! Checks: whether the data can be trusted.

use journey::{Definition, UNIT};

use super::balance::{check_covariates, check_crossover_balance};
use super::course::Course;
use super::gate::check_normal_theory;
use super::novelty::check_novelty;
use super::strata::Strata;
use super::trigger::check_trigger;
use crate::inference::{Undefined, sample_ratio, sequential_sample_ratio};
use crate::reading::Reading;

/// The p-value below which the sample ratio blocks, at any moment.
pub const SAMPLE_RATIO_ALARM: f64 = 0.001;
/// The same for the balance of crossovers.
pub const CROSSOVERS_ALARM: f64 = 0.001;
/// The same for the balance of covariates, all of them together. The three blocking checks raise a false alarm in at most
/// 0.3 % of experiments; the rest of the 0.5 % that blocking checks may spend is left to the sample ratios of dimension
/// values.
pub const COVARIATES_ALARM: f64 = 0.001;

/// One check with its number and a sentence that says what to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Check {
    /// The name of the check.
    pub check: &'static str,
    /// Whether it passed.
    pub ok: bool,
    /// Whether its failure withholds verdicts.
    pub blocking: bool,
    /// Whether it may be read at any time: its p-value stays valid however often it is read, or it counts what is there.
    pub anytime: Option<bool>,
    /// Whether it has a p-value, once there is enough data for one.
    pub is_test: bool,
    /// Its p-value; the reason where it should have one and does not stands in the message.
    pub p_value: Option<f64>,
    /// The p-value of the chi-square test of one reading, beside the sample ratio's own; not valid at any time.
    pub p_value_chi_square: Option<f64>,
    /// The number beyond which it fails: of the p-value (below) or of the share (above).
    pub threshold: Option<f64>,
    /// Persons concerned.
    pub persons: Option<i64>,
    /// Persons concerned as a share of all exposed, or the share that the check is about.
    pub share: Option<f64>,
    /// Events or ids concerned.
    pub count: Option<i64>,
    /// What is compared with the threshold, where it is no p-value, share or count.
    pub number: Option<f64>,
    /// The dimension that the check is about; its failure withholds what is told by that dimension, and nothing else.
    pub dimension: Option<String>,
    /// What was found, and what to do.
    pub message: String,
}

impl Check {
    /// A check without any number.
    pub(super) fn new(check: &'static str, ok: bool, message: String) -> Self {
        Self {
            check,
            ok,
            blocking: false,
            anytime: Some(true),
            is_test: false,
            p_value: None,
            p_value_chi_square: None,
            threshold: None,
            persons: None,
            share: None,
            count: None,
            number: None,
            dimension: None,
            message,
        }
    }

    /// A blocking check by an anytime-valid p-value.
    pub(super) fn by_p_value(
        check: &'static str,
        p_value: Result<f64, Undefined>,
        threshold: f64,
        fine: &str,
        alarm: impl FnOnce(f64) -> String,
    ) -> Self {
        let ok = p_value.is_ok_and(|p| p >= threshold) || p_value.is_err();
        let message = match p_value {
            Ok(p) if p < threshold => alarm(p),
            Ok(_) => fine.to_owned(),
            // Nothing contradicts what was planned.
            Err(reason) => reason.to_string(),
        };
        Self {
            blocking: true,
            is_test: true,
            p_value: p_value.ok(),
            threshold: Some(threshold),
            ..Self::new(check, ok, message)
        }
    }

    /// `found` says it of one and of several.
    fn counted(check: &'static str, count: i64, [one, several]: [&str; 2], remedy: &str) -> Self {
        let message = match count {
            0 => format!("no {several}"),
            1 => format!("1 {one}: {remedy}"),
            _ => format!("{count} {several}: {remedy}"),
        };
        Self { count: Some(count), threshold: Some(0.0), ..Self::new(check, count == 0, message) }
    }
}

/// What is known of how a tenant's events arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Arrivals {
    /// Event ids under which different bodies were sent.
    pub conflicting_ids: i64,
    /// Events that happened while the experiment ran and arrived more than [`LATE_HOURS`] later.
    pub late: i64,
    /// Events of these days that were dated more than [`AHEAD_MINUTES`] after they arrived.
    pub ahead: i64,
}

/// An event that arrives more hours than this after it happened is late.
pub const LATE_HOURS: i64 = 24;
/// An event that is dated more minutes than this after its arrival comes from a clock that is wrong.
pub const AHEAD_MINUTES: i64 = 5;
/// So many late events for each person exposed are told without a warning.
const FEW_LATE: f64 = 0.01;

/// The checks of an experiment as it stands, see [`checks_over`]: of the days before nothing is known.
#[must_use]
pub fn checks(definition: &Definition, reading: &Reading, conflicting_ids: i64) -> Vec<Check> {
    checks_over(definition, reading, &Course::now(reading), Arrivals { conflicting_ids, ..Arrivals::default() })
}

/// The checks of an experiment over its course. `reading` keeps crossovers in their first arm.
///
/// Blocking, all three valid at any time: the sample ratio, the balance of crossovers and the balance of covariates. The
/// others warn.
#[must_use]
pub fn checks_over(definition: &Definition, reading: &Reading, course: &Course, arrivals: Arrivals) -> Vec<Check> {
    checks_within(definition, reading, course, arrivals, None)
}

/// The same where the weights changed: what looks at the arms' shares looks at them within `strata`, which keep crossovers in their
/// first arm too.
#[must_use]
pub fn checks_within(
    definition: &Definition,
    reading: &Reading,
    course: &Course,
    arrivals: Arrivals,
    strata: Option<&Strata>,
) -> Vec<Check> {
    let left_out = total(reading.arms.iter().flat_map(|arm| &arm.live).map(|moments| moments.left_out));
    let foreign = total(reading.arms.iter().map(|arm| arm.foreign));
    let sizes = match strata {
        Some(strata) => strata.check_sizes("sample_ratio", SAMPLE_RATIO_ALARM),
        None => check_sample_ratio(definition, reading, course),
    };
    let trigger = check_trigger(definition, reading, strata, &sizes);
    vec![
        sizes,
        check_crossover_balance(definition, course, strata),
        check_covariates(definition, reading, strata),
        check_crossovers(reading),
        check_outliers(definition, reading),
        Check::counted(
            "exposures_outside_dates",
            reading.outside,
            ["exposure lies outside the experiment's dates", "exposures lie outside the experiment's dates"],
            "it counts for no arm; compare starts_at and ends_at with when the arms were shown",
        ),
        Check::counted(
            "unknown_arms",
            reading.unknown_arm,
            [
                "exposure names an arm that the experiment does not have",
                "exposures name an arm that the experiment does not have",
            ],
            "it counts for no arm; add the arm, or correct the variation_id that is sent",
        ),
        Check::counted(
            "foreign_currency",
            foreign,
            ["event in another currency than the tenant's", "events in another currency than the tenant's"],
            "money metrics leave it out; convert the values before sending them",
        ),
        Check::counted(
            "values_out_of_range",
            left_out,
            ["person's value lies beyond 1e12", "persons' values lie beyond 1e12"],
            "the metric leaves such persons out; look for values in the wrong unit",
        ),
        Check::counted(
            "conflicting_ids",
            arrivals.conflicting_ids,
            [
                "event id of this tenant was sent with different bodies",
                "event ids of this tenant were sent with different bodies",
            ],
            "the first committed body counts; give each event an id of its own",
        ),
        check_late(reading, arrivals),
        Check::counted(
            "clock_ahead",
            arrivals.ahead,
            [
                "event of this tenant was dated more than 5 minutes after it arrived",
                "events of this tenant were dated more than 5 minutes after they arrived",
            ],
            "what happens before an exposure and what after it may be mixed up; correct the sender's clock or time zone, or leave \
             occurred_at out",
        ),
        check_novelty(definition, &course.drifts),
        check_normal_theory(definition, reading),
        trigger,
    ]
}

/// Whether much arrives late. The days that are closed change then after they were shown.
fn check_late(reading: &Reading, arrivals: Arrivals) -> Check {
    let exposed = total(reading.arms.iter().map(|arm| arm.persons));
    let share = if exposed > 0 { arrivals.late as f64 / exposed as f64 } else { 0.0 };
    let ok = share <= FEW_LATE;
    let message = if arrivals.late == 0 {
        "no event arrived more than 24 hours late since the experiment was defined".to_owned()
    } else {
        let remedy = if ok {
            "they are few"
        } else {
            "results of days that were closed have changed since; look for queues that hold events back, devices that were offline \
             and nightly uploads, and decide on windows that closed before the longest delay (as_of)"
        };
        format!(
            "{} events of this tenant that happened since the experiment was defined and its first person exposed arrived more \
             than 24 hours late, {:.3} for each person exposed: {remedy}",
            arrivals.late, share
        )
    };
    Check {
        count: Some(arrivals.late),
        share: Some(share),
        threshold: Some(FEW_LATE),
        ..Check::new("late_data", ok, message)
    }
}

/// A sum of counts that no sums, however wrong, can make overflow.
fn total(counts: impl Iterator<Item = i64>) -> i64 {
    counts.fold(0, i64::saturating_add)
}

/// The weights of the arms, in units of one.
pub(super) fn weights(definition: &Definition) -> Vec<f64> {
    definition.experiment.arms.iter().map(|arm| arm.weight.units() as f64 / UNIT as f64).collect()
}

fn check_sample_ratio(definition: &Definition, reading: &Reading, course: &Course) -> Check {
    let observed: Vec<u64> = reading.arms.iter().map(|arm| u64::try_from(arm.persons).unwrap_or(0)).collect();
    let weights = weights(definition);
    let now = std::iter::once(observed.as_slice());
    let p_value = if observed.iter().all(|persons| *persons == 0) {
        Err(Undefined::NoPersons)
    } else {
        sequential_sample_ratio(course.persons.iter().map(Vec::as_slice).chain(now), &weights)
            .map(|ratio| ratio.p_value)
    };
    let chi_square = sample_ratio(&observed, &weights);
    let check = Check::by_p_value(
        "sample_ratio",
        p_value,
        SAMPLE_RATIO_ALARM,
        "the arms' sizes fit their weights",
        |p| {
            format!(
                "the arms hold {observed:?} persons; weights of {weights:?} lead as far astray, now or on any day before, \
                 with a probability of at most {p:.2e}: look for lost exposures, redirects or bots in one arm; until then \
                 the arms can't be compared"
            )
        },
    );
    Check { p_value_chi_square: chi_square.ok().map(|ratio| ratio.p_value), ..check }
}

/// Whether one person makes up much of an arm. Sums hold no largest value, but a bound of it from below: the mean of the
/// values weighted by their squares, `sum y^3 / sum y^2`.
fn check_outliers(definition: &Definition, reading: &Reading) -> Check {
    const MOST: f64 = 0.05;
    const FEWEST: i64 = 100;
    let mut worst: Option<(f64, usize, usize)> = None;
    for (at, arm) in reading.arms.iter().enumerate() {
        for (metric, sums) in arm.live.iter().enumerate() {
            let (y, yy, yyy) = (sums.y.as_f64(), sums.yy.as_f64(), sums.yyy.as_f64());
            // In a small arm everyone makes up much of it.
            if sums.n < FEWEST || definition.metrics[metric].kind.is_binary() || y <= 0.0 || yy <= 0.0 {
                continue;
            }
            let share = (yyy / yy / y).clamp(0.0, 1.0);
            if worst.is_none_or(|(most, ..)| share > most) {
                worst = Some((share, at, metric));
            }
        }
    }
    let Some((share, arm, metric)) = worst else {
        return Check::new("outlier_share", true, "no arm has enough values to look for outliers".into());
    };
    let ok = share <= MOST;
    let (arm, metric) = (definition.experiment.arms[arm].key.as_str(), definition.metrics[metric].key.as_str());
    let message = if ok {
        format!(
            "no person is known to make up more than 5 % of an arm's value (the most is at least {:.1} %)",
            100.0 * share
        )
    } else {
        format!(
            "one person makes up at least {:.1} % of the {metric} of arm {arm}: look at that person's events for test \
             orders or a wrong unit, or give the metric a cap",
            100.0 * share
        )
    };
    Check { share: Some(share), threshold: Some(MOST), ..Check::new("outlier_share", ok, message) }
}

fn check_crossovers(reading: &Reading) -> Check {
    // Beyond a percent the arms blur into each other enough to hide a lift.
    const FEW: f64 = 0.01;
    let exposed = total(reading.arms.iter().map(|arm| arm.persons));
    let crossed = total(reading.arms.iter().map(|arm| arm.crossovers));
    let share = if exposed > 0 { crossed as f64 / exposed as f64 } else { 0.0 };
    let ok = share <= FEW;
    let message = if crossed == 0 {
        "nobody was exposed to a second arm".to_owned()
    } else {
        let remedy = if ok { "they are few" } else { "look for assignment by device or session instead of by person" };
        format!("{crossed} of {exposed} persons were exposed to a second arm and count for their first one: {remedy}")
    };
    Check { persons: Some(crossed), share: Some(share), threshold: Some(FEW), ..Check::new("crossovers", ok, message) }
}
