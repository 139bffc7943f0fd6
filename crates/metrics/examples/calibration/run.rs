//! One simulated experiment, read again and again.

use ethnum::I256;
use journey::{Definition, Method, UNIT};
use metrics::inference::{DEFAULT_PLANNED_PERSONS, Tuning, effective_persons, plain_sequential, two_sided_width};
use metrics::moments::Moments;
use metrics::reading::{ArmReading, Reading};
use metrics::report::{Adjust, CONTRIBUTORS, Question, Verdict, Versus, report};

use super::random::Random;
use super::world::{Arrival, Outcome, Person};

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) outcome: Outcome,
    pub(crate) arrival: Arrival,
    /// Per cent of the persons in control.
    pub(crate) control: i64,
    /// The true lift.
    pub(crate) lift: f64,
    /// Persons of a run.
    pub(crate) persons: usize,
}

/// What came out of one run.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(clippy::struct_excessive_bools, reason = "each is an outcome of its own that is counted")]
pub(crate) struct Run {
    /// The corrected method gave a verdict at some moment.
    pub(crate) decided: bool,
    /// It gave a verdict against the truth at some moment: any where there is no effect, else one of the other sign.
    pub(crate) wrong: bool,
    /// Its lift set missed the true lift at some moment from the gate on.
    pub(crate) missed: bool,
    /// The plain sequence excluded zero at some moment.
    pub(crate) plain_decided: bool,
    /// The plain sequence excluded the true difference at some moment.
    pub(crate) plain_missed: bool,
    /// Welch's test at the end rejects.
    pub(crate) fixed_rejects: bool,
    /// Welch's interval of the difference at the end holds the true difference.
    pub(crate) fixed_covers: bool,
    /// Fieller's interval of the lift at the end holds the true lift.
    pub(crate) fieller_covers: bool,
    /// There is an interval at the end.
    pub(crate) fixed_exists: bool,
    /// The answer at the end warns, or another method is used.
    pub(crate) warned: bool,
    /// The answer at the end has every reason to warn: few contributors, or skewed values.
    pub(crate) should_warn: bool,
    /// The normal theory has every reason to hold at the end.
    pub(crate) comfortable: bool,
}

/// The sums of an arm, kept up person by person.
#[derive(Debug, Clone, Copy, Default)]
struct Sums {
    n: i64,
    y: i128,
    yy: i128,
    yyy: i128,
    d: i128,
    dd: i128,
    yd: i128,
    /// The same sums but the cubes, in doubles and units of one.
    rough: [f64; 5],
}

impl Sums {
    fn add(&mut self, person: Person) {
        let (y, d) = (i128::from(person.y), i128::from(person.d));
        self.y += y;
        self.yy += y * y;
        self.yyy += y * y * y;
        let (rough_y, rough_d) = (person.y as f64 / UNIT as f64, person.d as f64 / UNIT as f64);
        self.rough[0] += rough_y;
        self.rough[1] += rough_y * rough_y;
        if d != 0 {
            self.rough[2] += rough_d;
            self.rough[3] += rough_d * rough_d;
            self.rough[4] += rough_y * rough_d;
            self.d += d;
            self.dd += d * d;
            self.yd += y * d;
        }
    }

    fn moments(&self) -> Moments {
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

    /// KPI and the variance of its estimate, in doubles: good enough to see that nothing is near significance.
    fn roughly(&self, is_ratio: bool) -> Option<(f64, f64)> {
        if self.n < 2 {
            return None;
        }
        let (n, [y, yy, d, dd, yd]) = (self.n as f64, self.rough);
        if is_ratio {
            if d == 0.0 {
                return None;
            }
            let r = y / d;
            let spread = yy - 2.0 * r * yd + r * r * dd;
            return Some((r, spread * n / ((n - 1.0) * d * d)));
        }
        Some((y / n, (yy - y * y / n) / ((n - 1.0) * n)))
    }
}

/// How far the difference less `lift` times control is from zero, in Welch's standard errors and in the larger of Welch's
/// and the pooled one; `None` without a spread.
fn distances(arms: &[Sums; 2], lift: f64, is_ratio: bool) -> Option<(f64, f64)> {
    let ((c, vc), (t, vt)) = (arms[0].roughly(is_ratio)?, arms[1].roughly(is_ratio)?);
    let factor = 1.0 + lift;
    let (nc, nt) = (arms[0].n as f64, arms[1].n as f64);
    let of_control = factor * factor * vc;
    let welch = vt + of_control;
    let within = (vt * nt * (nt - 1.0) + of_control * nc * (nc - 1.0)) / (nt + nc - 2.0);
    let larger = welch.max(within * (1.0 / nt + 1.0 / nc));
    let residual = t - factor * c;
    (welch > 0.0).then(|| (residual / welch.sqrt(), residual / larger.sqrt()))
}

/// Whoever is less than half a sequence's width from zero in these standard errors is inside, as the ones that are used are
/// not smaller; a hair less, for rounding.
const NEARLY: f64 = 1.0 - 1e-6;

/// A run in progress.
struct Watch<'a> {
    cell: &'a Cell,
    definition: &'a Definition,
    arms: [Sums; 2],
    run: Run,
    rho: f64,
}

impl Watch<'_> {
    fn reading(&self) -> Reading {
        let arms = self.arms.iter().map(|sums| {
            let moments = sums.moments();
            let matured = vec![(self.cell.arrival != Arrival::Blast).then(|| moments.clone())];
            ArmReading {
                persons: sums.n,
                matured_persons: sums.n,
                live: vec![moments],
                matured,
                ..ArmReading::default()
            }
        });
        Reading { arms: arms.collect(), outside: 0, unknown_arm: 0 }
    }

    fn judge(&self, method: Method) -> (Versus, bool) {
        let question = Question { method, adjust: Adjust::None, ..Question::planned(self.definition) };
        let mut reports = report(&question, &self.reading());
        let mut report = reports.swap_remove(0);
        let warned = report.notes.iter().any(|note| note.contains("skewed") || note.contains("contributors"));
        (report.arms.swap_remove(1).main.versus.expect("the arm is compared"), warned)
    }

    /// Looks at the experiment as it stands. `news`: something happened that the exact test of converters counts.
    fn look(&mut self, news: bool) {
        let (lift, is_ratio) = (self.cell.lift, self.cell.outcome.is_ratio());
        let Some((plain_z, z)) = distances(&self.arms, 0.0, is_ratio) else { return };
        let truth = if lift == 0.0 { Some((plain_z, z)) } else { distances(&self.arms, lift, is_ratio) };
        let (width, plain_width) = self.widths();
        let misses = truth.is_some_and(|(_, z)| z.abs() >= NEARLY * width);
        let plain_misses = truth.is_some_and(|(z, _)| z.abs() >= NEARLY * plain_width);
        // Once decided, only a verdict of the other sign is news.
        let open = !self.run.decided || (lift != 0.0 && !self.run.wrong && z < 0.0);
        let by_draws = self.cell.outcome.is_binary() && news && (open || !self.run.missed);
        if (open && z.abs() >= NEARLY * width) || (!self.run.missed && misses) || by_draws {
            let (versus, _) = self.judge(Method::Sequential);
            match versus.verdict.0 {
                Verdict::Better => {
                    self.run.decided = true;
                    self.run.wrong |= lift <= 0.0;
                }
                Verdict::Worse => {
                    self.run.decided = true;
                    self.run.wrong |= lift >= 0.0;
                }
                Verdict::Inconclusive | Verdict::NoData => {}
            }
            self.run.missed |= versus.anytime.holds && !versus.lift_bounds.contains(lift);
        }
        if (!self.run.plain_decided && plain_z.abs() >= NEARLY * plain_width)
            || (!self.run.plain_missed && plain_misses)
        {
            self.look_plainly();
        }
    }

    /// Half the widths of the corrected and the plain sequence, in standard errors.
    fn widths(&self) -> (f64, f64) {
        let [control, arm] = self.arms.map(|arm| arm.n.unsigned_abs());
        let width = |time: f64| two_sided_width(time, self.rho, 0.05);
        // While values accrue the time is shorter than the persons; 2.9 is less than any width at any time.
        let accrues = self.cell.arrival == Arrival::Blast;
        let corrected = if accrues { 2.9 } else { width(effective_persons(arm, control)) };
        (corrected, width((control + arm) as f64))
    }

    fn look_plainly(&mut self) {
        let (versus, _) = self.judge(Method::Frequentist);
        let Ok(gap) = versus.gap else { return };
        let Ok(plain) = plain_sequential(&gap, DEFAULT_PLANNED_PERSONS, 0.95) else { return };
        self.run.plain_decided |= plain.p_value < 0.05;
        // Of the true lift the plain sequence of the residual is asked.
        let error = gap.residual_variance(self.cell.lift).sqrt();
        self.run.plain_missed |= gap.residual(self.cell.lift).abs() > plain.width * error;
    }

    /// The end of the experiment, read once.
    fn end(mut self, skewness: f64) -> Run {
        let (versus, warned) = self.judge(Method::Frequentist);
        let smaller = self.arms.iter().map(|arm| arm.n).min().unwrap_or(0) as f64;
        self.run.fixed_exists = versus.test.is_ok();
        self.run.fixed_rejects = versus.p_value.is_ok_and(|p| p < 0.05);
        let difference = self.cell.lift * self.cell.outcome.mean();
        let inside = |low: f64, high: f64, at: f64| low <= at && at <= high;
        self.run.fixed_covers = versus.test.is_ok_and(|test| inside(test.interval.low, test.interval.high, difference));
        self.run.fieller_covers = versus.lift_fieller.is_ok_and(|set| set.contains(self.cell.lift));
        self.run.warned = warned;
        let rate = match self.cell.outcome {
            Outcome::Conversion(rate) => rate,
            Outcome::Buyers => 0.03,
            Outcome::Ratio => 0.3,
            Outcome::Normal | Outcome::LogNormal(_) => 1.0,
        };
        let expected = rate * smaller;
        let needed = 355.0 * skewness * skewness;
        self.run.should_warn = expected < CONTRIBUTORS || (needed > smaller && !self.cell.outcome.is_ratio());
        self.run.comfortable = expected >= 200.0 && needed <= smaller;
        self.run
    }
}

/// Simulates one experiment.
pub(crate) fn simulate(cell: &Cell, definition: &Definition, skewness: f64, random: &mut Random) -> Run {
    let rho = Tuning::planned(DEFAULT_PLANNED_PERSONS).map_or(0.0, |tuning| tuning.rho());
    let mut watch = Watch { cell, definition, arms: [Sums::default(); 2], run: Run::default(), rho };
    let share = cell.control as f64 / 100.0;
    let draw = |random: &mut Random| {
        let arm = usize::from(!random.chance(share));
        let lift = if arm == 1 { cell.lift } else { 0.0 };
        (arm, cell.outcome.draw(random, lift))
    };
    match cell.arrival {
        Arrival::Persons | Arrival::Days => {
            let day = (cell.persons / 50).max(1);
            for at in 1..=cell.persons {
                let (arm, person) = draw(random);
                watch.arms[arm].n += 1;
                watch.arms[arm].add(person);
                if cell.arrival == Arrival::Persons {
                    watch.look(!person.is_nothing());
                } else if at % day == 0 {
                    watch.look(true);
                }
            }
        }
        Arrival::Blast => {
            let mut outcomes = Vec::with_capacity(cell.persons);
            for _ in 0..cell.persons {
                let (arm, person) = draw(random);
                watch.arms[arm].n += 1;
                if !person.is_nothing() {
                    outcomes.push((arm, person));
                }
            }
            random.shuffle(&mut outcomes);
            for (arm, person) in outcomes {
                watch.arms[arm].add(person);
                watch.look(true);
            }
        }
    }
    watch.end(skewness)
}
