//! What contacts through channels amount to, from all of a person's events.

use std::collections::BTreeSet;

use journey::{Contacts, DAY_MICROS, Fact, Path, Selector};

use super::Model;
use super::lens::Counts;
use crate::histogram::bucket_of;
use crate::laws::histories::Deed;

impl Model<'_> {
    pub(super) fn channels(
        &self,
        contacts: &Contacts,
        person: &[Deed],
        deeds: &[&Deed],
        exposure: &Deed,
        counts: &mut Counts,
    ) {
        let channel = |deed: &Deed| text_at(deed, &contacts.channel);
        let any = |selectors: &[Selector], deed: &Deed| selectors.iter().any(|selector| self.selects(selector, deed));
        let own = exposure.exposure.unwrap().1;

        // The sets of channels; no world has more than twelve, nor attempts, nor identities.
        let mut used: BTreeSet<String> = BTreeSet::new();
        for deed in deeds {
            let is_touch = !["Experiment Viewed", "Order Refunded"].contains(&deed.name);
            if is_touch && !any(&contacts.undelivered, deed) && !channel(deed).is_empty() {
                used.insert(channel(deed));
            }
        }
        let converted = deeds.iter().any(|deed| self.selects(&contacts.conversion, deed));
        let used: Vec<String> = used.into_iter().collect();
        counts.insert(format!("o{}", used.join("\u{1f}")), whole(&[1, i128::from(converted)]));
        counts.insert(format!("x{}", channel(exposure)), whole(&[1]));

        let key = self.definition.experiment.key.as_str();
        let experiment = &self.definition.experiment;
        let inside = |deed: &Deed| {
            experiment.starts_at.is_none_or(|start| deed.at >= start)
                && experiment.ends_at.is_none_or(|stop| deed.at < stop)
        };
        let named: Vec<(&&Deed, &str)> = deeds
            .iter()
            .filter(|deed| inside(deed))
            .filter_map(|deed| Some((deed, deed.shown().filter(|(named, _)| *named == key)?.1)))
            .collect();
        let consistent = named.iter().all(|(_, arm)| *arm == own);
        let on: BTreeSet<String> =
            named.iter().map(|(deed, _)| channel(deed)).filter(|channel| !channel.is_empty()).collect();
        if consistent {
            counts.insert("c".to_owned(), whole(&[1]));
        }
        if on.len() > 1 {
            counts.insert("s".to_owned(), whole(&[1]));
            if consistent {
                counts.insert("b".to_owned(), whole(&[1]));
            }
        }

        self.outcome(contacts, deeds, own, counts);

        let mut from = Some((exposure.at, None));
        if let Some(trigger) = &contacts.trigger {
            let near = |deed: &&Deed| {
                deed.at < exposure.at
                    && deed.at.micros() >= exposure.at.micros() - DAY_MICROS
                    && self.selects(trigger, deed)
            };
            let before = person.iter().filter(near).max_by_key(|deed| (deed.at, deed.id));
            let first = || deeds.iter().find(|deed| self.selects(trigger, deed)).copied();
            from = before.or_else(first).map(|deed| (deed.at, Some((deed.at, deed.id))));
        }
        if let Some((at, after)) = from {
            counts.insert("g".to_owned(), whole(&[1]));
            let arrival = deeds
                .iter()
                .find(|deed| after.is_none_or(|after| (deed.at, deed.id) > after) && any(&contacts.delivered, deed));
            if let Some(arrival) = arrival {
                let micros = arrival.at.micros() - at.micros();
                let bucket = bucket_of(i128::from(micros)).unwrap();
                let micros = i128::from(micros);
                counts.insert(format!("d{bucket}"), whole(&[1, micros, micros * micros]));
            }
        }
    }

    /// What became of what was assigned: each exposure by itself, with all that happened from it on.
    fn outcome(&self, contacts: &Contacts, deeds: &[&Deed], own: &str, counts: &mut Counts) {
        let key = self.definition.experiment.key.as_str();
        let ends_at = self.definition.experiment.ends_at;
        let channel = |deed: &Deed| text_at(deed, &contacts.channel);
        let any = |selectors: &[Selector], deed: &Deed| selectors.iter().any(|selector| self.selects(selector, deed));
        let (mut received, mut failed, mut refused) = (false, false, false);
        for (at, deed) in deeds.iter().enumerate() {
            if deed.exposure != Some((key, own)) || ends_at.is_some_and(|stop| deed.at >= stop) {
                continue;
            }
            let without_consent = deed.fact(contacts.consent.as_str()) == Fact::One("false".into());
            refused |= without_consent;
            if without_consent || deed.fact(contacts.fallback.as_str()) == Fact::One("true".into()) {
                continue;
            }
            let mut there = true;
            for later in &deeds[at..] {
                let (shown_on, said_on) = (channel(deed), channel(later));
                if !shown_on.is_empty() && !said_on.is_empty() && shown_on != said_on {
                    continue;
                }
                if any(&contacts.undelivered, later) {
                    there = false;
                }
                if any(&contacts.delivered, later) {
                    there = true;
                }
            }
            received |= there;
            failed |= !there;
        }
        let outcome = match (received, failed, refused) {
            (true, ..) => "y",
            (_, true, _) => "u",
            (.., true) => "n",
            _ => "f",
        };
        counts.insert(outcome.to_owned(), whole(&[1]));
    }
}

fn text_at(deed: &Deed, path: &Path) -> String {
    match deed.fact(path.as_str()) {
        Fact::One(text) => text.chars().take(100).collect(),
        _ => String::new(),
    }
}

fn whole(numbers: &[i128]) -> Vec<ethnum::I256> {
    numbers.iter().map(|number| (*number).into()).collect()
}
