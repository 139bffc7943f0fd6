//! Batches of one tenant that are being written side by side, and the ids that they share.
//!
//! Whoever sends an event twice mostly does so at once. Postgres has the second one wait until the transaction of the first has
//! ended, and with it the whole statement, so that one shared id would have the batches follow one another. A batch therefore
//! writes what it shares with those before it last, when they have ended; and not at all where one of them had the same body: Postgres
//! has compared it with the stored one, and would find nothing new.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use journey::EventId;
use tokio::sync::watch;
use tokio::time::timeout;

use super::batch::Row;
use super::write::Written;

/// As long as a statement waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// The digest of each row that is stored, or was compared with what is; empty as long as nothing is known.
type Settled = Vec<Option<i64>>;

/// A batch that is being written.
#[derive(Debug)]
struct Flight {
    /// The place of the first row of each id.
    places: HashMap<EventId, usize>,
    /// Told just before the batch is over, and never where its writer broke down. It is over when nobody can tell any more.
    settled: watch::Receiver<Settled>,
}

impl Flight {
    fn is_over(&self) -> bool {
        self.settled.has_changed().is_err()
    }

    /// Waits until it is over, whatever became of it.
    async fn over(&self) {
        // The condition never holds, so that this ends, with an error, when nobody can tell any more.
        let _ = self.settled.clone().wait_for(|_| false).await;
    }

    /// The digest that it settled under this id.
    fn digest(&self, id: EventId) -> Option<i64> {
        let place = self.places.get(&id)?;
        *self.settled.borrow().get(*place)?
    }
}

/// The batches of a tenant that are being written.
#[derive(Debug, Default)]
pub(super) struct Flights(Vec<Arc<Flight>>);

/// The batches that were being written when another one began, and share ids with it.
#[derive(Debug, Default)]
pub(super) struct Earlier(Vec<Arc<Flight>>);

/// A batch that is being written, for whoever writes it. Those after it wait until this is dropped.
#[derive(Debug)]
pub(super) struct InFlight(watch::Sender<Settled>);

impl Flights {
    /// Adds a batch: those before it that it shares ids with, and what says that it is over once it is dropped.
    pub(super) fn begin(&mut self, rows: &[Row]) -> (Earlier, InFlight) {
        self.0.retain(|flight| !flight.is_over());
        let shares = |other: &&Arc<Flight>| rows.iter().any(|row| other.places.contains_key(&row.event.id));
        let earlier = Earlier(self.0.iter().filter(shares).cloned().collect());
        let mut places = HashMap::with_capacity(rows.len());
        for (place, row) in rows.iter().enumerate() {
            places.entry(row.event.id).or_insert(place);
        }
        let (sender, settled) = watch::channel(Settled::new());
        self.0.push(Arc::new(Flight { places, settled }));
        (earlier, InFlight(sender))
    }
}

impl InFlight {
    /// The batch is over, and this became of its rows.
    pub(super) fn settle(self, rows: &[Row], written: &Written) {
        let settled = rows.iter().enumerate().map(|(at, row)| written.is_settled(at).then_some(row.event.digest));
        self.0.send_replace(settled.collect());
    }
}

impl Earlier {
    /// Whether one of them has this id.
    pub(super) fn have(&self, id: EventId) -> bool {
        self.0.iter().any(|flight| flight.places.contains_key(&id))
    }

    /// Whether one of them settled a body of the same digest under this id: then there is nothing to write.
    pub(super) fn know(&self, row: &Row) -> bool {
        self.0.iter().any(|flight| flight.digest(row.event.id) == Some(row.event.digest))
    }

    /// Waits until all of them are over, whatever became of them, and no longer than Postgres would: who writes then waits there, or
    /// is told to come again.
    pub(super) async fn over(&self) {
        let all = async {
            for flight in &self.0 {
                flight.over().await;
            }
        };
        let _ = timeout(PATIENCE, all).await;
    }
}

#[cfg(test)]
mod tests {
    use journey::{Event, EventDraft, Instant, Invalid, Limits};

    use super::super::Outcome::{self, Accepted, Duplicate, Refused};
    use super::*;

    fn rows(ids: &[&str]) -> Vec<Row> {
        let received_at = Instant::parse("2026-11-01T12:00:00Z", "").unwrap();
        let event = |id: &&str| {
            let (event_id, user_id) = (Some((*id).into()), Some("u".into()));
            let draft = EventDraft { event_id, user_id, name: Some("A".into()), ..EventDraft::default() };
            Event::validate(draft, Limits::default(), received_at).unwrap()
        };
        ids.iter().map(|id| Row { event: event(id), received_at }).collect()
    }

    #[tokio::test]
    async fn what_is_shared_waits_for_the_batches_before_and_nothing_else_does() {
        let (first, second, third) = (rows(&["1", "2"]), rows(&["2", "3"]), rows(&["3", "4"]));
        let mut flights = Flights::default();
        let (nobody, first_over) = flights.begin(&first);
        assert!(first.iter().all(|row| !nobody.have(row.event.id)));
        timeout(Duration::from_secs(5), nobody.over()).await.unwrap();

        let (earlier, second_over) = flights.begin(&second);
        assert_eq!([&second[0], &second[1]].map(|row| earlier.have(row.event.id)), [true, false]);
        assert!(timeout(Duration::from_millis(20), earlier.over()).await.is_err());
        drop(first_over);
        timeout(Duration::from_secs(5), earlier.over()).await.unwrap();

        // The first one is over, and forgotten.
        let (earlier, third_over) = flights.begin(&third);
        assert_eq!([&third[0], &third[1]].map(|row| earlier.have(row.event.id)), [true, false]);
        assert_eq!(flights.0.len(), 2);
        drop((second_over, third_over));
        let (earlier, _) = flights.begin(&third);
        assert!(!earlier.have(third[0].event.id) && flights.0.len() == 1);
    }

    #[tokio::test]
    async fn a_body_that_was_settled_need_not_be_written_again() {
        let known = |of: &[Row], outcomes: &[Option<Outcome>], again: &[Row]| {
            let mut flights = Flights::default();
            let (_, own) = flights.begin(of);
            let (earlier, _) = flights.begin(again);
            assert!(!again.iter().any(|row| earlier.know(row)), "nobody knows before it is over");
            own.settle(of, &Written { outcomes: outcomes.to_vec(), failure: None });
            again.iter().map(|row| earlier.know(row)).collect::<Vec<_>>()
        };
        let (new, old) = (Some(Accepted), Some(Duplicate));
        let refused = Some(Refused(Invalid::new("refused_by_database", "", "")));
        let of = rows(&["1", "2", "3", "4"]);
        let outcomes = [new.clone(), old.clone(), refused, None];
        assert_eq!(known(&of, &outcomes, &rows(&["1", "2", "3", "4", "5"])), [true, true, false, false, false]);
        // Of a batch whose writer broke down nothing is known, and nobody waits for it any longer.
        let mut flights = Flights::default();
        drop(flights.begin(&of));
        let (_, own) = flights.begin(&of);
        let (earlier, _) = flights.begin(&of);
        drop(own);
        timeout(Duration::from_secs(5), earlier.over()).await.unwrap();
        assert!(earlier.have(of[0].event.id) && !earlier.know(&of[0]));
        // Of two bodies under one id the first is stored; the other one is for Postgres to compare again.
        let (mut first, mut other) = (rows(&["1", "1"]), rows(&["1", "1"]));
        first[1].event.digest += 1;
        other[1].event.digest += 1;
        assert_eq!(known(&first, &[new, old], &other), [true, false]);
    }
}
