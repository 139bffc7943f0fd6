//! What persons do in a simulated experiment.

use journey::{
    Amount, Arm, CrossoverPolicy, Definition, Experiment, ExperimentDraft, Goal, Lifespan, Measure, Method, Metric,
    MetricDraft, MetricKind, MetricUse, Name, Of, Pattern, Role, Selector, UNIT,
};

use super::random::Random;

/// The window of a metric, where it has one.
pub(crate) const WINDOW_DAYS: u32 = 14;

/// How a person's value is distributed.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Outcome {
    /// Normal, mean 10, standard deviation 3.
    Normal,
    /// Log-normal with this sigma.
    LogNormal(f64),
    /// 3 % buy, for a log-normal amount (sigma 1).
    Buyers,
    /// A share converts.
    Conversion(f64),
    /// 30 % order one to three times, each for a log-normal amount (sigma 0.5): value per order.
    Ratio,
}

pub(crate) const OUTCOMES: [Outcome; 7] = [
    Outcome::Normal,
    Outcome::LogNormal(1.0),
    Outcome::LogNormal(2.0),
    Outcome::Buyers,
    Outcome::Conversion(0.005),
    Outcome::Conversion(0.05),
    Outcome::Ratio,
];

/// A true lift, as the quotient by which values of the arm are larger: `up / down - 1`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Lift {
    pub(crate) up: i32,
    pub(crate) down: i32,
}

impl Lift {
    pub(crate) fn factor(self) -> f64 {
        f64::from(self.up) / f64::from(self.down)
    }

    pub(crate) fn value(self) -> f64 {
        f64::from(self.up - self.down) / f64::from(self.down)
    }
}

/// No effect, and true lifts of 20, 50 and 100 %. They are watched side by side on the same persons.
pub(crate) const LIFTS: [Lift; 4] =
    [Lift { up: 1, down: 1 }, Lift { up: 6, down: 5 }, Lift { up: 3, down: 2 }, Lift { up: 2, down: 1 }];

/// What a person does without an effect, in units of 1e-6 and multiples of ten of them, and for conversions whether the
/// person converts under each lift.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Person {
    pub(crate) y: i64,
    pub(crate) d: i64,
    pub(crate) converts: [bool; LIFTS.len()],
}

impl Person {
    pub(crate) fn is_nothing(&self) -> bool {
        *self == Self::default()
    }
}

impl Outcome {
    pub(crate) fn name(self) -> String {
        match self {
            Self::Normal => "normal".into(),
            Self::LogNormal(sigma) => format!("log-normal {sigma}"),
            Self::Buyers => "3 % buyers".into(),
            Self::Conversion(rate) => format!("{} % convert", rate * 100.0),
            Self::Ratio => "ratio".into(),
        }
    }

    pub(crate) fn is_binary(self) -> bool {
        matches!(self, Self::Conversion(_))
    }

    pub(crate) fn is_ratio(self) -> bool {
        self == Self::Ratio
    }

    /// The KPI of control, exactly.
    pub(crate) fn mean(self) -> f64 {
        match self {
            Self::Normal => 10.0,
            Self::LogNormal(sigma) => 10.0 * (sigma * sigma / 2.0).exp(),
            Self::Buyers => 0.03 * 30.0 * 0.5f64.exp(),
            Self::Conversion(rate) => rate,
            Self::Ratio => 20.0 * 0.125f64.exp(),
        }
    }

    /// The share of persons who contribute.
    pub(crate) fn contributing(self) -> f64 {
        match self {
            Self::Conversion(rate) => rate,
            Self::Buyers => 0.03,
            Self::Ratio => 0.3,
            Self::Normal | Self::LogNormal(_) => 1.0,
        }
    }

    /// The skewness of a person's value in control.
    pub(crate) fn skewness(self) -> f64 {
        // Of a log-normal value, or a mixture of it with zeros, by its raw moments.
        let log_normal = |sigma: f64, share: f64| {
            let raw = |power: f64| share * (power * power * sigma * sigma / 2.0).exp();
            let (a, b, c) = (raw(1.0), raw(2.0), raw(3.0));
            (c - 3.0 * a * b + 2.0 * a * a * a) / (b - a * a).powf(1.5)
        };
        match self {
            Self::Normal | Self::Ratio => 0.0,
            Self::LogNormal(sigma) => log_normal(sigma, 1.0),
            Self::Buyers => log_normal(1.0, 0.03),
            Self::Conversion(rate) => (1.0 - 2.0 * rate) / (rate * (1.0 - rate)).sqrt(),
        }
    }

    /// Draws a person.
    pub(crate) fn draw(self, random: &mut Random) -> Person {
        let value = |amount: f64| Person { y: tens(amount), ..Person::default() };
        match self {
            Self::Normal => value(10.0 + 3.0 * random.normal()),
            Self::LogNormal(sigma) => value(10.0 * (sigma * random.normal()).exp()),
            Self::Buyers if random.chance(0.03) => value(30.0 * random.normal().exp()),
            Self::Buyers => Person::default(),
            Self::Conversion(rate) => {
                let at = random.uniform();
                Person { converts: LIFTS.map(|lift| at < rate * lift.factor()), ..Person::default() }
            }
            Self::Ratio => {
                let mut person = Person::default();
                if random.chance(0.3) {
                    let mut orders = 1;
                    while orders < 3 && random.chance(0.4) {
                        orders += 1;
                    }
                    for _ in 0..orders {
                        person.y += tens(20.0 * (0.5 * random.normal()).exp());
                        person.d += UNIT;
                    }
                }
                person
            }
        }
    }
}

/// An amount in units of 1e-6, rounded to ten of them, so that every lift of it is a whole number of units.
pub(crate) fn tens(amount: f64) -> i64 {
    #[expect(clippy::cast_possible_truncation, reason = "amounts of a simulation lie far within the type")]
    let tens = (amount * (UNIT / 10) as f64).round() as i64;
    10 * tens
}

/// In which order persons and outcomes come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Arrival {
    /// One by one with their final values, read after each.
    Persons,
    /// In fifty days, read at the end of each.
    Days,
    /// All at once; their outcomes come in one by one, read after each.
    Blast,
}

pub(crate) const ARRIVALS: [Arrival; 3] = [Arrival::Persons, Arrival::Days, Arrival::Blast];

impl Arrival {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Persons => "persons",
            Self::Days => "days",
            Self::Blast => "blast",
        }
    }
}

fn name(text: &str) -> Name {
    Name::parse(text, "").expect("a valid name")
}

fn selector() -> Selector {
    Selector { event: Pattern::parse("Order Completed", "").expect("a name"), filters: Vec::new() }
}

/// An experiment with one metric and weights `control : 100 - control`. In a blast the metric has no window, so that its live
/// reading decides.
pub(crate) fn definition(outcome: Outcome, arrival: Arrival, control: i64) -> Definition {
    let measure = |of| Measure { selector: selector(), of };
    let kind = match outcome {
        Outcome::Conversion(_) => MetricKind::Conversion(selector()),
        Outcome::Ratio => MetricKind::Ratio { numerator: measure(Of::Value), denominator: measure(Of::Count) },
        _ => MetricKind::Sum(selector()),
    };
    experiment(kind, (arrival != Arrival::Blast).then_some(WINDOW_DAYS), control)
}

/// An experiment whose metric is the value over the time that persons stay, who have left after so many days without a purchase.
pub(crate) fn of_lifetimes(inactive_days: u32, control: i64) -> Definition {
    let kind = MetricKind::Clv { selector: selector(), lifespan: Lifespan::Estimated { inactive_days } };
    experiment(kind, Some(WINDOW_DAYS), control)
}

fn experiment(kind: MetricKind, window_days: Option<u32>, control: i64) -> Definition {
    let draft = MetricDraft {
        key: name("kpi"),
        kind,
        window_days,
        cap: None,
        goal: Goal::Increase,
        unit: None,
        description: None,
    };
    let metric = Metric::validate(draft).expect("a valid metric");
    let arm = |key: &str, weight: i64| Arm {
        key: name(key),
        weight: Amount::from_units(weight * UNIT).expect("a valid weight"),
        intensity: None,
        cost: journey::Cost::default(),
    };
    let draft = ExperimentDraft {
        key: name("simulated"),
        name: None,
        tactic: None,
        hypothesis: None,
        owner: None,
        control: name("control"),
        arms: vec![arm("control", control), arm("arm", 100 - control)],
        starts_at: None,
        ends_at: None,
        window_days,
        crossovers: CrossoverPolicy::First,
        method: Method::Sequential,
        planned_persons: journey::DEFAULT_PLANNED_PERSONS,
        metrics: vec![MetricUse { metric: metric.key.clone(), role: Role::Primary, max_harm: None, cuped: false }],
        dimensions: Vec::new(),
        holdout: None,
        phases: Vec::new(),
        archived: false,
    };
    Definition { experiment: Experiment::validate(draft).expect("a valid experiment"), metrics: vec![metric] }
}
