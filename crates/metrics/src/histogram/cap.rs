//! What do the sums become when the largest and the smallest values are cut?

use ethnum::I256;

use super::{Bucket, Histogram, bounds, bucket_of};

/// Where values are cut, in units: larger values than `high` count as `high`, smaller ones than `low` as `low`. Both
/// are edges of buckets or open, so that the cut sums are exact.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Caps {
    low: Option<i128>,
    high: Option<i128>,
}

/// The sums of cut values: those of a winsorised metric.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CutSums {
    /// Persons, sum and sum of squares after cutting; as from a metric whose values were capped at the fold.
    pub sums: Bucket,
    /// Persons whose value was cut at the upper cap.
    pub cut_above: i64,
    /// Persons whose value was cut at the lower cap.
    pub cut_below: i64,
}

impl Caps {
    /// Caps that leave the share `low` of persons below and the share `1 - high` above them, at most: percentile caps,
    /// 0.001 and 0.999 for instance, rounded outward to the edges of buckets. Shares at or beyond 0 and 1 leave their
    /// side open.
    ///
    /// Both arms of a comparison must be cut at the same caps, so the `histogram` is that of all arms merged: caps from
    /// each arm's own distribution would take part of the effect away.
    #[must_use]
    pub fn percentiles(histogram: &Histogram, low: f64, high: f64) -> Self {
        let persons = histogram.total().n;
        let end = |share: f64, upper: bool| {
            let rank = share.clamp(0.0, 1.0) * persons as f64;
            #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "between 0 and the persons")]
            let rank = if upper { rank.ceil().max(1.0) as u64 } else { rank.floor() as u64 + 1 };
            let (index, _, _) = histogram.at_rank(rank)?;
            let (low, high) = bounds(index)?;
            Some(if upper { high } else { low })
        };
        Self {
            low: (low > 0.0).then(|| end(low, false)).flatten(),
            high: (high < 1.0).then(|| end(high, true)).flatten(),
        }
    }

    /// Caps at given values, in units, rounded outward to the edges of buckets.
    #[must_use]
    pub fn at(low: Option<i128>, high: Option<i128>) -> Self {
        let edge_at = |value: i128, upper: bool| {
            let (low, high) = bounds(bucket_of(value)?)?;
            Some(match (low == value, high == value, upper) {
                (true, _, _) | (_, true, _) => value,
                (_, _, true) => high,
                (_, _, false) => low,
            })
        };
        Self { low: low.and_then(|value| edge_at(value, false)), high: high.and_then(|value| edge_at(value, true)) }
    }

    /// The lower cap, in units; `None` where that side is open.
    #[must_use]
    pub fn low(&self) -> Option<i128> {
        self.low
    }

    /// The upper cap, in units; `None` where that side is open.
    #[must_use]
    pub fn high(&self) -> Option<i128> {
        self.high
    }
}

impl Histogram {
    /// The sums of the values after cutting them at `caps`, exactly: a bucket lies on one side of an edge as a whole.
    #[must_use]
    pub fn cut(&self, caps: &Caps) -> CutSums {
        let mut cut = CutSums { sums: Bucket::EMPTY, cut_above: 0, cut_below: 0 };
        for (index, bucket) in self.iter() {
            let (low, high) = bounds(index).unwrap_or_default();
            let cap = match (caps.high, caps.low) {
                (Some(cap), _) if low >= cap => {
                    // Who stands exactly at the cap is not cut, and cannot be told from who stands above.
                    cut.cut_above += bucket.n;
                    Some(cap)
                }
                (_, Some(cap)) if high <= cap => {
                    cut.cut_below += bucket.n;
                    Some(cap)
                }
                _ => None,
            };
            let n = I256::from(bucket.n);
            let added = cap.map_or(bucket, |cap| {
                let cap = I256::from(cap);
                Bucket { n: bucket.n, y: n * cap, yy: n * cap * cap }
            });
            cut.sums.n += added.n;
            cut.sums.y += added.y;
            cut.sums.yy += added.yy;
        }
        cut
    }
}
