//! What everyone's rows amount to, kept as long as they are the same.
//!
//! Every answer about an experiment begins with the same sums: of all days, with crossovers and without, and the course of the
//! days that checks look at. They follow from the rows, the definition and the day alone.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use journey::{CrossoverPolicy, Definition, TenantId};
use metrics::moments::Moments;
use metrics::reading::{ArmReading, Reading, Through, nobody, read};
use metrics::report::Course;
use metrics::tally::{Row, RowKey};
use moka::sync::Cache;
use store::Measured;

/// The bytes that are kept.
const KEPT: u64 = 8 << 20;
/// About what the sums of a metric of an arm take.
const MOMENTS: usize = 900;
/// About what a bucket of a distribution takes.
const BUCKET: usize = 110;
/// How long something is kept that nobody asks for.
const IDLE: Duration = Duration::from_mins(30);

/// What rows amount to.
pub(crate) struct Study {
    first: Reading,
    excluded: OnceLock<Reading>,
    /// How the arms filled.
    pub(crate) course: Course,
}

/// Which study: all that it follows from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
struct StudyKey {
    tenant: TenantId,
    version: i64,
    revision: i64,
    digest: [u8; 32],
    through: Through,
}

/// What rows amounted to that were looked at last.
#[derive(Clone)]
pub(crate) struct Studies(Cache<StudyKey, Arc<Study>>);

impl Studies {
    pub(crate) fn new() -> Self {
        let weight = |_: &StudyKey, study: &Arc<Study>| {
            // With crossovers and without.
            let buckets = |sums: &Moments| sums.histogram.as_ref().map_or(0, |histogram| histogram.iter().count());
            let of_sums = |sums: &Moments| MOMENTS + BUCKET * buckets(sums);
            let of_arm =
                |arm: &ArmReading| -> usize { arm.live.iter().chain(arm.matured.iter().flatten()).map(of_sums).sum() };
            let sums: usize = study.first.arms.iter().map(of_arm).sum();
            let days = study.course.days.len() * study.first.arms.len();
            u32::try_from(500 + 2 * sums + 32 * days).unwrap_or(u32::MAX)
        };
        Self(Cache::builder().max_capacity(KEPT).time_to_idle(IDLE).weigher(weight).build())
    }

    /// The study of what was measured, as of `through`.
    pub(crate) fn of(&self, tenant: TenantId, measured: &Measured, through: Through) -> Arc<Study> {
        let Measured { version, revision, digest, .. } = *measured;
        let key = StudyKey { tenant, version, revision, digest, through };
        self.0.get(&key).unwrap_or_else(|| {
            let study = Arc::new(Study::of(&measured.definition, rows(measured), through));
            self.0.insert(key, study.clone());
            study
        })
    }
}

impl Study {
    fn of<'a>(
        definition: &Definition,
        rows: impl Iterator<Item = (&'a RowKey, &'a Row)> + Clone,
        through: Through,
    ) -> Self {
        let course = Course::of(definition, rows.clone(), through);
        // From phase to phase the arms' shares change, and with them what cohorts of everyone amount to.
        let is_constant = definition.experiment.strata().is_none();
        let course = if is_constant { course.with_drifts(definition, rows.clone(), through) } else { course };
        let first = everyone(definition, rows, through, CrossoverPolicy::First);
        Self { first, excluded: OnceLock::new(), course }
    }

    /// The reading of everyone.
    pub(crate) fn reading(&self, measured: &Measured, through: Through, policy: CrossoverPolicy) -> &Reading {
        match policy {
            CrossoverPolicy::First => &self.first,
            CrossoverPolicy::Exclude => {
                self.excluded.get_or_init(|| everyone(&measured.definition, rows(measured), through, policy))
            }
        }
    }
}

fn rows(measured: &Measured) -> impl Iterator<Item = (&RowKey, &Row)> + Clone {
    measured.everyone.iter().map(|(key, row)| (key, row))
}

fn everyone<'a>(
    definition: &Definition,
    rows: impl Iterator<Item = (&'a RowKey, &'a Row)>,
    through: Through,
    policy: CrossoverPolicy,
) -> Reading {
    // Where nobody was exposed yet there is no row, and every arm is empty.
    read(definition, rows, through, policy).remove("").unwrap_or_else(|| nobody(definition, through))
}
