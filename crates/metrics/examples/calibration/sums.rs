//! The sums of two arms, kept up person by person, for every true lift at once.

use ethnum::I256;
use journey::UNIT;
use metrics::moments::Moments;

use super::world::{LIFTS, Lift, Person};

/// Powers of the values and denominators of an arm's persons, added up: exactly in units of 1e-6, and in doubles.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Sums {
    pub(crate) n: i64,
    y: i128,
    yy: i128,
    yyy: i128,
    d: i128,
    dd: i128,
    yd: i128,
    rough: Rough,
}

/// The same sums in doubles and units of one: good enough to see that nothing is near significance.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Rough {
    pub(crate) n: f64,
    pub(crate) y: f64,
    pub(crate) yy: f64,
    pub(crate) yyy: f64,
    pub(crate) d: f64,
    pub(crate) dd: f64,
    pub(crate) yd: f64,
}

impl Sums {
    /// One more person, who has done nothing so far.
    pub(crate) fn expose(&mut self) {
        self.n += 1;
        self.rough.n += 1.0;
    }

    /// What a person does.
    pub(crate) fn add(&mut self, person: &Person) {
        if person.y == 0 && person.d == 0 {
            return;
        }
        let y = i128::from(person.y);
        let square = y * y;
        self.y += y;
        self.yy += square;
        self.yyy += square * y;
        let rough = person.y as f64 / UNIT as f64;
        self.rough.y += rough;
        self.rough.yy += rough * rough;
        self.rough.yyy += rough * rough * rough;
        if person.d != 0 {
            let d = i128::from(person.d);
            self.d += d;
            self.dd += d * d;
            self.yd += y * d;
            let rough_d = person.d as f64 / UNIT as f64;
            self.rough.d += rough_d;
            self.rough.dd += rough_d * rough_d;
            self.rough.yd += rough * rough_d;
        }
    }

    /// The sums of an arm in which every value is `1 + lift` times as large. Exact, as values are multiples of 10 units.
    fn lifted(&self, lift: Lift) -> Self {
        let (up, down) = (i128::from(lift.up), i128::from(lift.down));
        Self {
            y: self.y * up / down,
            yy: self.yy * (up * up) / (down * down),
            yyy: self.yyy * (up * up * up) / (down * down * down),
            yd: self.yd * up / down,
            ..*self
        }
    }

    /// The sums of `converted` converters among the persons of this arm.
    fn of_converters(&self, converted: u32) -> Self {
        let (k, unit) = (i128::from(converted), i128::from(UNIT));
        Self { n: self.n, y: k * unit, yy: k * unit * unit, yyy: k * unit * unit * unit, ..Self::default() }
    }

    pub(crate) fn moments(&self) -> Moments {
        let wide = I256::from;
        Moments {
            n: self.n,
            y: wide(self.y),
            yy: wide(self.yy),
            yyy: wide(self.yyy),
            d: wide(self.d),
            dd: wide(self.dd),
            yd: wide(self.yd),
            ..Moments::default()
        }
    }
}

impl Rough {
    /// KPI and the variance of its estimate; `None` where there is none yet.
    pub(crate) fn estimate(&self, is_ratio: bool) -> Option<(f64, f64)> {
        if self.n < 2.0 {
            return None;
        }
        if is_ratio {
            if self.d == 0.0 {
                return None;
            }
            let r = self.y / self.d;
            let spread = self.yy - 2.0 * r * self.yd + r * r * self.dd;
            return Some((r, spread * self.n / ((self.n - 1.0) * self.d * self.d)));
        }
        let mean = self.y / self.n;
        Some((mean, (self.yy - mean * self.y) / ((self.n - 1.0) * self.n)))
    }

    fn scaled(&self, factor: f64) -> Self {
        let square = factor * factor;
        Self {
            y: self.y * factor,
            yy: self.yy * square,
            yyy: self.yyy * square * factor,
            yd: self.yd * factor,
            ..*self
        }
    }

    fn of_converters(&self, converted: u32) -> Self {
        let k = f64::from(converted);
        Self { n: self.n, y: k, yy: k, yyy: k, ..Self::default() }
    }
}

/// Control, and the arm under each of the true lifts: the same persons, whose values are larger or who convert more often.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Arms {
    pub(crate) control: Sums,
    /// The arm without an effect.
    pub(crate) treated: Sums,
    /// Converters of control.
    pub(crate) control_converted: u32,
    /// Converters of the arm, by lift.
    pub(crate) converted: [u32; LIFTS.len()],
    pub(crate) is_binary: bool,
}

impl Arms {
    /// One more person of control (0) or the arm (1), who has done nothing so far.
    pub(crate) fn expose(&mut self, arm: usize) {
        if arm == 0 { self.control.expose() } else { self.treated.expose() }
    }

    /// What a person does.
    pub(crate) fn add(&mut self, arm: usize, person: &Person) {
        if self.is_binary {
            if arm == 0 {
                self.control_converted += u32::from(person.converts[0]);
            } else {
                for (count, converts) in self.converted.iter_mut().zip(person.converts) {
                    *count += u32::from(converts);
                }
            }
        } else if arm == 0 {
            self.control.add(person);
        } else {
            self.treated.add(person);
        }
    }

    /// Control and the arm under a lift, exactly.
    pub(crate) fn moments(&self, lift: usize) -> [Moments; 2] {
        if self.is_binary {
            let control = self.control.of_converters(self.control_converted);
            return [control, self.treated.of_converters(self.converted[lift])].map(|sums| sums.moments());
        }
        [self.control.moments(), self.treated.lifted(LIFTS[lift]).moments()]
    }

    /// Control and the arm under a lift, in doubles.
    pub(crate) fn rough(&self, lift: usize) -> [Rough; 2] {
        let (control, treated) = (&self.control.rough, &self.treated.rough);
        if self.is_binary {
            return [control.of_converters(self.control_converted), treated.of_converters(self.converted[lift])];
        }
        [*control, if lift == 0 { *treated } else { treated.scaled(LIFTS[lift].factor()) }]
    }
}
