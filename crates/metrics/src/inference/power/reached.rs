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
            let (low, high) = self.above((self.first(), once(self.first())), &once).ok()?;
            // Where the lowest place suffices there is no root. Nor the root itself, whose digits may fall on either side.
            root_between(once, low, high, 1e-4).map(|near| (1.001 * near).min(self.limit))
        });
        let place = near.unwrap_or_else(|| self.first());
        let begin = (place, short(place));
        let (low, high) =
            if near.is_some() && begin.1 >= 0.0 { self.below(begin, &short)? } else { self.above(begin, &short)? };
        if low.1 >= 0.0 {
            // An effect of nothing is none.
            return if low.0 > 0.0 { Ok(low.0) } else { Err(Undefined::OutOfRange) };
        }
        root_between(short, low, high, self.precision).ok_or(Undefined::OutOfRange)
    }

    fn first(&self) -> f64 {
        self.start.max(self.lowest).min(self.limit)
    }

    /// Places around the one looked for, from one that was looked at upwards; the lower one is the lowest where even that suffices.
    fn above(&self, begin: At, short: impl Fn(f64) -> f64) -> Result<(At, At), Undefined> {
        let (mut low, mut high) = (None, begin);
        while high.1 < 0.0 && high.0 < self.limit {
            low = Some(high);
            let place = (2.0 * high.0).min(self.limit);
            high = (place, short(place));
        }
        if high.1 >= 0.0 {
            return Ok((low.unwrap_or_else(|| (self.lowest, short(self.lowest))), high));
        }
        // It falls short everywhere, or is not a number.
        Err(Undefined::Unreachable)
    }

    /// Places around the one looked for, from one that suffices downwards.
    fn below(&self, mut high: At, short: impl Fn(f64) -> f64) -> Result<(At, At), Undefined> {
        // After so many steps it is a millionth of what it was: then the lowest place is next.
        const STEPS: usize = 60;
        for step in 0..=STEPS {
            let place = if step < STEPS { (NEARER * high.0).max(self.lowest) } else { self.lowest };
            let low = (place, short(place));
            if low.1.is_nan() {
                return Err(Undefined::Unreachable);
            }
            if low.1 < 0.0 || place <= self.lowest {
                return Ok((low, high));
            }
            high = low;
        }
        Err(Undefined::OutOfRange)
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
