//! Batches of one tenant that are being written side by side, and the ids that they share.
//!
//! Whoever sends an event twice mostly does so at once. Postgres has the second one wait until the transaction of the first has
//! ended, and with it the whole statement, so that one shared id would have the batches follow one another. A batch therefore
//! writes what it shares with those before it last, when they have ended.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use journey::EventId;
use tokio::time::timeout;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::batch::Row;

/// As long as a statement waits for a lock.
const PATIENCE: Duration = Duration::from_secs(5);

/// A batch that is being written.
#[derive(Debug)]
pub(super) struct Flight {
    ids: HashSet<EventId>,
    over: CancellationToken,
}

/// The batches of a tenant that are being written.
#[derive(Debug, Default)]
pub(super) struct Flights(Vec<Arc<Flight>>);

/// The batches that were being written when another one began, and share ids with it.
#[derive(Debug, Default)]
pub(super) struct Earlier(Vec<Arc<Flight>>);

impl Flights {
    /// Adds a batch: those before it that it shares ids with, and what says that it is over once it is dropped.
    pub(super) fn begin(&mut self, rows: &[Row]) -> (Earlier, DropGuard) {
        self.0.retain(|flight| !flight.over.is_cancelled());
        let flight = Flight { ids: rows.iter().map(|row| row.event.id).collect(), over: CancellationToken::new() };
        let shares = |other: &&Arc<Flight>| rows.iter().any(|row| other.ids.contains(&row.event.id));
        let earlier = Earlier(self.0.iter().filter(shares).cloned().collect());
        let guard = flight.over.clone().drop_guard();
        self.0.push(Arc::new(flight));
        (earlier, guard)
    }
}

impl Earlier {
    /// Whether one of them has this id.
    pub(super) fn have(&self, id: EventId) -> bool {
        self.0.iter().any(|flight| flight.ids.contains(&id))
    }

    /// Waits until all of them are over, whatever became of them, and no longer than Postgres would: who writes then waits there, or
    /// is told to come again.
    pub(super) async fn over(&self) {
        let all = async {
            for flight in &self.0 {
                flight.over.cancelled().await;
            }
        };
        let _ = timeout(PATIENCE, all).await;
    }
}

#[cfg(test)]
mod tests {
    use journey::{Event, EventDraft, Instant, Limits};

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
}
