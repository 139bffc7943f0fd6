//! Which quotients of two uncertain numbers are not refuted? Fieller's set, for lifts and every other ratio whose
//! denominator may be near zero.

use super::undefined::{Undefined, finite};

/// Numerator and denominator of a quotient, with the variances and the covariance of their estimates.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Quotient {
    /// The estimate above.
    pub numerator: f64,
    /// Its variance (squared standard error).
    pub numerator_variance: f64,
    /// The estimate below.
    pub denominator: f64,
    /// Its variance (squared standard error).
    pub denominator_variance: f64,
    /// The covariance of the two estimates: minus the variance of control where the numerator is a difference to
    /// control and the denominator is control.
    pub covariance: f64,
}

/// The set of quotients that are not refuted. It need not be an interval.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum FiellerSet {
    /// The usual case, a denominator clearly different from zero: all quotients from `low` to `high`.
    Between {
        /// The smallest quotient of the set.
        low: f64,
        /// The largest quotient of the set.
        high: f64,
    },
    /// All quotients from `low` on.
    AtLeast {
        /// The smallest quotient of the set.
        low: f64,
    },
    /// All quotients up to `high`.
    AtMost {
        /// The largest quotient of the set.
        high: f64,
    },
    /// All quotients but those strictly between `below` and `above`: the denominator may have either sign.
    Outside {
        /// The end of the lower ray.
        below: f64,
        /// The start of the upper ray.
        above: f64,
    },
    /// No quotient is refuted.
    Everything,
}

impl FiellerSet {
    /// Whether a quotient belongs to the set.
    #[must_use]
    pub fn contains(&self, quotient: f64) -> bool {
        match *self {
            Self::Between { low, high } => low <= quotient && quotient <= high,
            Self::AtLeast { low } => low <= quotient,
            Self::AtMost { high } => quotient <= high,
            Self::Outside { below, above } => quotient <= below || above <= quotient,
            Self::Everything => true,
        }
    }
}

impl FiellerSet {
    /// The set as closed intervals with infinite ends, ascending and apart.
    fn pieces(self) -> [Option<(f64, f64)>; 2] {
        const INFINITY: f64 = f64::INFINITY;
        match self {
            Self::Between { low, high } => [Some((low, high)), None],
            Self::AtLeast { low } => [Some((low, INFINITY)), None],
            Self::AtMost { high } => [Some((-INFINITY, high)), None],
            Self::Outside { below, above } => [Some((-INFINITY, below)), Some((above, INFINITY))],
            Self::Everything => [Some((-INFINITY, INFINITY)), None],
        }
    }

    /// What belongs to either of two sets that hold the same estimate. As both hold it, their union is again of one of
    /// these shapes.
    #[must_use]
    pub fn united(self, other: Self) -> Self {
        if let (Self::Between { low: a, high: b }, Self::Between { low: c, high: d }) = (self, other) {
            return Self::Between { low: a.min(c), high: b.max(d) };
        }
        let [a, b] = self.pieces();
        let [c, d] = other.pieces();
        let mut pieces: Vec<(f64, f64)> = [a, b, c, d].into_iter().flatten().collect();
        pieces.sort_by(|left, right| left.0.total_cmp(&right.0));
        let mut merged: Vec<(f64, f64)> = Vec::with_capacity(pieces.len());
        for (low, high) in pieces {
            match merged.last_mut() {
                Some(last) if low <= last.1 => last.1 = last.1.max(high),
                _ => merged.push((low, high)),
            }
        }
        match merged[..] {
            [(low, high)] if low.is_finite() && high.is_finite() => Self::Between { low, high },
            [(low, _)] if low.is_finite() => Self::AtLeast { low },
            [(_, high)] if high.is_finite() => Self::AtMost { high },
            [(_, below), (above, _)] if below.is_finite() && above.is_finite() => Self::Outside { below, above },
            _ => Self::Everything,
        }
    }
}

/// Fieller's set as a dashboard shows it: two ends, either of which may be open.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FiellerInterval {
    /// The whole set.
    pub set: FiellerSet,
    /// The lower end; `None` where that side is open.
    pub low: Option<f64>,
    /// The upper end; `None` where that side is open.
    pub high: Option<f64>,
}

impl FiellerInterval {
    /// Why a side is open; `None` where both ends exist.
    #[must_use]
    pub fn open_because(&self) -> Option<Undefined> {
        (self.low.is_none() || self.high.is_none()).then_some(Undefined::OpenSide)
    }

    /// What belongs to either of two intervals that hold `estimate`, as it is shown.
    #[must_use]
    pub fn united(&self, other: &Self, estimate: f64) -> Self {
        shown(self.set.united(other.set), estimate)
    }

    /// Whether a quotient lies between the shown ends.
    #[must_use]
    pub fn contains(&self, quotient: f64) -> bool {
        self.low.is_none_or(|low| low <= quotient) && self.high.is_none_or(|high| quotient <= high)
    }
}

/// All `r` for which `numerator - r * denominator = 0` is not rejected at the critical value `critical` (a t or
/// normal quantile, or the half-width of a confidence sequence in standard errors): `(a - r b)^2 <= critical^2 (v_a -
/// 2 r c + r^2 v_b)` (Fieller, JRSS B 1954).
///
/// Zero is inside exactly if `a^2 <= critical^2 v_a`, that is, if the test of the numerator does not reject: interval
/// and p-value cannot disagree.
///
/// The shown ends: of two rays ([`FiellerSet::Outside`]) the one that holds the estimate (the other one needs a
/// denominator of the opposite sign), unless the hidden ray holds zero: then both ends are open, so that the shown
/// ends, too, hold zero exactly if the test does not reject.
///
/// Conditions: everything finite, variances not negative and not both zero, a denominator other than zero.
pub fn fieller(quotient: &Quotient, critical: f64) -> Result<FiellerInterval, Undefined> {
    let Quotient { numerator, numerator_variance, denominator, denominator_variance, covariance } = *quotient;
    for number in [numerator, numerator_variance, denominator, denominator_variance, covariance, critical] {
        finite(number)?;
    }
    if numerator_variance < 0.0 || denominator_variance < 0.0 || critical < 0.0 {
        return Err(Undefined::ImpossibleSums);
    }
    if denominator == 0.0 {
        return Err(Undefined::ZeroControl);
    }
    if numerator_variance == 0.0 && denominator_variance == 0.0 {
        return Err(Undefined::NoVariance);
    }
    // In units of their own size numerator and denominator cannot overflow when squared.
    let (unit_a, unit_b) =
        (numerator.abs().max(numerator_variance.sqrt()), denominator.abs().max(denominator_variance.sqrt()));
    if unit_a == 0.0 {
        // A numerator of exactly zero with variance zero: whatever the denominator is, the quotient is zero.
        return Ok(bounded(0.0, 0.0));
    }
    let unit = finite(unit_a / unit_b)?;
    let (a, b) = (numerator / unit_a, denominator / unit_b);
    let va = critical * critical * (numerator_variance.sqrt() / unit_a).powi(2);
    let vb = critical * critical * (denominator_variance.sqrt() / unit_b).powi(2);
    let c = critical * critical * (covariance / unit_a / unit_b);
    let set = solve(a, va, b, vb, finite(c)?);
    let estimate = finite(numerator / denominator)?;
    Ok(match set {
        FiellerSet::Between { low, high } => match (finite(low * unit), finite(high * unit)) {
            (Ok(low), Ok(high)) => bounded(low.min(estimate), high.max(estimate)),
            (Ok(low), Err(_)) => shown(FiellerSet::AtLeast { low }, estimate),
            (Err(_), Ok(high)) => shown(FiellerSet::AtMost { high }, estimate),
            (Err(_), Err(_)) => shown(FiellerSet::Everything, estimate),
        },
        FiellerSet::AtLeast { low } => shown(FiellerSet::AtLeast { low: finite(low * unit)? }, estimate),
        FiellerSet::AtMost { high } => shown(FiellerSet::AtMost { high: finite(high * unit)? }, estimate),
        FiellerSet::Outside { below, above } => match (finite(below * unit), finite(above * unit)) {
            (Ok(below), Ok(above)) => shown(FiellerSet::Outside { below, above }, estimate),
            (Ok(high), Err(_)) => shown(FiellerSet::AtMost { high }, estimate),
            (Err(_), Ok(low)) => shown(FiellerSet::AtLeast { low }, estimate),
            (Err(_), Err(_)) => shown(FiellerSet::Everything, estimate),
        },
        FiellerSet::Everything => shown(FiellerSet::Everything, estimate),
    })
}

/// Solves `r^2 (b^2 - vb) - 2 r (a b - c) + (a^2 - va) <= 0`; the variances already carry the squared critical value.
fn solve(a: f64, va: f64, b: f64, vb: f64, c: f64) -> FiellerSet {
    let (square, linear, constant) = (b * b - vb, a * b - c, a * a - va);
    // linear^2 - square * constant, as a sum of two terms that are both positive where the set is bounded: taken apart
    // along the regression of the numerator on the denominator, it does not cancel where all of the numerator's
    // variance comes from the denominator (an arm without anything against control).
    let discriminant = if vb > 0.0 {
        let slope = c / vb;
        // What is left of the numerator's variance beside the denominator's; a trace of rounding is nothing.
        let own = va - slope * c;
        let own = if own.abs() <= 16.0 * f64::EPSILON * va { 0.0 } else { own };
        vb * (a - slope * b) * (a - slope * b) + own * square
    } else {
        va * b * b
    };
    if square == 0.0 {
        let end = constant / (2.0 * linear);
        return match end.is_finite() {
            true if linear > 0.0 => FiellerSet::AtLeast { low: end },
            true => FiellerSet::AtMost { high: end },
            false => FiellerSet::Everything,
        };
    }
    if square < 0.0 && discriminant <= 0.0 {
        return FiellerSet::Everything;
    }
    // The estimate itself is never refuted, so a bounded set is not empty: a negative discriminant is rounding.
    let root = discriminant.max(0.0).sqrt();
    // The root that needs no cancellation first; the other from the product of the two.
    let sum = if linear < 0.0 { linear - root } else { linear + root };
    let (first, second) = if sum == 0.0 { (0.0, 0.0) } else { (sum / square, constant / sum) };
    let (low, high) = if first < second { (first, second) } else { (second, first) };
    if square > 0.0 { FiellerSet::Between { low, high } } else { FiellerSet::Outside { below: low, above: high } }
}

/// A closed interval.
fn bounded(low: f64, high: f64) -> FiellerInterval {
    FiellerInterval { set: FiellerSet::Between { low, high }, low: Some(low), high: Some(high) }
}

/// The ends that are shown of a set that holds `estimate`.
fn shown(set: FiellerSet, estimate: f64) -> FiellerInterval {
    let (low, high) = match set {
        FiellerSet::Between { low, high } => (Some(low), Some(high)),
        FiellerSet::AtLeast { low } => (Some(low), None),
        FiellerSet::AtMost { high } => (None, Some(high)),
        FiellerSet::Everything => (None, None),
        FiellerSet::Outside { below, above } => {
            let upper = estimate - below > above - estimate;
            let zero_hidden = if upper { below >= 0.0 } else { above <= 0.0 };
            match (zero_hidden, upper) {
                (true, _) => (None, None),
                (false, true) => (Some(above), None),
                (false, false) => (None, Some(below)),
            }
        }
    };
    FiellerInterval { set, low, high }
}
