//! One simulated experiment, read again and again, under every true lift at once.

use journey::{Definition, Method};
use metrics::inference::{DEFAULT_PLANNED_PERSONS, Tuning, plain_sequential};
use metrics::moments::Moments;
use metrics::reading::{ArmReading, Reading};
use metrics::report::{
    Adjust, CONTRIBUTORS, LIVE_CONTRIBUTORS, PLANNED_CONTRIBUTORS, Question, Verdict, Versus, report,
};

use super::near::{Draws, Moment, SMALLEST_WIDTH, contributing, squared_width};
use super::random::Random;
use super::sums::Arms;
use super::world::{Arrival, LIFTS, Outcome, Person};

/// What is simulated.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Cell {
    pub(crate) outcome: Outcome,
    pub(crate) arrival: Arrival,
    /// Per cent of the persons in control.
    pub(crate) control: i64,
    /// Persons of a run.
    pub(crate) persons: usize,
}

/// What came out of one run under one true lift.
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
    /// The delta method's interval of the lift at the end holds the true lift.
    pub(crate) delta_covers: bool,
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

impl Run {
    /// What the corrected method said at a moment.
    pub(crate) fn told(&mut self, versus: &Versus, truth: f64) {
        match versus.verdict.0 {
            Verdict::Better => {
                self.decided = true;
                self.wrong |= truth <= 0.0;
            }
            Verdict::Worse => {
                self.decided = true;
                self.wrong |= truth >= 0.0;
            }
            Verdict::Inconclusive | Verdict::NoData => {}
        }
        self.missed |= versus.anytime.holds && !versus.lift_bounds.contains(truth);
    }

    /// What the plain sequence says at a moment, of an answer by the fixed horizon.
    pub(crate) fn told_plainly(&mut self, versus: &Versus, truth: f64) {
        let Ok(gap) = versus.gap else { return };
        let Ok(plain) = plain_sequential(&gap, DEFAULT_PLANNED_PERSONS, 0.95) else { return };
        self.plain_decided |= plain.p_value < 0.05;
        // Of the true lift the plain sequence of the residual is asked.
        let error = gap.residual_variance(truth).sqrt();
        self.plain_missed |= gap.residual(truth).abs() > plain.width * error;
    }

    /// What the fixed horizon said at the end.
    pub(crate) fn ended(&mut self, versus: &Versus, warned: bool, truth: f64, difference: f64) {
        let inside = |low: f64, high: f64, at: f64| low <= at && at <= high;
        self.fixed_exists = versus.test.is_ok();
        self.fixed_rejects = versus.p_value.is_ok_and(|p| p < 0.05);
        self.fixed_covers = versus.test.is_ok_and(|test| inside(test.interval.low, test.interval.high, difference));
        self.delta_covers = versus.lift.interval.is_ok_and(|ends| inside(ends.low, ends.high, truth));
        self.fieller_covers = versus.lift_fieller.is_ok_and(|set| set.contains(truth));
        self.warned = warned;
    }
}

/// What is read of two arms; the metric has a window where sums are `matured`.
pub(crate) fn reading(arms: [Moments; 2], matured: bool) -> Reading {
    let arms = arms.map(|moments| ArmReading {
        persons: moments.n,
        matured_persons: moments.n,
        matured: vec![matured.then(|| moments.clone())],
        live: vec![moments],
        ..ArmReading::default()
    });
    Reading { arms: arms.into(), outside: 0, unknown_arm: 0 }
}

/// What the service says of the second arm, and whether it warns.
pub(crate) fn judge(definition: &Definition, reading: &Reading, method: Method) -> (Versus, bool) {
    let question = Question { method, adjust: Adjust::None, ..Question::planned(definition) };
    let mut reports = report(&question, reading);
    let mut report = reports.swap_remove(0);
    let warned = report.notes.iter().any(|note| note.contains("skewed") || note.contains("contributors"));
    (report.arms.swap_remove(1).main.versus.expect("the arm is compared"), warned)
}

/// A run in progress.
pub(crate) struct Watch<'a> {
    cell: &'a Cell,
    definition: &'a Definition,
    pub(crate) arms: Arms,
    draws: [Draws; LIFTS.len()],
    /// How many of the lifts are watched.
    lifts: usize,
    pub(crate) runs: [Run; LIFTS.len()],
    rho: f64,
    /// Whether the service is asked at every look, also where its answer can be foreseen.
    careful: bool,
}

/// Whoever is less than half a sequence's width from zero is inside; a hair less, for rounding.
const NEARLY: f64 = 1.0 - 2e-6;

impl<'a> Watch<'a> {
    pub(crate) fn new(cell: &'a Cell, definition: &'a Definition, lifts: usize, careful: bool) -> Self {
        Self {
            cell,
            definition,
            arms: Arms { is_binary: cell.outcome.is_binary(), ..Arms::default() },
            draws: [Draws::of_share(cell.control as f64 / 100.0); LIFTS.len()],
            lifts,
            runs: Default::default(),
            rho: Tuning::planned(DEFAULT_PLANNED_PERSONS).map_or(0.0, |tuning| tuning.rho()),
            careful,
        }
    }

    /// What a person does.
    pub(crate) fn add(&mut self, arm: usize, person: &Person) {
        self.arms.add(arm, person);
        if self.arms.is_binary {
            for (draws, converts) in self.draws.iter_mut().zip(person.converts) {
                if arm == 0 && person.converts[0] || arm == 1 && converts {
                    draws.convert(arm);
                }
            }
        }
    }

    fn is_blast(&self) -> bool {
        self.cell.arrival == Arrival::Blast
    }

    fn reading(&self, lift: usize) -> Reading {
        reading(self.arms.moments(lift), !self.is_blast())
    }

    /// What the service says now, and whether it warns.
    pub(crate) fn judge(&self, lift: usize, method: Method) -> (Versus, bool) {
        judge(self.definition, &self.reading(lift), method)
    }

    /// Looks at the experiment as it stands. The service is asked wherever it could say something new.
    pub(crate) fn look(&mut self) {
        let is_ratio = self.cell.outcome.is_ratio();
        if self.careful {
            for lift in 0..self.lifts {
                self.ask(lift);
                self.ask_plainly(lift);
            }
            return;
        }
        let shared = if self.arms.is_binary { None } else { Moment::of(&self.arms.rough(0), is_ratio) };
        if shared.is_none() && !self.arms.is_binary {
            return;
        }
        let with_accrual =
            |now: Moment| if self.cell.arrival == Arrival::Blast && !is_ratio { now.accruing() } else { now };
        // Values that are all `factor` times as large are as far from their truth as those without an effect.
        let shared = shared.map(|now| (now, with_accrual(now).corrected(1.0), now.plain(1.0)));
        for (lift, true_lift) in LIFTS.iter().enumerate().take(self.lifts) {
            let factor = true_lift.factor();
            let found = match shared {
                Some((now, truth, plain_truth)) => Some((now.scaled(factor), truth, plain_truth)),
                None => Moment::of(&self.arms.rough(lift), false)
                    .map(|now| (now, with_accrual(now).corrected(factor), now.plain(factor))),
            };
            let Some((now, truth, plain_truth)) = found else {
                // Two persons an arm have no spread yet; whose converters there are can be told.
                if self.draws_matter(lift) {
                    self.ask(lift);
                }
                continue;
            };
            self.look_closer(lift, &now, with_accrual(now).corrected(1.0), [truth, plain_truth]);
        }
    }

    /// Looks at one lift. `zero`, `truth`, `plain_truth`: squared distances from no effect and from the true one.
    fn look_closer(&mut self, lift: usize, now: &Moment, zero: f64, [truth, plain_truth]: [f64; 2]) {
        let run = self.runs[lift];
        // Once decided, only a verdict of the other sign is news.
        let open = !run.decided || (lift != 0 && !run.wrong && !now.rises());
        let far = |z: f64| z < SMALLEST_WIDTH;
        let is_blast = self.is_blast();
        let by_sequence = !(self.arms.is_binary && is_blast);
        let near = by_sequence && ((open && !far(zero)) || (!run.missed && !far(truth))) && {
            let share = contributing(&self.arms.rough(lift), self.cell.outcome);
            let gate = if is_blast { LIVE_CONTRIBUTORS } else { CONTRIBUTORS };
            let time = now.time() * if is_blast { share } else { 1.0 };
            let width = NEARLY * squared_width(time, self.rho);
            share * now.smaller() >= NEARLY * gate && (open && zero >= width || !run.missed && truth >= width)
        };
        let is_exact = self.arms.is_binary && (is_blast || now.expects_few(&self.arms.rough(lift)));
        if near || (is_exact && self.draws_matter(lift)) {
            self.ask(lift);
        }
        let plain_zero = if run.plain_decided { 0.0 } else { now.plain(1.0) };
        let plain_truth = if run.plain_missed { 0.0 } else { plain_truth };
        if !far(plain_zero.max(plain_truth))
            && plain_zero.max(plain_truth) >= NEARLY * squared_width(now.persons(), self.rho)
        {
            self.ask_plainly(lift);
        }
    }

    /// Whether the arms of the converters could decide, or refute the true lift.
    fn draws_matter(&self, lift: usize) -> bool {
        let (run, draws) = (&self.runs[lift], &self.draws[lift]);
        let open = !run.decided || (lift != 0 && !run.wrong && !draws.rises());
        (open && draws.nearly_decides()) || (!run.missed && draws.nearly_refutes(LIFTS[lift].factor()))
    }

    fn ask(&mut self, lift: usize) {
        let (versus, _) = self.judge(lift, Method::Sequential);
        self.runs[lift].told(&versus, LIFTS[lift].value());
    }

    fn ask_plainly(&mut self, lift: usize) {
        let (versus, _) = self.judge(lift, Method::Frequentist);
        self.runs[lift].told_plainly(&versus, LIFTS[lift].value());
    }

    /// Whether a verdict of one reading without an effect on the watch's first lift can be foreseen: Student's quantile lies
    /// between the normal one and that of the fewest degrees of freedom, and only what lies between them is asked.
    pub(crate) fn foreseen(&self, method: Method) -> Option<bool> {
        let now = Moment::of(&self.arms.rough(0), self.cell.outcome.is_ratio())?;
        let (z, [none, some]) = match method {
            // Fifty persons in each arm leave no fewer than 49 degrees of freedom.
            Method::Frequentist => (now.plain(1.0), [1.95f64, 2.02]),
            Method::Bayesian if !self.arms.is_binary => (now.of_lift(), [1.644, 1.646]),
            _ => return None,
        };
        if now.smaller() < 50.0 || (none.powi(2)..=some.powi(2)).contains(&z) {
            return None;
        }
        Some(z > some.powi(2))
    }

    /// The end of the experiment, read once.
    fn end(mut self) -> [Run; LIFTS.len()] {
        let outcome = self.cell.outcome;
        let smaller = self.arms.control.n.min(self.arms.treated.n) as f64;
        let expected = outcome.contributing() * smaller;
        let needed = 355.0 * outcome.skewness().powi(2);
        for (lift, true_lift) in LIFTS.iter().enumerate().take(self.lifts) {
            let (versus, warned) = self.judge(lift, Method::Frequentist);
            let truth = true_lift.value();
            let run = &mut self.runs[lift];
            run.ended(&versus, warned, truth, truth * outcome.mean());
            run.should_warn = expected < CONTRIBUTORS || (needed > smaller && !outcome.is_ratio());
            run.comfortable = expected >= PLANNED_CONTRIBUTORS && needed <= smaller;
        }
        self.runs
    }
}

/// Simulates one experiment. `careful`: ask the service at every look.
pub(crate) fn simulate(cell: &Cell, definition: &Definition, random: &mut Random, careful: bool) -> [Run; LIFTS.len()] {
    let mut watch = Watch::new(cell, definition, LIFTS.len(), careful);
    let share = cell.control as f64 / 100.0;
    let draw = |random: &mut Random| {
        let arm = usize::from(!random.chance(share));
        (arm, cell.outcome.draw(random))
    };
    match cell.arrival {
        Arrival::Persons | Arrival::Days => {
            let day = (cell.persons / 50).max(1);
            for at in 1..=cell.persons {
                let (arm, person) = draw(random);
                watch.arms.expose(arm);
                watch.add(arm, &person);
                if cell.arrival == Arrival::Persons || at % day == 0 {
                    watch.look();
                }
            }
        }
        Arrival::Blast => {
            let mut outcomes = Vec::with_capacity(cell.persons);
            for _ in 0..cell.persons {
                let (arm, person) = draw(random);
                watch.arms.expose(arm);
                if !person.is_nothing() {
                    outcomes.push((arm, person));
                }
            }
            random.shuffle(&mut outcomes);
            for (arm, person) in &outcomes {
                watch.add(*arm, person);
                watch.look();
            }
        }
    }
    watch.end()
}
