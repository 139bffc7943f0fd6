//! Qini curves, against scikit-uplift.

use ethnum::I256;
use journey::UNIT;

use super::{Disagreements, EXACT, rows};
use crate::inference::{Level, Stratum, StratumSums, qini};

/// Persons of whom some converted.
fn converted(n: i64, k: i64) -> StratumSums {
    let (k, unit) = (I256::from(k), I256::from(UNIT));
    StratumSums { n, y: k * unit, yy: k * unit * unit }
}

/// scikit-uplift's `qini_curve`, its area over that of its random line.
#[test]
fn qini_curves() {
    let mut found = Disagreements::default();
    for row in rows("uplift.csv") {
        let bins: Vec<Stratum> = row[0]
            .split(' ')
            .map(|bin| {
                let n: Vec<i64> = bin.split(':').map(|n| n.parse().unwrap()).collect();
                Stratum { control: converted(n[0], n[1]), treatment: converted(n[2], n[3]) }
            })
            .collect();
        let curve = qini(&bins, &Level::new(0.95).unwrap()).unwrap();
        // An area is a difference of sums that are near one.
        found.check::<()>(&row[0], Ok(curve.coefficient), row[1].parse().ok(), EXACT, 1e-3);
        let points: Vec<(f64, f64)> = row[2]
            .split(' ')
            .map(|point| {
                let (share, gain) = point.split_once(':').unwrap();
                (share.parse().unwrap(), gain.parse().unwrap())
            })
            .collect();
        assert_eq!(curve.points.len(), points.len(), "{}", row[0]);
        for (point, (share, gain)) in curve.points.iter().zip(points) {
            found.close(&row[0], point.share, share, EXACT);
            found.check::<()>(&row[0], Ok(point.gain), Some(gain), EXACT, 1e-3);
        }
    }
    found.none(2_000);
}
