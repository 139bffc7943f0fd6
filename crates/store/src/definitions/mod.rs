//! Metrics and experiments, and the versions in which they are measured.
//!
//! Every change takes the tenant's measure lock before it looks at anything: what the measurement does then sees
//! either all of the change or nothing of it.

mod experiments;
mod lenses;
mod lock;
mod metrics;
mod plan;
mod versions;

use journey::{Experiment, Invalid, Key, Lens};

pub use self::lenses::Looking;
pub(crate) use self::lock::{lock_measure, next_generation};
pub use self::plan::Fixed;
use crate::error::{Attempt, StoreError};

/// What a request to define something did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    /// There was nothing of this key.
    Created,
    /// It is another now.
    Updated,
    /// It was the same already.
    Unchanged,
}

/// Why a metric or an experiment stays as it is.
#[derive(Debug, thiserror::Error)]
pub enum DefinitionError {
    /// The experiment uses a metric that is not defined.
    #[error("metric {key} is not defined")]
    UnknownMetric {
        /// The place in the experiment's metrics.
        index: usize,
        /// The metric's key.
        key: Key,
    },
    /// Experiments use the metric.
    #[error("the metric is used by {} experiments", .0.len())]
    InUse(Vec<Key>),
    /// The experiment is archived, and so its tallies are frozen.
    #[error("the experiment is archived: {reason}")]
    Frozen {
        /// What can't be, and what can.
        reason: &'static str,
    },
    /// The experiment is being measured again, and can't be archived before that is done.
    #[error("the experiment is being measured: archive it when that is done")]
    Building,
    /// Persons are in the experiment already, so how it is judged can't change any more.
    #[error("an exposure counts already, so the plan can't change: {} parts of it would", .0.len())]
    Planned(Vec<Fixed>),
    /// It does not go together with what is stored.
    #[error("{0}")]
    Invalid(Invalid),
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// The lenses of an experiment and one more.
fn lenses_of(experiment: &Experiment, more: &Lens) -> Vec<Lens> {
    experiment.lenses.iter().chain([more]).cloned().collect()
}

impl From<sqlx::Error> for DefinitionError {
    fn from(error: sqlx::Error) -> Self {
        Self::Store(error.into())
    }
}

impl Attempt for DefinitionError {
    fn is_transient(&self) -> bool {
        matches!(self, Self::Store(error) if error.is_transient())
    }
}
