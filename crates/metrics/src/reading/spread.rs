//! What do the buckets of a reading say? The distribution behind a quantile, and the sums of values cut at a percentile.

use std::sync::Arc;

use ethnum::I256;
use journey::{Definition, PercentileCap};

use super::ArmReading;
use crate::histogram::{Bucket, Caps, Histogram, bounds};
use crate::moments::{Cut, Moments};
use crate::tally::detail::{self, BucketKey, Detail};

/// Adds to the readings of the arms what their details say, both where windows are closed and live.
pub(super) fn add(definition: &Definition, details: &[Option<&Detail>], arms: &mut [ArmReading]) {
    for (at, metric) in definition.metrics.iter().enumerate() {
        let cap = metric.keeps.percentile_cap;
        if cap.is_none() && !metric.kind.is_quantile() {
            continue;
        }
        for matured in [false, true] {
            if matured && definition.window_days(at).is_none() {
                continue;
            }
            let found: Vec<Buckets> = details.iter().map(|detail| Buckets::of(*detail, at, matured)).collect();
            let cap = cap.map(|cap| percentile(cap, &found));
            for (arm, buckets) in arms.iter_mut().zip(&found) {
                let moments = if matured { arm.matured[at].as_mut() } else { arm.live.get_mut(at) };
                let Some(moments) = moments else { continue };
                match cap {
                    Some(cap) => cut(moments, buckets, cap),
                    None => moments.histogram = Some(Arc::new(buckets.histogram(false))),
                }
            }
        }
    }
}

/// The cap at a metric's percentile, from the buckets of all arms together; `None`: the metric is not cut at one, or there is
/// nobody to find it from.
pub(crate) fn cap_of(definition: &Definition, metric: usize, arms: &[Buckets]) -> Option<i128> {
    percentile(definition.metrics[metric].keeps.percentile_cap?, arms)
}

/// Adds to the sums of an arm what its buckets say, at a cap of [`cap_of`].
pub(crate) fn refine(
    definition: &Definition,
    metric: usize,
    buckets: &Buckets,
    cap: Option<i128>,
    moments: &mut Moments,
) {
    if definition.metrics[metric].keeps.percentile_cap.is_some() {
        cut(moments, buckets, cap);
    } else if definition.metrics[metric].kind.is_quantile() {
        moments.histogram = Some(Arc::new(buckets.histogram(false)));
    }
}

/// The buckets of one metric of one arm, ascending.
pub(crate) struct Buckets(pub(crate) Vec<(i16, detail::Bucket)>);

impl Buckets {
    pub(crate) fn of(detail: Option<&Detail>, metric: usize, matured: bool) -> Self {
        let Ok(metric) = u16::try_from(metric) else { return Self(Vec::new()) };
        let key = |bucket| BucketKey { metric, matured, bucket };
        let found = detail.into_iter().flat_map(|detail| detail.buckets.range(key(i16::MIN)..=key(i16::MAX)));
        Self(found.map(|(key, bucket)| (key.bucket, *bucket)).collect())
    }

    fn histogram(&self, ignore_zeros: bool) -> Histogram {
        let mut histogram = Histogram::default();
        for (index, bucket) in &self.0 {
            if *index != 0 || !ignore_zeros {
                histogram.add_bucket(*index, Bucket { n: bucket.n, y: bucket.y, yy: bucket.yy });
            }
        }
        histogram
    }
}

/// The cap at the percentile of all arms together, at the upper edge of its bucket; `None` without persons.
///
/// All arms are cut at one cap: each at its own would take part of the effect away.
fn percentile(cap: PercentileCap, arms: &[Buckets]) -> Option<i128> {
    let mut pooled = Histogram::default();
    for arm in arms {
        pooled.merge(&arm.histogram(cap.ignore_zeros));
    }
    Caps::percentiles(&pooled, 0.0, cap.share.value()).high()
}

/// Replaces the sums by those of the cut values, exactly: a bucket lies on one side of the cap as a whole.
fn cut(moments: &mut Moments, buckets: &Buckets, cap: Option<i128>) {
    let mut cut = Cut { cap, persons: 0 };
    let Some(cap) = cap else {
        moments.cut = Some(cut);
        return;
    };
    let wide = I256::from(cap);
    for (index, bucket) in &buckets.0 {
        if bounds(*index).is_none_or(|(low, _)| low < cap) {
            continue;
        }
        let n = I256::from(bucket.n);
        cut.persons += bucket.n;
        moments.y += n * wide - bucket.y;
        moments.yy += n * wide * wide - bucket.yy;
        moments.yyy += n * wide * wide * wide - bucket.yyy;
        // The covariate stays as it is: any will do that the arm cannot have changed.
        moments.xy += wide * bucket.x - bucket.xy;
    }
    moments.cut = Some(cut);
}
