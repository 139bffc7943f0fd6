//! Chance with a seed: the same seed gives the same numbers, on every machine.
//!
//! For bootstraps and simulations; nothing here is fit for secrets.

/// The generator xoshiro256++ (Blackman and Vigna 2021), seeded by `SplitMix64` as its authors advise.
#[derive(Debug, Clone)]
pub struct Random {
    state: [u64; 4],
}

impl Random {
    /// A generator; every seed, zero included, is as good as another.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        let mut mixer = seed;
        let state = std::array::from_fn(|_| {
            mixer = mixer.wrapping_add(0x9e37_79b9_7f4a_7c15);
            let mut word = mixer;
            word = (word ^ (word >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
            word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
            word ^ (word >> 31)
        });
        Self { state }
    }

    /// 64 random bits.
    pub fn bits(&mut self) -> u64 {
        let [a, b, c, d] = self.state;
        let result = a.wrapping_add(d).rotate_left(23).wrapping_add(a);
        let (c, d) = (c ^ a, d ^ b);
        self.state = [a ^ d, b ^ c, c ^ (b << 17), d.rotate_left(45)];
        result
    }

    /// Uniform in `[0, 1)`, in steps of `2^-53`.
    pub fn uniform(&mut self) -> f64 {
        (self.bits() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Standard normal, by the polar method (Marsaglia and Bray 1964).
    pub fn normal(&mut self) -> f64 {
        loop {
            let (u, v) = (2.0 * self.uniform() - 1.0, 2.0 * self.uniform() - 1.0);
            let square = u * u + v * v;
            if square > 0.0 && square < 1.0 {
                return u * (-2.0 * square.ln() / square).sqrt();
            }
        }
    }

    /// Gamma with `shape > 0` and scale 1 (Marsaglia and Tsang 2000).
    pub fn gamma(&mut self, shape: f64) -> f64 {
        if shape < 1.0 {
            let power = (1.0 - self.uniform()).powf(1.0 / shape);
            return self.gamma(shape + 1.0) * power;
        }
        let d = shape - 1.0 / 3.0;
        let c = 1.0 / (9.0 * d).sqrt();
        loop {
            let normal = self.normal();
            let cube = (1.0 + c * normal).powi(3);
            if cube > 0.0 && (1.0 - self.uniform()).ln() < 0.5 * normal * normal + d - d * cube + d * cube.ln() {
                return d * cube;
            }
        }
    }

    /// Successes among `n` trials of probability `p`, exactly.
    ///
    /// The median trial of a large number of uniform ones is a beta value; whichever side of `p` it falls on settles
    /// half of the trials at once (Relles 1972, Ahrens and Dieter 1974), so that the time grows like `ln n`.
    pub fn binomial(&mut self, n: u64, p: f64) -> u64 {
        const FEW: u64 = 16;
        let (mut left, mut p, mut successes) = (n, p.clamp(0.0, 1.0), 0);
        while left > FEW {
            let rank = left / 2 + 1;
            let (low, high) = (self.gamma(rank as f64), self.gamma((left + 1 - rank) as f64));
            let median = low / (low + high);
            if median <= p {
                successes += rank;
                left -= rank;
                p = ((p - median) / (1.0 - median)).clamp(0.0, 1.0);
            } else {
                left = rank - 1;
                p = (p / median).clamp(0.0, 1.0);
            }
        }
        successes + (0..left).filter(|_| self.uniform() < p).count() as u64
    }

    /// A resample with replacement of a population in cells of `counts` persons: as many persons, spread anew. One
    /// multinomial draw, cell by cell.
    pub fn resample(&mut self, counts: &[u64]) -> Vec<u64> {
        let mut persons: u64 = counts.iter().sum();
        let mut unseen = persons;
        counts
            .iter()
            .map(|count| {
                let share = if unseen == 0 { 0.0 } else { *count as f64 / unseen as f64 };
                let drawn = if *count == unseen { persons } else { self.binomial(persons, share) };
                persons -= drawn;
                unseen -= count;
                drawn
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Source: the authors' C code of xoshiro256++, from the state 1, 2, 3, 4.
    #[test]
    fn reference() {
        let mut random = Random { state: [1, 2, 3, 4] };
        let first: Vec<u64> = (0..4).map(|_| random.bits()).collect();
        assert_eq!(first, [41943041, 58720359, 3588806011781223, 3591011842654386]);
    }

    /// Means and variances within five standard errors.
    #[test]
    fn moments() {
        const DRAWS: u32 = 20_000;
        let mut random = Random::new(1);
        let mut check = |what: &str, mean: f64, variance: f64, draw: &mut dyn FnMut(&mut Random) -> f64| {
            let values: Vec<f64> = (0..DRAWS).map(|_| draw(&mut random)).collect();
            let n = f64::from(DRAWS);
            let m = values.iter().sum::<f64>() / n;
            let s = values.iter().map(|v| (v - m).powi(2)).sum::<f64>() / n;
            let fourth = values.iter().map(|v| (v - m).powi(4)).sum::<f64>() / n;
            assert!((m - mean).abs() < 5.0 * (variance / n).sqrt(), "{what}: mean {m}");
            assert!((s - variance).abs() < 5.0 * ((fourth - s * s) / n).sqrt(), "{what}: variance {s}");
        };
        check("uniform", 0.5, 1.0 / 12.0, &mut Random::uniform);
        check("normal", 0.0, 1.0, &mut Random::normal);
        for shape in [0.3, 1.0, 7.5] {
            check("gamma", shape, shape, &mut |random| random.gamma(shape));
        }
        for (n, p) in [(5, 0.3), (40, 0.9), (1_000, 0.002), (1_000_000, 0.4)] {
            let expected = n as f64 * p;
            check("binomial", expected, expected * (1.0 - p), &mut |random| random.binomial(n, p) as f64);
        }
        let cells = [5, 0, 20, 75];
        check("a cell of a resample", 20.0, 16.0, &mut |random| random.resample(&cells)[2] as f64);
        assert_eq!(random.resample(&cells).iter().sum::<u64>(), 100);
        assert_eq!(random.resample(&[0, 0]), [0, 0]);
        assert_eq!(random.binomial(1_000, 1.0), 1_000);
        assert_eq!(random.binomial(1_000, 0.0), 0);
    }
}
