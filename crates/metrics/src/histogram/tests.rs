//! Laws of histograms: integers that add up, and caps that lose nothing.

use proptest::prelude::*;

use super::*;

/// Values of every size and either sign, small ones and edges often.
fn value() -> impl Strategy<Value = i128> {
    prop_oneof![
        -250i128..250,
        -MAX_VALUE..=MAX_VALUE,
        (0u32..60, -1i128..=1).prop_map(|(bits, step)| (1i128 << bits).min(MAX_VALUE - 1) + step),
        (1i16..3_859, -1i128..=1, any::<bool>()).prop_map(|(index, step, negative)| {
            let value = (edge(index).unwrap() + step).clamp(-MAX_VALUE, MAX_VALUE);
            if negative { -value } else { value }
        }),
        (0i128..40).prop_map(|whole| whole * 1_000_000),
    ]
}

fn values() -> impl Strategy<Value = Vec<i128>> {
    prop::collection::vec(value(), 0..80)
}

#[test]
fn edges() {
    assert_eq!((edge(0), edge(1), edge(200), edge(201), edge(202)), (None, Some(1), Some(200), Some(202), Some(204)));
    for index in 1..3_859 {
        let (low, high) = bounds(index).unwrap();
        assert!(low < high && (high - low == 1 || (high - low) * 100 <= low), "{index}: {low} {high}");
        // A bucket of more than one unit is at least half a per cent wide: no more buckets than needed.
        assert!(high - low == 1 || (high - low) * 200 > low);
    }
    assert_eq!(bucket_of(MAX_VALUE), Some(3_859));
    assert_eq!(bucket_of(-MAX_VALUE), Some(-3_859));
    assert_eq!((bucket_of(MAX_VALUE + 1), bucket_of(i128::MIN + 1)), (None, None));
    assert_eq!((bounds(0), bounds(3_860), bounds(i16::MIN)), (Some((0, 0)), None, None));
}

proptest! {
    /// Every value is in the bucket whose bounds hold it, the edge on the side of zero included.
    #[test]
    fn values_fall_into_their_buckets(value in value()) {
        let index = bucket_of(value).unwrap();
        let (low, high) = bounds(index).unwrap();
        match value.signum() {
            0 => prop_assert_eq!(index, 0),
            1 => prop_assert!(index > 0 && low <= value && value < high),
            _ => prop_assert!(index < 0 && low < value && value <= high),
        }
        prop_assert_eq!(bucket_of(-value), Some(-index));
    }

    /// Merging is addition, taking away undoes adding, and nothing is left of nobody.
    #[test]
    fn additive(left in values(), right in values()) {
        let both: Histogram = left.iter().chain(&right).copied().collect();
        let mut sum: Histogram = right.iter().copied().collect();
        sum.merge(&left.iter().copied().collect());
        prop_assert_eq!(&sum, &both);
        prop_assert!(sum.is_possible());
        for value in left.iter().rev() {
            sum.take_away(*value);
        }
        prop_assert_eq!(&sum, &right.iter().copied().collect());
        for value in &right {
            sum.take_away(*value);
        }
        prop_assert_eq!(sum, Histogram::default());
    }

    /// Cutting the sums is summing the cut values, to the unit, wherever the caps are moved to.
    #[test]
    fn a_moved_cap_stays_exact(
        values in values(),
        moves in prop::collection::vec(prop::array::uniform2(value()), 1..4),
    ) {
        let histogram: Histogram = values.iter().copied().collect();
        for [a, b] in moves {
            let caps = Caps::at(Some(a.min(b)), Some(a.max(b)));
            let (low, high) = (caps.low().unwrap(), caps.high().unwrap());
            prop_assert!(low <= a.min(b) && a.max(b) <= high);
            let clamped: Histogram = values.iter().map(|value| *value.clamp(&low, &high)).collect();
            let cut = histogram.cut(&caps);
            prop_assert_eq!(cut.sums, clamped.total());
            let beyond =
                |cut: fn(&i128, &i128) -> bool, cap: &i128| values.iter().filter(|value| cut(value, cap)).count();
            prop_assert!(usize::try_from(cut.cut_above).unwrap() >= beyond(i128::gt, &high));
            prop_assert!(usize::try_from(cut.cut_below).unwrap() >= beyond(i128::lt, &low));
        }
        prop_assert_eq!(histogram.cut(&Caps::default()).sums, histogram.total());
    }

    /// A percentile cap leaves at most the promised share beyond it, and lies within a bucket of the percentile.
    #[test]
    fn percentile_caps(values in prop::collection::vec(value(), 1..80), low in 0.0f64..0.4, high in 0.6f64..1.0) {
        let histogram: Histogram = values.iter().copied().collect();
        let caps = Caps::percentiles(&histogram, low, high);
        let n = values.len() as f64;
        let mut sorted = values.clone();
        sorted.sort_unstable();
        let cap = caps.high().unwrap();
        prop_assert!(values.iter().filter(|value| **value > cap).count() as f64 <= (1.0 - high) * n + 1e-9);
        // The smallest value that at least this share does not exceed.
        let percentile = sorted.iter().enumerate().find(|(place, _)| *place as f64 + 1.0 >= high * n).unwrap().1;
        prop_assert_eq!(cap, bounds(bucket_of(*percentile).unwrap()).unwrap().1);
        if let Some(cap) = caps.low() {
            prop_assert!(values.iter().filter(|value| **value < cap).count() as f64 <= low * n + 1e-9);
        }
    }

    /// Ranks count persons in the order of their values.
    #[test]
    fn ranks(values in prop::collection::vec(value(), 1..80)) {
        let histogram: Histogram = values.iter().copied().collect();
        let mut sorted = values;
        sorted.sort_unstable();
        for (place, value) in sorted.iter().enumerate() {
            let (index, bucket, inside) = histogram.at_rank(place as u64 + 1).unwrap();
            prop_assert_eq!(Some(index), bucket_of(*value));
            prop_assert!(inside >= 1 && inside <= bucket.n.unsigned_abs());
            if let Some(only) = bucket.single_value() {
                prop_assert_eq!(only, *value);
            }
        }
        prop_assert_eq!(histogram.at_rank(sorted.len() as u64 + 1), None);
        prop_assert_eq!(histogram.at_rank(0), None);
    }
}
