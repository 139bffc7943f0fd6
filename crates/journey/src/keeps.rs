//! What a metric keeps beside its sums, because somebody asks for more than a mean.

use crate::invalid::Invalid;
use crate::metric::{Metric, MetricKind};
use crate::share::Share;

/// What a metric keeps beside its sums. Nothing, unless asked for: it costs room and time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Keeps {
    /// The distribution of the persons' values, at a percentile of which they are cut when they are read.
    pub percentile_cap: Option<PercentileCap>,
    /// How long persons take to the event, or stay: the retention curve.
    pub curve: bool,
    /// Purchases per person, for models of what is still to come.
    pub customers: bool,
}

/// A cap at a percentile of the values of all arms together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct PercentileCap {
    /// The share of persons at or below the cap.
    pub share: Share,
    /// Whether only persons with a value other than zero are looked at.
    pub ignore_zeros: bool,
}

impl Metric {
    /// The metric with what it keeps beside its sums.
    ///
    /// # Errors
    /// Where its kind has no use for it.
    pub fn keeping(self, keeps: Keeps) -> Result<Self, Invalid> {
        let word = self.kind.word();
        let out_of_place = |pointer: &str, of: &str| {
            Err(Invalid::new("out_of_place", pointer, format!("is of {of}, not of a {word}")))
        };
        if keeps.percentile_cap.is_some() {
            if !self.kind.has_percentile_cap() {
                return out_of_place("/cap/percentile", "a count, a sum, a score or a latest");
            }
            if self.cap.is_some() {
                return Err(Invalid::new("duplicate", "/cap", "is given as a value and as a percentile: keep one"));
            }
        }
        if keeps.curve && !self.kind.has_curve() {
            return out_of_place("/curve", "a conversion, a count, a retention or a clv");
        }
        if keeps.customers && !matches!(self.kind, MetricKind::Clv { .. }) {
            return out_of_place("/predict", "a clv");
        }
        Ok(Self { keeps, ..self })
    }
}

impl MetricKind {
    /// Whether its values may be cut at a percentile of all of them: each person has one value.
    #[must_use]
    pub fn has_percentile_cap(&self) -> bool {
        matches!(self, Self::Count(_) | Self::Sum(_) | Self::Total(_) | Self::Score(_) | Self::Latest(_))
    }

    /// Whether it knows on which days the events happened, so that it can keep a curve.
    #[must_use]
    pub fn has_curve(&self) -> bool {
        matches!(self, Self::Conversion(_) | Self::Count(_) | Self::Retention { .. } | Self::Clv { .. })
    }
}
