//! What does a row hold beside its sums? How values are distributed, how long persons take, and who bought how often.
//!
//! Only metrics that ask for it enter anything here ([`journey::Keeps`], and quantiles). Everything is a count or a sum of
//! integers under a key, so that it adds up and can be taken away like every sum; what sums to nothing leaves no trace.

use std::collections::BTreeMap;
use std::hash::Hash;
use std::sync::Arc;

use ethnum::I256;

use super::Slots;

/// What a row holds beside its sums.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Detail {
    /// How the values of persons are distributed.
    pub buckets: BTreeMap<BucketKey, Bucket>,
    /// When, after they began, persons did something.
    pub spans: BTreeMap<SpanKey, i64>,
    /// How often persons bought.
    pub customers: BTreeMap<CustomerKey, Customers>,
    /// How long persons stay, and what they bring in that time.
    pub lives: BTreeMap<LifeKey, Life>,
    /// What a lens shows.
    pub sights: BTreeMap<SightKey, Slots>,
}

/// What of a lens is added up.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SightKey {
    /// Whether it belongs to the matured reading.
    pub matured: bool,
    /// The lens's own key; empty: the persons, in the first slot.
    pub key: Arc<str>,
}

/// Which persons a bucket counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BucketKey {
    /// The index of the metric.
    pub metric: u16,
    /// Whether it belongs to the matured reading.
    pub matured: bool,
    /// The bucket of the value, see [`crate::histogram::bucket_of`].
    pub bucket: i16,
}

/// What the persons of a bucket amount to. Units as in [`crate::moments::Slot`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Bucket {
    /// Persons.
    pub n: i64,
    /// Σy
    pub y: I256,
    /// Σy²
    pub yy: I256,
    /// Σy³
    pub yyy: I256,
    /// Σx
    pub x: I256,
    /// Σxy
    pub xy: I256,
}

/// What persons did, after what.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Series {
    /// The first event, after the exposure.
    First = 0,
    /// The second event, after the exposure.
    Second = 1,
    /// The second event, after the first.
    Repeat = 2,
    /// Any event: persons who did it on that day after the exposure.
    Active = 3,
    /// The last event so far, after the exposure.
    Last = 4,
}

impl Series {
    /// All of them, in the order of their numbers.
    pub const ALL: [Self; 5] = [Self::First, Self::Second, Self::Repeat, Self::Active, Self::Last];
}

/// Which persons a span counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SpanKey {
    /// What they did.
    pub series: Series,
    /// The number of the local day on which the span began.
    pub origin: i32,
    /// Whole local days from there.
    pub days: u32,
}

/// Which persons a cell of customers counts. All days are local ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CustomerKey {
    /// The number of the day of the first purchase.
    pub origin: i32,
    /// Later days with a purchase.
    pub frequency: u32,
    /// Days from the first purchase to the last one.
    pub recency: u32,
    /// The bucket of what they spent after the first day.
    pub bucket: i16,
}

/// What the persons of a cell amount to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Customers {
    /// Persons.
    pub n: i64,
    /// What they spent after the first day, in units.
    pub spend: I256,
}

/// Which persons a life counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct LifeKey {
    /// The index of the metric.
    pub metric: u16,
    /// Whether it belongs to the matured reading.
    pub matured: bool,
    /// By what they are told apart.
    pub by: LifeBy,
}

/// By what persons are told apart of whom it matters how long they stay. Days are numbers of local ones. A person whose window is
/// open stands in two lives: whether they left follows from the day of their last purchase alone, and of those who have not, whoever was
/// exposed too recently to be seen to leave is taken away again. So there are as many lives as days, not as pairs of days.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum LifeBy {
    /// The window has closed, and they last bought so many days after the exposure; 0 where they never did.
    Closed(u32),
    /// The window is open, and they last bought on this day; the day of the exposure where they never did.
    Last(i32),
    /// The window is open, and they were exposed on this day.
    Exposed(i32),
}

/// What the persons of a life amount to. `y`, `d` and `t` as in [`crate::moments::Slot`]; `e` is the number of the day of the
/// exposure.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Life {
    /// Persons.
    pub n: i64,
    /// Σy
    pub y: I256,
    /// Σd: the lengths of the windows that have closed.
    pub d: I256,
    /// Σt: the exposures of those whose window is open.
    pub t: I256,
    /// Σe, of lives by the last purchase, and so the rest.
    pub e: I256,
    /// Σe²
    pub ee: I256,
    /// Σye
    pub ye: I256,
    /// Σte
    pub te: I256,
}

impl Life {
    pub(crate) fn add(&mut self, other: &Self, sign: i64) {
        let wide = I256::from(sign);
        self.n += sign * other.n;
        self.y += wide * other.y;
        self.d += wide * other.d;
        self.t += wide * other.t;
        self.e += wide * other.e;
        self.ee += wide * other.ee;
        self.ye += wide * other.ye;
        self.te += wide * other.te;
    }
}

impl Bucket {
    pub(crate) fn add(&mut self, other: &Self, sign: i64) {
        let wide = I256::from(sign);
        self.n += sign * other.n;
        self.y += wide * other.y;
        self.yy += wide * other.yy;
        self.yyy += wide * other.yyy;
        self.x += wide * other.x;
        self.xy += wide * other.xy;
    }
}

impl Customers {
    pub(crate) fn add(&mut self, other: &Self, sign: i64) {
        self.n += sign * other.n;
        self.spend += I256::from(sign) * other.spend;
    }
}

/// Changes the entry of a key, and drops it where nothing is left of it.
fn change<K: Ord + Hash + Copy, V: Default + PartialEq>(map: &mut BTreeMap<K, V>, key: K, change: impl FnOnce(&mut V)) {
    let entry = map.entry(key).or_default();
    change(entry);
    if *entry == V::default() {
        map.remove(&key);
    }
}

impl Detail {
    /// Whether it holds nothing.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        let Self { buckets, spans, customers, lives, sights } = self;
        buckets.is_empty() && spans.is_empty() && customers.is_empty() && lives.is_empty() && sights.is_empty()
    }

    /// About how many bytes it takes.
    #[must_use]
    pub fn weight(&self) -> usize {
        let sights: usize = self.sights.iter().map(|(key, sums)| 160 + key.key.len() + sums.weight()).sum();
        240 * self.buckets.len() + 24 * self.spans.len() + 80 * self.customers.len() + 300 * self.lives.len() + sights
    }

    /// Adds persons to a bucket, `sign` times.
    pub fn add_bucket(&mut self, key: BucketKey, bucket: &Bucket, sign: i64) {
        change(&mut self.buckets, key, |sum| sum.add(bucket, sign));
    }

    /// Adds persons to a span.
    pub fn add_span(&mut self, key: SpanKey, persons: i64) {
        change(&mut self.spans, key, |sum| *sum += persons);
    }

    /// Adds persons to a cell, `sign` times.
    pub fn add_customers(&mut self, key: CustomerKey, customers: &Customers, sign: i64) {
        change(&mut self.customers, key, |sum| sum.add(customers, sign));
    }

    /// Adds persons to a life, `sign` times.
    pub fn add_life(&mut self, key: LifeKey, life: &Life, sign: i64) {
        change(&mut self.lives, key, |sum| sum.add(life, sign));
    }

    /// Adds to the sums of a lens's key, `sign` times, which is 1 or -1.
    pub fn add_sight(&mut self, key: &SightKey, sums: &Slots, sign: i64) {
        // A key that is there is not copied.
        if let Some(held) = self.sights.get_mut(key) {
            if sign < 0 {
                held.subtract(sums);
            } else {
                held.add(sums);
            }
            if held.is_zero() {
                self.sights.remove(key);
            }
        } else if !sums.is_zero() {
            let mut held = Slots::default();
            if sign < 0 {
                held.subtract(sums);
            } else {
                held.add(sums);
            }
            self.sights.insert(key.clone(), held);
        }
    }

    /// Adds `other`, `sign` times.
    pub fn add(&mut self, other: &Self, sign: i64) {
        for (key, bucket) in &other.buckets {
            self.add_bucket(*key, bucket, sign);
        }
        for (key, persons) in &other.spans {
            self.add_span(*key, sign * persons);
        }
        for (key, customers) in &other.customers {
            self.add_customers(*key, customers, sign);
        }
        for (key, life) in &other.lives {
            self.add_life(*key, life, sign);
        }
        for (key, sums) in &other.sights {
            self.add_sight(key, sums, sign);
        }
    }
}

/// Adds `other`, `sign` times, to what may not be there yet; what is empty is not there.
pub(crate) fn add(detail: &mut Option<Box<Detail>>, other: Option<&Detail>, sign: i64) {
    let Some(other) = other else { return };
    let sum = detail.get_or_insert_default();
    sum.add(other, sign);
    if sum.is_empty() {
        *detail = None;
    }
}
