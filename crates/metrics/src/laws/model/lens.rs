//! What a lens shows, from every person's events.

use std::collections::BTreeMap;
use std::sync::Arc;

use ethnum::I256;
use journey::{Fact, Instant, LensKind, Selector, Stage, StepOrder, Touch, names};

use super::{AsOf, Model};
use crate::attribution::{Moment, Place, Rules, Step, tell};
use crate::histogram::bucket_of;
use crate::laws::histories::Deed;
use crate::lens::{ArmSights, Sights};

pub(super) type Counts = BTreeMap<String, Vec<I256>>;

impl Model<'_> {
    /// What lens `at` shows of each arm, crossovers in their first arm.
    pub(in crate::laws) fn lens(&self, people: &[Vec<Deed>], at: usize, as_of: AsOf) -> Vec<ArmSights> {
        let window = self.definition.experiment.lenses[at].window_days.or(self.definition.experiment.window_days);
        let arms = self.definition.experiment.arms.len();
        let mut out =
            vec![ArmSights { live: Sights::default(), matured: window.is_some().then(Sights::default) }; arms];
        for person in people {
            let end = self.zone.end_of(as_of.live);
            if let Some((exposure, arm)) = self.first_exposure(person, end) {
                enter(&mut out[arm].live, &self.seen(at, person, exposure, window, end));
            }
            let end = self.zone.end_of(as_of.matured);
            if let Some((exposure, arm)) = self.first_exposure(person, end)
                && let Some(days) = window
                && exposure.at.plus_days(days.into()) < end
                && let Some(matured) = &mut out[arm].matured
            {
                enter(matured, &self.seen(at, person, exposure, window, end));
            }
        }
        out
    }

    fn seen(&self, at: usize, person: &[Deed], exposure: &Deed, window: Option<u32>, end: Instant) -> Counts {
        let inside = |deed: &&Deed| {
            deed.at >= exposure.at
                && deed.at < end
                && window.is_none_or(|days| deed.at < exposure.at.plus_days(days.into()))
        };
        let mut deeds: Vec<&Deed> = person.iter().filter(inside).collect();
        deeds.sort_by_key(|deed| (deed.at, deed.id));
        let mut counts = Counts::new();
        match &self.definition.experiment.lenses[at].kind {
            LensKind::Funnel { steps, order } => self.funnel(steps, *order, &deeds, exposure, &mut counts),
            LensKind::Paths { by, conversion, depth } => self.path(by, conversion, *depth, &deeds, &mut counts),
            LensKind::Stages { stages } => self.stages(stages, &deeds, &mut counts),
            LensKind::Attribution { by, conversion, lookback_days, half_life_micros } => {
                let rules = Rules::new(*lookback_days, *half_life_micros);
                self.credits(by, conversion, &rules, &deeds, &mut counts);
            }
            LensKind::Channels(contacts) => self.channels(contacts, person, &deeds, exposure, &mut counts),
            LensKind::Items(items) => return self.items(items, &deeds, exposure),
        }
        counts
    }

    fn funnel(&self, steps: &[Selector], order: StepOrder, deeds: &[&Deed], exposure: &Deed, counts: &mut Counts) {
        let mut times: Vec<Instant> = Vec::new();
        match order {
            StepOrder::Loose => {
                let mut rest = deeds.iter();
                for step in steps {
                    let Some(deed) = rest.find(|deed| self.selects(step, deed)) else { break };
                    times.push(deed.at);
                }
            }
            StepOrder::Strict => {
                let counts =
                    |deed: &&&Deed| names::is_by_person(deed.name) || steps.iter().any(|step| self.selects(step, deed));
                let all: Vec<&Deed> = deeds.iter().filter(counts).copied().collect();
                for from in 0..all.len() {
                    let mut went = Vec::new();
                    for (step, deed) in steps.iter().zip(&all[from..]) {
                        if !self.selects(step, deed) {
                            break;
                        }
                        went.push(deed.at);
                    }
                    if went.len() > times.len() {
                        times = went;
                    }
                }
            }
        }
        let mut before = exposure.at;
        for (step, at) in (1..).zip(times) {
            counts.insert(format!("r{step}"), vec![I256::ONE]);
            let bucket = bucket_of(i128::from(at.micros() - before.micros())).unwrap();
            let (key, slot) = (bucket / 32, bucket % 32);
            let sums = (0..=slot).map(|at| if at == slot { I256::ONE } else { I256::ZERO }).collect();
            counts.insert(format!("t{step} {key}"), sums);
            before = at;
        }
    }

    fn path(&self, by: &Touch, conversion: &Selector, depth: u8, deeds: &[&Deed], counts: &mut Counts) {
        let mut touches: Vec<String> = Vec::new();
        let mut converted = false;
        for deed in deeds {
            if self.selects(conversion, deed) {
                converted = true;
                break;
            }
            if ["Experiment Viewed", "Order Refunded"].contains(&deed.name) {
                continue;
            }
            let text = match by {
                Touch::Event => deed.name.to_owned(),
                Touch::Path(path) => match deed.fact(path.as_str()) {
                    Fact::One(text) if !text.is_empty() => text.chars().take(100).collect(),
                    _ => continue,
                },
            };
            if touches.last() != Some(&text) {
                touches.push(text);
            }
        }
        if touches.is_empty() && !converted {
            return;
        }
        let more = touches.len() > usize::from(depth);
        touches.truncate(depth.into());
        let flags = [if converted { "c" } else { "d" }, if more { "+" } else { "=" }].concat();
        counts.insert(flags + &touches.join("\u{1f}"), vec![I256::ONE]);
    }

    /// The steps are found here; how they are credited is held to its definition elsewhere.
    fn credits(&self, by: &Touch, conversion: &Selector, rules: &Rules, deeds: &[&Deed], counts: &mut Counts) {
        let Touch::Path(path) = by else { panic!("attribution by names is by a path in these worlds") };
        let mut moments = Vec::new();
        for deed in deeds {
            let value = if deed.foreign { 0 } else { i64::try_from(self.value(conversion, deed)).unwrap() };
            let step = if self.selects(conversion, deed) {
                Step::Conversion(value)
            } else if value != 0 {
                Step::Correction(value)
            } else if ["Experiment Viewed", "Order Refunded"].contains(&deed.name) {
                continue;
            } else if let Fact::One(text) = deed.fact(path.as_str())
                && !text.is_empty()
            {
                Step::Touch(text.chars().take(100).collect::<String>().into())
            } else {
                continue;
            };
            moments.push(Moment { at: deed.at.micros(), step });
        }
        // A person leaves so many marks at most.
        moments.truncate(1_000);
        if moments.len() == 1_000 {
            counts.insert("f".into(), vec![I256::ONE]);
        }
        let told = tell(&moments, rules);
        let mut put = |key: String, sums: Vec<I256>| {
            if sums.iter().any(|sum| *sum != I256::ZERO) {
                counts.insert(key, sums);
            }
        };
        let (n, v) = (I256::from(told.all.count * 1_000_000), I256::from(told.all.value));
        put("a".into(), vec![n, n * n, n * n * n, v, v * v, v * v * v]);
        let six = |count: i128, value: i128| {
            let (c, w) = (I256::from(count), I256::from(value));
            [c, c * c, c * n, w, w * w, w * v]
        };
        put("u".into(), six(told.untouched.count * 1_000_000, told.untouched.value).to_vec());
        for (label, models) in &told.credits {
            put(format!("l{label}"), models.iter().flat_map(|credit| six(credit.count, credit.value)).collect());
        }
        let place = |place: &Place<Arc<str>>| match place {
            Place::Start => "s".to_owned(),
            Place::Touch(label) => format!("t{label}"),
            Place::Converted => "c".to_owned(),
            Place::Lost => "x".to_owned(),
        };
        for ((from, to), sum) in &told.moves {
            put(format!("m{}\u{1f}{}", place(from), place(to)), vec![sum.count.into(), sum.value.into()]);
        }
        for (set, sum) in &told.sets {
            put(format!("j{}", set.join("\u{1f}")), vec![sum.count.into(), sum.value.into()]);
        }
    }

    fn stages(&self, stages: &[Stage], deeds: &[&Deed], counts: &mut Counts) {
        let mut now: Option<(usize, Instant)> = None;
        for deed in deeds {
            let mut found = None;
            for (at, stage) in stages.iter().enumerate() {
                let is = match &stage.rule {
                    Some(rule) => self.selects(rule, deed),
                    None => deed.stage == Some(stage.name.as_str()),
                };
                if is {
                    found = Some(at);
                }
            }
            let Some(stage) = found else { continue };
            if let Some((old, since)) = now {
                if old == stage {
                    continue;
                }
                let seconds = I256::from((deed.at.micros() - since.micros()) / 1_000_000);
                let stay = counts.entry(format!("s{old}")).or_insert_with(|| vec![I256::ZERO; 3]);
                stay[0] += 1;
                stay[1] += seconds;
                stay[2] += seconds * seconds;
                counts.entry(format!("m{old} {stage}")).or_insert_with(|| vec![I256::ZERO])[0] += 1;
            }
            now = Some((stage, deed.at));
            counts.insert(format!("r{stage}"), vec![I256::ONE]);
        }
        if let Some((stage, _)) = now {
            counts.insert(format!("n{stage}"), vec![I256::ONE]);
        }
    }
}

fn enter(sights: &mut Sights, counts: &Counts) {
    sights.persons += 1;
    for (key, sums) in counts {
        let sums = sums.iter().copied().collect();
        sights.sums.entry(Arc::from(key.as_str())).or_default().add(&sums);
    }
    // A stay of no whole second has no length.
    sights.sums.retain(|_, sums| !sums.is_zero());
}
