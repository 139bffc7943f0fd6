//! Events that were just committed, kept until they are measured, so that the measurement need not read them again.
//!
//! An event is never rewritten once it is committed, and the retention measures again whoever lost some, so what is kept is what is
//! stored. Whatever is not kept, because there was no room or another process took it, is read from the database.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Timer};

use journey::{Amount, Channel, Currency, Exposure, Instant, TenantId};
use uuid::Uuid;

/// The bytes that are kept, about.
const MOST: usize = 32 << 20;

/// What was kept for so long goes: another process has measured it, most likely.
const LONG: Duration = Duration::from_mins(1);

/// What one event takes beside its texts.
const EACH: usize = 400;

/// An event as it was stored.
#[derive(Debug, Clone)]
pub(crate) struct Recorded {
    pub subject: Box<str>,
    pub at: Instant,
    pub name: Arc<str>,
    pub channel: Option<Channel>,
    pub stage: Option<Arc<str>>,
    pub value: Option<Amount>,
    pub currency: Option<Currency>,
    pub exposure: Option<Exposure>,
    /// Its JSON.
    pub data: Option<Data>,
}

/// The JSON of an event as it is stored.
#[derive(Debug, Clone)]
pub(crate) enum Data {
    /// As it is.
    Plain(Box<str>),
    /// Packed with the dictionary of this id.
    Packed(i32, Box<[u8]>),
}

impl Data {
    fn len(&self) -> usize {
        match self {
            Self::Plain(text) => text.len(),
            Self::Packed(_, packed) => packed.len(),
        }
    }
}

impl Recorded {
    fn weight(&self) -> usize {
        let exposure = self.exposure.as_ref().map_or(0, |e| e.experiment.as_str().len() + e.arm.as_str().len());
        let stage = self.stage.as_ref().map_or(0, |stage| stage.len());
        let data = self.data.as_ref().map_or(0, Data::len);
        EACH + self.subject.len() + self.name.len() + stage + exposure + data
    }
}

/// An event of a tenant.
type Id = (TenantId, Uuid);

/// The events that are kept.
pub(crate) struct Recent {
    kept: Mutex<Kept>,
    most: usize,
}

#[derive(Default)]
struct Kept {
    events: HashMap<Id, Arc<Recorded>>,
    /// The ids in the order in which they came; some may be gone already.
    order: VecDeque<(Timer, Id)>,
    bytes: usize,
}

impl Kept {
    fn remove(&mut self, id: &Id) {
        if let Some(gone) = self.events.remove(id) {
            self.bytes = self.bytes.saturating_sub(gone.weight());
        }
    }

    /// Lets go of what came long before `now`, and of the places of those that are gone.
    fn tidy(&mut self, now: Timer) {
        while let Some((came, id)) = self.order.front().copied() {
            if self.events.contains_key(&id) {
                if now.duration_since(came) <= LONG {
                    break;
                }
                self.remove(&id);
            }
            self.order.pop_front();
        }
        // One that stays keeps the places behind it.
        if self.order.len() > 2 * self.events.len() + 1_024 {
            let events = &self.events;
            self.order.retain(|(_, id)| events.contains_key(id));
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { kept: Mutex::default(), most: MOST }
    }
}

impl Recent {
    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Keeps events that were committed. Where there is no room, those that came first stay: they are measured first.
    pub(crate) fn keep(&self, tenant: TenantId, events: impl IntoIterator<Item = (Uuid, Recorded)>) {
        let now = Timer::now();
        let mut kept = self.kept();
        kept.tidy(now);
        for (id, event) in events {
            let (id, weight) = ((tenant, id), event.weight());
            kept.remove(&id);
            if kept.bytes + weight > self.most {
                return;
            }
            kept.events.insert(id, Arc::new(event));
            kept.bytes += weight;
            kept.order.push_back((now, id));
        }
    }

    /// Whether there is room for anything.
    pub(crate) fn has_room(&self) -> bool {
        let mut kept = self.kept();
        kept.tidy(Timer::now());
        kept.bytes < self.most
    }

    /// The events of these ids that are kept, each with its id, and the ids of the others.
    pub(crate) fn get(&self, tenant: TenantId, ids: &[Uuid]) -> (Vec<(Uuid, Arc<Recorded>)>, Vec<Uuid>) {
        let kept = self.kept();
        let (mut found, mut missing) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            match kept.events.get(&(tenant, *id)) {
                Some(event) => found.push((*id, event.clone())),
                None => missing.push(*id),
            }
        }
        (found, missing)
    }

    /// Whether any of these events is an exposure that `is_looked_for`; `None` where it may be one that is not kept.
    pub(crate) fn exposes(
        &self,
        tenant: TenantId,
        ids: &[Uuid],
        is_looked_for: impl Fn(&Exposure) -> bool,
    ) -> Option<bool> {
        let kept = self.kept();
        let mut are_all_kept = true;
        for id in ids {
            match kept.events.get(&(tenant, *id)) {
                Some(event) if event.exposure.as_ref().is_some_and(&is_looked_for) => return Some(true),
                Some(_) => {}
                None => are_all_kept = false,
            }
        }
        are_all_kept.then_some(false)
    }

    /// Lets events go that were measured.
    pub(crate) fn forget(&self, tenant: TenantId, ids: impl IntoIterator<Item = Uuid>) {
        let mut kept = self.kept();
        for id in ids {
            kept.remove(&(tenant, id));
        }
        kept.tidy(Timer::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use journey::Name;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));

    fn event(data: usize) -> Recorded {
        Recorded {
            subject: "u:1".into(),
            at: Instant::from_micros(0),
            name: "Page Viewed".into(),
            channel: None,
            stage: None,
            value: None,
            currency: None,
            exposure: None,
            data: Some(Data::Plain("x".repeat(data).into())),
        }
    }

    fn ids(range: std::ops::Range<u128>) -> Vec<Uuid> {
        range.map(Uuid::from_u128).collect()
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_measured() {
        let recent = Recent::default();
        recent.keep(TENANT, ids(0..4).into_iter().map(|id| (id, event(10))));
        let (found, missing) = recent.get(TENANT, &ids(2..6));
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids(2..4));
        assert!(matches!(&found[0].1.data, Some(Data::Plain(text)) if text.len() == 10));
        assert_eq!(missing, ids(4..6));
        let exposes = |range| recent.exposes(TENANT, &ids(range), |exposure| exposure.experiment.as_str() == "e");
        assert_eq!((exposes(0..4), exposes(2..6), exposes(0..8)), (Some(false), None, None));
        let exposure = Exposure { experiment: Name::parse("e", "").unwrap(), arm: Name::parse("on", "").unwrap() };
        recent.keep(TENANT, [(Uuid::from_u128(7), Recorded { exposure: Some(exposure), ..event(1) })]);
        assert_eq!((exposes(0..4), exposes(6..8), exposes(0..8)), (Some(false), Some(true), Some(true)));
        recent.forget(TENANT, ids(7..8));
        assert_eq!(recent.get(TenantId(Uuid::from_u128(2)), &ids(0..1)).1, ids(0..1), "of another tenant");
        recent.forget(TENANT, ids(0..3));
        assert_eq!(recent.get(TENANT, &ids(0..4)).1, ids(0..3));
        recent.forget(TENANT, ids(3..4));
        assert!(recent.kept().order.is_empty() && recent.kept().bytes == 0);
    }

    #[test]
    fn room_is_bounded_and_the_first_stay() {
        let recent = Recent { kept: Mutex::default(), most: 3 * event(100).weight() };
        recent.keep(TENANT, ids(0..5).into_iter().map(|id| (id, event(100))));
        assert_eq!(recent.get(TENANT, &ids(0..5)).1, ids(3..5));
        // Kept twice takes no more room.
        recent.keep(TENANT, ids(0..1).into_iter().map(|id| (id, event(100))));
        assert!(!recent.has_room());
        recent.forget(TENANT, ids(1..2));
        recent.keep(TENANT, ids(8..10).into_iter().map(|id| (id, event(100))));
        assert_eq!(recent.get(TENANT, &ids(8..10)).1, ids(9..10));
    }

    #[test]
    fn one_that_nobody_measures_here_does_not_keep_the_places_of_others() {
        let recent = Recent::default();
        recent.keep(TENANT, [(Uuid::from_u128(u128::MAX), event(1))]);
        for turn in 0..100 {
            let new = || ids(turn * 100..turn * 100 + 100);
            recent.keep(TENANT, new().into_iter().map(|id| (id, event(1))));
            recent.forget(TENANT, new());
        }
        assert!(recent.kept().order.len() < 1_200, "{}", recent.kept().order.len());
        let later = Timer::now() + LONG + LONG;
        recent.kept().tidy(later);
        assert!(recent.kept().events.is_empty() && recent.kept().bytes == 0);
    }
}
