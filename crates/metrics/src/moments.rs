//! Which sums a metric keeps, and what they amount to.
//!
//! Values are integers in units of 1e-6 ([`journey::UNIT`]); a sum of squares or of products is in units of
//! 1e-12, a sum of cubes in units of 1e-18. A person's value lies within ±[`MAX_VALUE`], so 256 bits hold the
//! cubes of more persons than there are: no sum ever overflows, and adding and taking away leaves no dust.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, MetricKind, UNIT};

use crate::histogram::Histogram;
use crate::lifespan::Lifespans;
use crate::net::{self, Flows};

/// The largest magnitude of a person's value, in units: 1e12. Beyond it the person is left out and counted.
pub const MAX_VALUE: i128 = 1_000_000_000_000 * UNIT as i128;

/// One sum over persons. `y` is the value (for a ratio the numerator), `d` the denominator, `x` and `u` their
/// covariates from before the exposure, `k` exposures, `t` the instant of the exposure in millionths of a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Slot {
    /// Persons.
    N,
    /// Persons whose value is beyond [`MAX_VALUE`]; they are in no other sum.
    LeftOut,
    /// Σy
    Y,
    /// Σy²
    Yy,
    /// Σy³
    Yyy,
    /// Σd
    D,
    /// Σd²
    Dd,
    /// Σyd
    Yd,
    /// Σx
    X,
    /// Σx²
    Xx,
    /// Σxy
    Xy,
    /// Σu
    U,
    /// Σu²
    Uu,
    /// Σyu
    Yu,
    /// Σdx
    Dx,
    /// Σdu
    Du,
    /// Σxu
    Xu,
    /// Σk
    K,
    /// Σk²
    Kk,
    /// Σyk
    Yk,
    /// Σdk
    Dk,
    /// Σxk
    Xk,
    /// Σuk
    Uk,
    /// Purchases.
    Orders,
    /// Persons whose window is open.
    Open,
    /// Σt over persons whose window is open.
    T,
    /// Σt² over persons whose window is open.
    Tt,
    /// Σyt over persons whose window is open.
    Yt,
    /// Σy over persons whose window is open.
    YOpen,
}

/// The sums that a kind of metric keeps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Layout {
    /// A person counts 0 or 1. Sums are in units of one.
    Binary,
    /// A person has a value.
    Mean,
    /// A person has a numerator and a denominator.
    Ratio,
    /// A person has a value, costs and exposures, see [`crate::net`].
    Net,
    /// A person has a value, purchases, and a time under observation that grows while the window is open.
    Clv,
}

use Slot::{
    D, Dd, Dk, Du, Dx, K, Kk, LeftOut, N, Open, Orders, T, Tt, U, Uk, Uu, X, Xk, Xu, Xx, Xy, Y, YOpen, Yd, Yk, Yt, Yu,
    Yy, Yyy,
};

impl Layout {
    /// The layout of a kind of metric.
    #[must_use]
    pub fn of(kind: &MetricKind) -> Self {
        match kind {
            MetricKind::Conversion(_) | MetricKind::Retention { .. } | MetricKind::Repeat { .. } => Self::Binary,
            MetricKind::Count(_)
            | MetricKind::Sum(_)
            | MetricKind::Score(_)
            | MetricKind::Total(_)
            | MetricKind::Latest(_)
            | MetricKind::Quantile { .. } => Self::Mean,
            MetricKind::Ratio { .. } | MetricKind::Rating { .. } => Self::Ratio,
            MetricKind::Clv { .. } | MetricKind::PerTime { .. } => Self::Clv,
            MetricKind::Net { .. } => Self::Net,
        }
    }

    /// The slots, in the order in which they are stored.
    #[must_use]
    pub const fn slots(self) -> &'static [Slot] {
        match self {
            Self::Binary => &[N, Y, X, Xy],
            Self::Mean => &[N, LeftOut, Y, Yy, Yyy, X, Xx, Xy],
            Self::Ratio => &[N, LeftOut, Y, Yy, Yyy, D, Dd, Yd, X, Xx, Xy, U, Uu, Yu, Dx, Du, Xu],
            Self::Net => &[N, LeftOut, Y, Yy, Yyy, D, Dd, Yd, X, Xx, Xy, U, Uu, Yu, Dx, Du, Xu, K, Kk, Yk, Dk, Xk, Uk],
            Self::Clv => &[N, LeftOut, Y, Yy, Yyy, D, Dd, Yd, X, Xx, Xy, Orders, Open, T, Tt, Yt, YOpen],
        }
    }
}

/// What a person amounts to at some day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct State {
    /// The value, in units.
    pub y: i128,
    /// The denominator, in units; for a CLV the length of the closed window.
    pub d: i128,
    /// Purchases; for a net value exposures to the person's own arm.
    pub orders: i64,
    /// Covariates, in units.
    pub x: i64,
    /// Covariate of the denominator, in units.
    pub u: i64,
    /// The exposure in millionths of a day, while a CLV's window is open.
    pub open: Option<i64>,
}

impl State {
    /// What the person adds to each slot of `layout`.
    pub(crate) fn moments(&self, layout: Layout, out: &mut Vec<I256>) {
        out.clear();
        let left_out = self.y.abs() > MAX_VALUE || self.d.abs() > MAX_VALUE;
        let (y, d) = (I256::from(self.y), I256::from(self.d));
        let (x, u) = (I256::from(self.x), I256::from(self.u));
        let t = I256::from(self.open.unwrap_or(0));
        let k = I256::from(self.orders);
        let one = |flag: bool| I256::from(i64::from(flag));
        out.extend(layout.slots().iter().map(|slot| match slot {
            LeftOut => one(left_out),
            _ if left_out => I256::ZERO,
            N => I256::ONE,
            Y => y,
            Yy => y * y,
            Yyy => y * y * y,
            D => d,
            Dd => d * d,
            Yd => y * d,
            X => x,
            Xx => x * x,
            Xy => x * y,
            U => u,
            Uu => u * u,
            Yu => y * u,
            Dx => d * x,
            Du => d * u,
            Xu => x * u,
            K | Orders => k,
            Kk => k * k,
            Yk => y * k,
            Dk => d * k,
            Xk => x * k,
            Uk => u * k,
            Open => one(self.open.is_some()),
            T => t,
            Tt => t * t,
            Yt => y * t,
            YOpen => {
                if self.open.is_some() {
                    y
                } else {
                    I256::ZERO
                }
            }
        }));
    }
}

/// The sums of one metric over the persons of an arm, ready for inference. Sums that the metric does not keep are 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Moments {
    /// Persons.
    pub n: i64,
    /// Persons left out, see [`MAX_VALUE`].
    pub left_out: i64,
    /// Purchases, for a CLV.
    pub orders: i64,
    /// Σy, in 1e-6.
    pub y: I256,
    /// Σy², in 1e-12.
    pub yy: I256,
    /// Σy³, in 1e-18.
    pub yyy: I256,
    /// Σd, in 1e-6.
    pub d: I256,
    /// Σd², in 1e-12.
    pub dd: I256,
    /// Σyd, in 1e-12.
    pub yd: I256,
    /// Σx, in 1e-6.
    pub x: I256,
    /// Σx², in 1e-12.
    pub xx: I256,
    /// Σxy, in 1e-12.
    pub xy: I256,
    /// Σu, in 1e-6.
    pub u: I256,
    /// Σu², in 1e-12.
    pub uu: I256,
    /// Σyu, in 1e-12.
    pub yu: I256,
    /// Σdx, in 1e-12.
    pub dx: I256,
    /// Σdu, in 1e-12.
    pub du: I256,
    /// Σxu, in 1e-12.
    pub xu: I256,
    /// Whether Σy³ is not known: sums that others publish rarely have it. Nothing is then said of the skewness.
    pub without_cubes: bool,
    /// How the values are distributed, for a quantile.
    pub histogram: Option<Arc<Histogram>>,
    /// Where values were cut, under a percentile cap.
    pub cut: Option<Cut>,
    /// How long the persons stay, for a value over an estimated lifespan.
    pub lifespans: Option<Arc<Lifespans>>,
    /// Value and cost apart, for a net value; the sums above are then those of margin × value − cost.
    pub net: Option<Arc<Flows>>,
}

/// Where values were cut.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Cut {
    /// The cap, in units; `None` where there is nobody to find it from.
    pub cap: Option<i128>,
    /// Persons of the arm whose value is at the cap or was beyond it.
    pub persons: i64,
}

impl Moments {
    /// Reads the stored sums of one metric of one arm of a definition. Persons of a CLV whose window is open have been observed
    /// until `end`, in millionths of a day.
    #[must_use]
    pub fn of(definition: &Definition, metric: usize, arm: usize, sums: &[I256], end: i64) -> Self {
        match &definition.metrics[metric].kind {
            MetricKind::Net { margin, .. } => {
                let cost = definition.experiment.arms.get(arm).map(|arm| arm.cost).unwrap_or_default();
                net::moments(sums, *margin, &cost)
            }
            kind => Self::read(Layout::of(kind), sums, end),
        }
    }

    /// Reads stored sums in the order of `layout`. Persons of a CLV whose window is open have been observed until
    /// `end`, in millionths of a day.
    #[must_use]
    pub fn read(layout: Layout, sums: &[I256], end: i64) -> Self {
        let get = |slot: Slot| {
            let at = layout.slots().iter().position(|s| *s == slot);
            at.and_then(|at| sums.get(at)).copied().unwrap_or(I256::ZERO)
        };
        let count = |slot: Slot| i64::try_from(get(slot)).unwrap_or(i64::MAX);
        let unit = I256::from(UNIT);
        if layout == Layout::Binary {
            // The square and the cube of 0 and 1 are themselves.
            let (y, x) = (get(Y) * unit, get(X) * unit);
            return Self {
                n: count(N),
                y,
                yy: y * unit,
                yyy: y * unit * unit,
                x,
                xx: x * unit,
                xy: get(Xy) * unit * unit,
                ..Self::default()
            };
        }
        // An open window has been observed for e − t: the sums over persons follow by expanding the products.
        let e = I256::from(end);
        let (open, t) = (get(Open), get(T));
        Self {
            n: count(N),
            left_out: count(LeftOut),
            orders: count(Orders),
            y: get(Y),
            yy: get(Yy),
            yyy: get(Yyy),
            d: get(D) + open * e - t,
            dd: get(Dd) + open * e * e - (e + e) * t + get(Tt),
            yd: get(Yd) + e * get(YOpen) - get(Yt),
            x: get(X),
            xx: get(Xx),
            xy: get(Xy),
            u: get(U),
            uu: get(Uu),
            yu: get(Yu),
            dx: get(Dx),
            du: get(Du),
            xu: get(Xu),
            without_cubes: false,
            histogram: None,
            cut: None,
            lifespans: None,
            net: None,
        }
    }
}

/// An instant in millionths of a day since the epoch, the unit in which a time under observation is counted.
#[must_use]
pub fn micro_days(at: journey::Instant) -> i64 {
    at.micros().div_euclid(journey::DAY_MICROS / UNIT)
}
