//! Where does a power reach what is wanted?
//!
//! Powers are compared on the scale of the normal quantile ([`beyond`]), on which they are nearly straight in the effect and in the
//! root of the persons, so that few are evaluated. A sequence's are dear; those of its last look alone are cheap, and nowhere
//! larger, so that they say from above where to look.

use crate::inference::tails::normal_isf;
use crate::inference::undefined::Undefined;
use crate::numeric::root_between;

/// Where a power is looked for: sizes of an effect, or numbers of persons.
pub(super) struct Span {
    /// Nothing smaller is looked at.
    pub lowest: f64,
    /// Where to begin.
    pub start: f64,
    /// Nothing larger is looked at.
    pub limit: f64,
    /// The relative precision of what is found.
    pub precision: f64,
}

/// A place, and how far the power lies beyond the wanted one there.
type At = (f64, f64);

/// All looks together seldom need less than this share of what the last one alone does.
const NEARER: f64 = 0.8;

impl Span {
    /// The smallest place at which `short` is not negative; [`Undefined::Unreachable`] where it is everywhere. `once`, where there
    /// is one, is cheaper than `short`, and nowhere above it.
    pub(super) fn reached(
        &self,
        once: Option<impl Fn(f64) -> f64>,
        short: impl Fn(f64) -> f64,
    ) -> Result<f64, Undefined> {
        let near = once.and_then(|once| {
            let (low, high) = self.above(self.start, &once).ok()?;
            // Not the root itself, whose digits may fall on either side.
            root_between(once, low, high, 1e-4).map(|near| (1.001 * near).min(self.limit))
        });
        let (low, high) = match near.map(|near| (near, short(near))) {
            Some(high) if high.1 >= 0.0 => self.below(high, &short)?,
            Some((near, _)) => self.above(near, &short)?,
            None => self.above(self.start, &short)?,
        };
        if low.1 >= 0.0 {
            return Ok(low.0);
        }
        root_between(short, low, high, self.precision).ok_or(Undefined::OutOfRange)
    }

    /// Places around the one looked for, from `start` upwards; the lower one is the lowest where even that suffices.
    fn above(&self, start: f64, short: impl Fn(f64) -> f64) -> Result<(At, At), Undefined> {
        let mut high = start.max(self.lowest).min(self.limit);
        let mut low = None;
        loop {
            let found = short(high);
            if found >= 0.0 {
                return Ok((low.unwrap_or_else(|| (self.lowest, short(self.lowest))), (high, found)));
            }
            if found.is_nan() || high >= self.limit {
                return Err(Undefined::Unreachable);
            }
            low = Some((high, found));
            high = (2.0 * high).min(self.limit);
        }
    }

    /// Places around the one looked for, from one that suffices downwards.
    fn below(&self, mut high: At, short: impl Fn(f64) -> f64) -> Result<(At, At), Undefined> {
        loop {
            let place = (NEARER * high.0).max(self.lowest);
            let low = (place, short(place));
            if low.1.is_nan() {
                return Err(Undefined::Unreachable);
            }
            if low.1 < 0.0 || place <= self.lowest {
                return Ok((low, high));
            }
            high = low;
        }
    }
}

/// How far a power that was found lies beyond one that is wanted, in standard deviations of a normal variable. Powers of 0 and 1 lie
/// as far away as the nearest doubles.
pub(super) fn beyond(found: f64, wanted: f64) -> f64 {
    const FARTHEST: f64 = 8.5;
    let score = |power: f64| match normal_isf(power) {
        Some(z) => (-z).clamp(-FARTHEST, FARTHEST),
        None if power.is_nan() => f64::NAN,
        None => FARTHEST.copysign(power - 0.5),
    };
    score(found) - score(wanted)
}
