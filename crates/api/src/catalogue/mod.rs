//! Ready-made KPIs: definitions that work at once for events named as Segment's specifications name them.

mod clicks;
mod commerce;
mod engagement;
mod software;
mod voice;

use journey::{Role, Tactic};

/// A ready-made KPI.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Entry {
    /// Its key in the catalogue, and the key that a metric made of it may have.
    pub(crate) key: &'static str,
    /// What people call it.
    pub(crate) name: &'static str,
    /// The body that defines it, as JSON text.
    pub(crate) definition: &'static str,
    /// How it is computed.
    pub(crate) formula: &'static str,
    /// The tactics that it suits; all of them where none is named.
    pub(crate) tactics: &'static [Tactic],
    /// What it is for in most experiments.
    pub(crate) role: Role,
    /// The events that it reads.
    pub(crate) events: &'static [Source],
    /// What to beware of.
    pub(crate) caveats: &'static [&'static str],
    /// The route that tells more than one number of it.
    pub(crate) route: Option<&'static str>,
}

/// Events that a ready-made KPI reads.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Source {
    /// Their name.
    pub(crate) event: &'static str,
    /// Which specification names them.
    pub(crate) named_by: NamedBy,
    /// What of them is read beside their name.
    pub(crate) reads: &'static [&'static str],
}

/// Who named an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NamedBy {
    Ecommerce,
    Email,
    Mobile,
    Software,
    LiveChat,
    Pages,
    /// No specification has such an event: this name and these properties are Journeylift's.
    Journeylift,
}

impl NamedBy {
    /// The name of the specification.
    pub(crate) fn word(self) -> &'static str {
        match self {
            Self::Ecommerce => "segment_ecommerce",
            Self::Email => "segment_email",
            Self::Mobile => "segment_mobile",
            Self::Software => "segment_b2b_saas",
            Self::LiveChat => "segment_live_chat",
            Self::Pages => "segment_page",
            Self::Journeylift => "journeylift",
        }
    }
}

const fn source(named_by: NamedBy, event: &'static str, reads: &'static [&'static str]) -> Source {
    Source { event, named_by, reads }
}

const ORDERS: Source = source(NamedBy::Ecommerce, "Order Completed", &["revenue"]);
const REFUNDS: Source = source(NamedBy::Ecommerce, "Order Refunded", &["total"]);
const ANYTHING: Source = source(NamedBy::Journeylift, "*", &[]);

const NOT_AN_EFFECT_OF_EACH: &str = "its denominator is moved by the arm as well: read it with the rate per person, which is defined for everyone \
     exposed";

/// Every ready-made KPI, by subject.
pub(crate) fn entries() -> impl Iterator<Item = &'static Entry> {
    [commerce::ENTRIES, clicks::ENTRIES, engagement::ENTRIES, voice::ENTRIES, software::ENTRIES].into_iter().flatten()
}

/// The ready-made KPI of this key.
pub(crate) fn entry(key: &str) -> Option<&'static Entry> {
    entries().find(|entry| entry.key == key)
}

impl Entry {
    /// Whether it suits a tactic.
    pub(crate) fn suits(&self, tactic: Tactic) -> bool {
        self.tactics.is_empty() || self.tactics.contains(&tactic)
    }

    /// The tactics that it suits.
    pub(crate) fn all_tactics(&self) -> &'static [Tactic] {
        if self.tactics.is_empty() { Tactic::ALL } else { self.tactics }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use journey::{Goal, Key, Pattern};

    use super::*;

    #[test]
    fn every_definition_is_one_and_says_what_it_reads() {
        let mut keys = HashSet::new();
        for entry in entries() {
            assert!(keys.insert(entry.key), "{} stands twice", entry.key);
            let json = crate::json::parse(entry.definition.as_bytes()).unwrap();
            let metric = crate::wire::metric::read(Key::parse(entry.key, "").unwrap(), json)
                .unwrap_or_else(|refusal| panic!("{}: {refusal:?}", entry.key));
            assert!(metric.unit.is_some() && metric.description.is_some(), "{}", entry.key);
            for selector in metric.kind.selectors() {
                let name = match &selector.event {
                    Pattern::Any => "*",
                    Pattern::Named(name) => name.as_str(),
                };
                assert!(entry.events.iter().any(|source| source.event == name), "{} reads {name}", entry.key);
            }
            if entry.role == Role::Guardrail {
                assert_eq!(metric.goal, Goal::Decrease, "{}", entry.key);
            }
        }
    }
}
