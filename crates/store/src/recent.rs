//! Events that were just committed, kept until they are measured, so that the measurement need not read them again.
//!
//! An event is never rewritten once it is committed, and the retention measures again whoever lost some, so what is kept is what is
//! stored. Whatever is not kept, because there was no room or another process took it, is read from the database; so is JSON that
//! nobody was known to look at when the event came.

mod record;

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant as Timer};

use journey::TenantId;
use uuid::Uuid;

pub(crate) use self::record::{Data, Kept, Recorded};

/// The bytes that are kept, about.
const MOST: usize = 32 << 20;

/// What was kept for so long goes: another process has measured it, most likely.
const LONG: Duration = Duration::from_mins(1);

/// What one event takes beside its record: places in the map and in the order of arrival, and what the allocator rounds up.
const EACH: usize = 120;

/// The events that are kept.
pub(crate) struct Recent {
    all: Mutex<All>,
    most: usize,
}

#[derive(Default)]
struct All {
    tenants: HashMap<TenantId, OfTenant>,
    /// The ids of each batch, in the order in which they came; some may be gone already.
    order: VecDeque<(Timer, TenantId, Vec<Uuid>)>,
    /// How many ids these are.
    places: usize,
    events: usize,
    bytes: usize,
}

#[derive(Default)]
struct OfTenant {
    events: HashMap<Uuid, Kept>,
    /// The names of the events whose JSON the measurement looks at, ascending; `None`: any name.
    looked_at: Option<Arc<[String]>>,
}

/// Whether the JSON of events of this name is looked at; `names` are ascending, and without them any name is.
pub(crate) fn is_looked_at(names: Option<&[String]>, name: &str) -> bool {
    names.is_none_or(|names| names.binary_search_by(|known| (**known).cmp(name)).is_ok())
}

impl All {
    fn get(&self, tenant: TenantId, id: &Uuid) -> Option<&Kept> {
        self.tenants.get(&tenant)?.events.get(id)
    }

    fn remove(&mut self, tenant: TenantId, id: &Uuid) {
        let Some(of) = self.tenants.get_mut(&tenant) else { return };
        if let Some(gone) = of.events.remove(id) {
            self.bytes = self.bytes.saturating_sub(gone.len() + EACH);
            self.events -= 1;
            // A map keeps the room that it once needed.
            if of.events.is_empty() || of.events.len() < of.events.capacity() / 8 {
                of.events.shrink_to(of.events.len() * 2);
            }
        }
    }

    /// Lets go of what came long before `now`, and of the places of those that are gone.
    fn tidy(&mut self, now: Timer) {
        while let Some((came, tenant, mut ids)) = self.order.pop_front() {
            let placed = ids.len();
            if now.duration_since(came) > LONG {
                ids.drain(..).for_each(|id| self.remove(tenant, &id));
            }
            while ids.pop_if(|id| self.get(tenant, id).is_none()).is_some() {}
            self.places -= placed - ids.len();
            if !ids.is_empty() {
                self.order.push_front((came, tenant, ids));
                break;
            }
        }
        // One that stays keeps the places behind it.
        if self.places > 2 * self.events + 1_024 {
            let tenants = &self.tenants;
            for (_, tenant, ids) in &mut self.order {
                ids.retain(|id| tenants.get(tenant).is_some_and(|of| of.events.contains_key(id)));
                ids.shrink_to_fit();
            }
            self.order.retain(|(.., ids)| !ids.is_empty());
            self.places = self.order.iter().map(|(.., ids)| ids.len()).sum();
        }
    }
}

impl Default for Recent {
    fn default() -> Self {
        Self { all: Mutex::default(), most: MOST }
    }
}

impl Recent {
    fn all(&self) -> MutexGuard<'_, All> {
        self.all.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// From now on the measurement of a tenant looks at the JSON of events of these names, ascending; `None`: of any name.
    pub(crate) fn look_at(&self, tenant: TenantId, names: Option<&[String]>) {
        let mut all = self.all();
        let known = &mut all.tenants.entry(tenant).or_default().looked_at;
        if known.as_deref() != names {
            *known = names.map(Arc::from);
        }
    }

    /// Keeps events that were committed. Where there is no room, those that came first stay: they are measured first.
    pub(crate) fn keep<'e>(&self, tenant: TenantId, events: impl IntoIterator<Item = (Uuid, Recorded<'e>)>) {
        let looked_at = self.all().tenants.get(&tenant).and_then(|of| of.looked_at.clone());
        let records = events.into_iter().filter_map(|(id, mut event)| {
            if !matches!(event.data, Data::None) && !is_looked_at(looked_at.as_deref(), event.name) {
                event.data = Data::Elsewhere;
            }
            Some((id, Kept::of(&event)?))
        });
        // Others need the lock meanwhile.
        let records: Vec<(Uuid, Kept)> = records.collect();
        let now = Timer::now();
        let mut all = self.all();
        all.tidy(now);
        let mut ids = Vec::with_capacity(records.len());
        for (id, record) in records {
            all.remove(tenant, &id);
            let weight = record.len() + EACH;
            if all.bytes + weight > self.most {
                break;
            }
            all.tenants.entry(tenant).or_default().events.insert(id, record);
            all.events += 1;
            all.bytes += weight;
            ids.push(id);
        }
        if !ids.is_empty() {
            all.places += ids.len();
            all.order.push_back((now, tenant, ids));
        }
    }

    /// Whether there is room for anything.
    pub(crate) fn has_room(&self) -> bool {
        let mut all = self.all();
        all.tidy(Timer::now());
        all.bytes < self.most
    }

    /// The events of these ids that are kept, each with its id, and the ids of the others.
    pub(crate) fn get(&self, tenant: TenantId, ids: &[Uuid]) -> (Vec<(Uuid, Kept)>, Vec<Uuid>) {
        let all = self.all();
        let (mut found, mut missing) = (Vec::with_capacity(ids.len()), Vec::new());
        for id in ids {
            match all.get(tenant, id) {
                Some(event) => found.push((*id, event.clone())),
                None => missing.push(*id),
            }
        }
        (found, missing)
    }

    /// Whether any of these events is an exposure to an experiment that `is_looked_for`; `None` where it may be one that is not kept.
    pub(crate) fn exposes(&self, tenant: TenantId, ids: &[Uuid], is_looked_for: impl Fn(&str) -> bool) -> Option<bool> {
        let all = self.all();
        let mut are_all_kept = true;
        for id in ids {
            match all.get(tenant, id) {
                Some(event) if event.experiment().is_some_and(&is_looked_for) => return Some(true),
                Some(_) => {}
                None => are_all_kept = false,
            }
        }
        are_all_kept.then_some(false)
    }

    /// Lets events go that were measured.
    pub(crate) fn forget(&self, tenant: TenantId, ids: impl IntoIterator<Item = Uuid>) {
        let mut all = self.all();
        for id in ids {
            all.remove(tenant, &id);
        }
        all.tidy(Timer::now());
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TENANT: TenantId = TenantId(Uuid::from_u128(1));

    fn event(data: &str) -> Recorded<'_> {
        Recorded { data: Data::Plain(data), ..Recorded::page("u:1") }
    }

    fn ids(range: std::ops::Range<u128>) -> Vec<Uuid> {
        range.map(Uuid::from_u128).collect()
    }

    #[test]
    fn what_is_kept_is_found_until_it_is_measured() {
        let recent = Recent::default();
        recent.keep(TENANT, ids(0..4).into_iter().map(|id| (id, event("{}"))));
        let (found, missing) = recent.get(TENANT, &ids(2..6));
        assert_eq!(found.iter().map(|(id, _)| *id).collect::<Vec<_>>(), ids(2..4));
        assert_eq!(found[0].1.read(), Some(event("{}")));
        assert_eq!(missing, ids(4..6));
        let exposes = |range| recent.exposes(TENANT, &ids(range), |experiment| experiment == "e");
        assert_eq!((exposes(0..4), exposes(2..6), exposes(0..8)), (Some(false), None, None));
        recent.keep(TENANT, [(Uuid::from_u128(7), Recorded { exposure: Some(("e", "on")), ..event("{}") })]);
        assert_eq!((exposes(0..4), exposes(6..8), exposes(0..8)), (Some(false), Some(true), Some(true)));
        recent.forget(TENANT, ids(7..8));
        assert_eq!(recent.get(TenantId(Uuid::from_u128(2)), &ids(0..1)).1, ids(0..1), "of another tenant");
        recent.forget(TENANT, ids(0..3));
        assert_eq!(recent.get(TENANT, &ids(0..4)).1, ids(0..3));
        recent.forget(TENANT, ids(3..4));
        assert!(is_empty(&recent));
    }

    #[test]
    fn json_that_nobody_looks_at_is_not_kept() {
        let recent = Recent::default();
        let data = |id: u128| recent.get(TENANT, &[Uuid::from_u128(id)]).0[0].1.read().unwrap().data != Data::Elsewhere;
        let other = Recorded { name: "Order Completed", ..event("{}") };
        let keep =
            |id: u128| recent.keep(TENANT, [(Uuid::from_u128(id), event("{}")), (Uuid::from_u128(id + 1), other)]);
        keep(0);
        assert!(data(0) && data(1), "nobody is known to look at less than all");
        recent.look_at(TENANT, Some(&["Order Completed".to_owned()]));
        keep(2);
        assert!(!data(2) && data(3));
        recent.keep(TENANT, [(Uuid::from_u128(4), Recorded { data: Data::None, ..event("") })]);
        assert!(data(4), "there is none elsewhere");
        recent.look_at(TENANT, None);
        keep(5);
        assert!(data(5) && data(6));
    }

    #[test]
    fn room_is_bounded_and_the_first_stay() {
        let text = "x".repeat(100);
        let event = event(&text);
        let recent = Recent { all: Mutex::default(), most: 3 * (Kept::of(&event).unwrap().len() + EACH) };
        recent.keep(TENANT, ids(0..5).into_iter().map(|id| (id, event)));
        assert_eq!(recent.get(TENANT, &ids(0..5)).1, ids(3..5));
        // Kept twice takes no more room.
        recent.keep(TENANT, ids(0..1).into_iter().map(|id| (id, event)));
        assert!(!recent.has_room());
        recent.forget(TENANT, ids(1..2));
        recent.keep(TENANT, ids(8..10).into_iter().map(|id| (id, event)));
        assert_eq!(recent.get(TENANT, &ids(8..10)).1, ids(9..10));
    }

    #[test]
    fn one_that_nobody_measures_here_does_not_keep_the_places_of_others() {
        let recent = Recent::default();
        recent.keep(TENANT, [(Uuid::from_u128(u128::MAX), event("{}"))]);
        for turn in 0..100 {
            let new = || ids(turn * 100..turn * 100 + 100);
            recent.keep(TENANT, new().into_iter().map(|id| (id, event("{}"))));
            recent.forget(TENANT, new());
        }
        assert!(recent.all().places < 1_200, "{}", recent.all().places);
        assert_eq!(recent.get(TENANT, &[Uuid::from_u128(u128::MAX)]).0.len(), 1);
        let later = Timer::now() + LONG + LONG;
        recent.all().tidy(later);
        assert!(is_empty(&recent));
    }

    fn is_empty(recent: &Recent) -> bool {
        let all = recent.all();
        all.tenants.values().all(|of| of.events.capacity() == 0)
            && all.order.is_empty()
            && (all.places, all.events, all.bytes) == (0, 0, 0)
    }
}
