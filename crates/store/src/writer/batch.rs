//! A batch as columns: sorted by id, each id once, with what the new events bring along.

use journey::{Event, EventId, Instant};
use sqlx::types::chrono::{DateTime, Utc};
use uuid::Uuid;

use super::Outcome;
use super::arrivals::Shift;
use crate::packed::{self, Dictionary, Packer};
use crate::recent::{Data, Recorded};

/// An event and when its try was received.
#[derive(Debug, Clone)]
pub(super) struct Row {
    pub(super) event: Event,
    pub(super) received_at: Instant,
}

impl Row {
    /// When it happened; where that was not sent, when this try was received.
    fn at(&self) -> Instant {
        self.event.at.unwrap_or(self.received_at)
    }
}

/// The rows of one transaction.
#[derive(Debug)]
pub(super) struct Batch<'a> {
    rows: Vec<&'a Row>,
    /// Indexes into `rows`, sorted by event id, then by arrival.
    order: Vec<usize>,
}

/// The columns of the events to insert, each id once, sorted by id.
#[derive(Debug, Default)]
pub(super) struct EventColumns<'a> {
    pub(super) event_id: Vec<Uuid>,
    pub(super) subject: Vec<&'a str>,
    pub(super) occurred_at: Vec<DateTime<Utc>>,
    pub(super) received_at: Vec<DateTime<Utc>>,
    pub(super) name: Vec<&'a str>,
    pub(super) channel: Vec<Option<&'a str>>,
    pub(super) stage: Vec<Option<&'a str>>,
    pub(super) value: Vec<Option<i64>>,
    pub(super) currency: Vec<Option<&'a str>>,
    pub(super) experiment: Vec<Option<&'a str>>,
    pub(super) arm: Vec<Option<&'a str>>,
    pub(super) digest: Vec<i64>,
    /// The JSON of those that are stored as they are.
    pub(super) data: Vec<Option<String>>,
    /// That of those that are packed; no entries at all without a dictionary.
    pub(super) packed: Vec<Option<Vec<u8>>>,
}

/// Two columns of pairs, sorted, each pair once.
pub(super) type Pairs<'a> = (Vec<&'a str>, Vec<&'a str>);

/// The columns of the new events' subjects, for the queue of the measurement.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct TouchedColumns<'a> {
    pub(super) subject: Vec<&'a str>,
    pub(super) event_id: Vec<Uuid>,
    /// The experiment, where the event is an exposure.
    pub(super) experiment: Vec<Option<&'a str>>,
    /// When it happened.
    pub(super) occurred_at: Vec<DateTime<Utc>>,
    /// When it was received, as the event's row says.
    pub(super) received_at: Vec<DateTime<Utc>>,
}

/// What follows from the events that were new.
#[derive(Debug)]
pub(super) struct Consequences<'a> {
    /// One outcome per row, in the order of arrival.
    pub(super) outcomes: Vec<Outcome>,
    /// Links between subjects, in both directions.
    pub(super) links: Pairs<'a>,
    /// Experiments and the subjects exposed to them.
    pub(super) exposures: Pairs<'a>,
    pub(super) touched: TouchedColumns<'a>,
    /// Ids and digests of bodies that may be others than the stored ones.
    pub(super) doubtful: (Vec<Uuid>, Vec<i64>),
    /// The new events that did not arrive when they happened.
    pub(super) shifts: Vec<Shift>,
}

impl<'a> Batch<'a> {
    pub(super) fn of(rows: impl IntoIterator<Item = &'a Row>) -> Self {
        let rows: Vec<&Row> = rows.into_iter().collect();
        let mut order: Vec<usize> = (0..rows.len()).collect();
        order.sort_by_key(|at| (rows[*at].event.id, *at));
        Self { rows, order }
    }

    /// The rows of each id, in the order of ids; within one, in the order of arrival.
    fn groups(&self) -> impl Iterator<Item = &[usize]> {
        self.order.chunk_by(|a, b| self.rows[*a].event.id == self.rows[*b].event.id)
    }

    /// The columns of the first event of each id, their JSON packed where there is a `packer`.
    pub(super) fn columns(&self, mut packer: Option<&mut Packer<'_>>) -> EventColumns<'a> {
        let mut columns = EventColumns::default();
        for row in self.groups().map(|group| self.rows[group[0]]) {
            let event = &row.event;
            columns.event_id.push(uuid(event.id));
            columns.subject.push(event.subject.key());
            columns.occurred_at.push(row.at().to_utc());
            columns.received_at.push(row.received_at.to_utc());
            columns.name.push(event.name.as_str());
            columns.channel.push(event.channel.map(journey::Channel::word));
            columns.stage.push(event.stage.as_ref().map(journey::Name::as_str));
            columns.value.push(event.value.map(journey::Amount::units));
            columns.currency.push(event.currency.map(journey::Currency::code));
            columns.experiment.push(event.exposure.as_ref().map(|exposure| exposure.experiment.as_str()));
            columns.arm.push(event.exposure.as_ref().map(|exposure| exposure.arm.as_str()));
            columns.digest.push(event.digest);
            let text = packed::text(event);
            if let Some(packer) = &mut packer {
                let packed = text.as_deref().and_then(|text| packer.pack(text));
                columns.data.push(text.filter(|_| packed.is_none()));
                columns.packed.push(packed);
            } else {
                columns.data.push(text);
            }
        }
        columns
    }

    /// What follows from these ids having been new.
    pub(super) fn consequences(&self, mut inserted: Vec<Uuid>) -> Consequences<'a> {
        inserted.sort_unstable();
        let mut outcomes = vec![Outcome::Duplicate; self.rows.len()];
        let (mut links, mut exposures, mut doubtful) = (Vec::new(), Vec::new(), Vec::new());
        let mut touched = TouchedColumns::default();
        let mut shifts = Vec::new();
        for group in self.groups() {
            let (first, again) = (group[0], &group[1..]);
            let row = self.rows[first];
            let event = &row.event;
            if inserted.binary_search(&uuid(event.id)).is_err() {
                // The stored body is another's: every body of the batch may differ from it.
                doubtful.extend(group.iter().map(|at| (uuid(event.id), self.rows[*at].event.digest)));
                continue;
            }
            outcomes[first] = Outcome::Accepted;
            shifts.extend(Shift::of(row.at(), row.received_at));
            let others = again.iter().map(|at| self.rows[*at].event.digest).filter(|digest| *digest != event.digest);
            doubtful.extend(others.map(|digest| (uuid(event.id), digest)));
            for other in &event.linked {
                links.push((event.subject.key(), other.key()));
                links.push((other.key(), event.subject.key()));
            }
            if let Some(exposure) = &event.exposure {
                exposures.push((exposure.experiment.as_str(), event.subject.key()));
            }
            touched.subject.push(event.subject.key());
            touched.event_id.push(uuid(event.id));
            touched.experiment.push(event.exposure.as_ref().map(|exposure| exposure.experiment.as_str()));
            touched.occurred_at.push(row.at().to_utc());
            touched.received_at.push(row.received_at.to_utc());
        }
        Consequences {
            outcomes,
            links: sorted(links).into_iter().unzip(),
            exposures: sorted(exposures).into_iter().unzip(),
            touched,
            doubtful: sorted(doubtful).into_iter().unzip(),
            shifts,
        }
    }
}

impl Batch<'_> {
    /// The events that were new, as they were stored; `columns` are those of this batch.
    pub(super) fn recorded<'b>(
        &'b self,
        columns: &'b EventColumns<'_>,
        touched: &'b TouchedColumns<'_>,
        dictionary: Option<&'b Dictionary>,
    ) -> impl Iterator<Item = (Uuid, Recorded<'b>)> {
        // All are sorted by id.
        let mut new = touched.event_id.iter().peekable();
        let packed = columns.packed.iter().map(Option::as_deref).chain(std::iter::repeat(None));
        let data = columns.data.iter().zip(packed).map(move |(text, packed)| match (text, dictionary.zip(packed)) {
            (_, Some((dictionary, packed))) => Data::Packed(dictionary.id(), packed),
            (text, None) => text.as_deref().map_or(Data::None, Data::Plain),
        });
        let rows = self.groups().map(|group| self.rows[group[0]]).zip(data);
        rows.filter(move |(row, _)| new.next_if(|id| **id == uuid(row.event.id)).is_some())
            .map(|(row, data)| (uuid(row.event.id), recorded(row, data)))
    }
}

fn recorded<'a>(row: &'a Row, data: Data<'a>) -> Recorded<'a> {
    let event = &row.event;
    Recorded {
        subject: event.subject.key(),
        at: row.at(),
        name: event.name.as_str(),
        channel: event.channel,
        stage: event.stage.as_ref().map(journey::Name::as_str),
        value: event.value,
        currency: event.currency,
        exposure: event.exposure.as_ref().map(|exposure| (exposure.experiment.as_str(), exposure.arm.as_str())),
        data,
    }
}

fn uuid(id: EventId) -> Uuid {
    Uuid::from_bytes(id.bytes())
}

fn sorted<T: Ord>(mut items: Vec<T>) -> Vec<T> {
    items.sort_unstable();
    items.dedup();
    items
}

#[cfg(test)]
mod tests {
    use super::super::Outcome::{Accepted, Duplicate};
    use super::*;
    use journey::{EventDraft, Json, Limits};
    use std::collections::HashSet;

    fn row(draft: EventDraft) -> Row {
        let received_at = Instant::parse("2026-11-01T12:00:00Z", "").unwrap();
        Row { event: Event::validate(draft, Limits::default(), received_at).unwrap(), received_at }
    }

    fn draft(id: &str, user: &str) -> EventDraft {
        EventDraft {
            event_id: Some(id.into()),
            user_id: Some(user.into()),
            name: Some("Page Viewed".into()),
            ..EventDraft::default()
        }
    }

    fn ids(rows: &[&Row]) -> Vec<Uuid> {
        rows.iter().map(|row| uuid(row.event.id)).collect()
    }

    fn subjects<'a>(touched: &TouchedColumns<'a>) -> Vec<&'a str> {
        let mut subjects = touched.subject.clone();
        subjects.sort_unstable();
        subjects
    }

    #[test]
    fn the_first_of_an_id_wins_and_another_body_is_doubtful() {
        let rows = [
            row(draft("b", "u1")),
            row(EventDraft { value: Some("5".into()), ..draft("a", "u2") }),
            row(EventDraft { value: Some("6".into()), ..draft("a", "u3") }),
            row(EventDraft { value: Some("5".into()), ..draft("a", "u4") }),
        ];
        let batch = Batch::of(&rows);
        let columns = batch.columns(None);
        assert!(columns.event_id.is_sorted());
        assert_eq!(columns.event_id.len(), 2);
        assert!(columns.subject.contains(&"u:u2") && !columns.subject.contains(&"u:u3"));

        let done = batch.consequences(ids(&[&rows[0], &rows[1]]));
        assert_eq!(done.outcomes, [Accepted, Accepted, Duplicate, Duplicate]);
        assert_eq!(done.doubtful, (ids(&[&rows[1]]), vec![rows[2].event.digest]));
        assert_eq!(subjects(&done.touched), ["u:u1", "u:u2"]);

        // Where another try was first, each of the bodies is compared with the stored one.
        let done = batch.consequences(ids(&[&rows[0]]));
        assert_eq!(done.outcomes, [Accepted, Duplicate, Duplicate, Duplicate]);
        assert_eq!(done.doubtful.1.len(), 2);
        assert_eq!(done.touched.subject, ["u:u1"]);
    }

    #[test]
    fn only_new_events_touch_link_and_expose() {
        let exposure = |id: &str, user: &str| EventDraft {
            name: Some("Experiment Viewed".into()),
            properties: Some(Json::object(vec![
                ("experiment_id".into(), Json::Text("x".into())),
                ("variation_id".into(), Json::Text("a".into())),
            ])),
            ..draft(id, user)
        };
        let at = |time: &str, draft: EventDraft| EventDraft { occurred_at: Some(time.into()), ..draft };
        let rows = [
            row(at("2026-11-01T11:00:00Z", exposure("1", "u1"))),
            row(at("2026-11-01T10:00:00Z", EventDraft { anonymous_id: Some("a1".into()), ..draft("2", "u1") })),
            row(exposure("3", "u1")),
            row(EventDraft { anonymous_id: Some("a9".into()), ..exposure("4", "u9") }),
        ];
        let batch = Batch::of(&rows);
        let done = batch.consequences(ids(&[&rows[0], &rows[1], &rows[2]]));
        assert_eq!(done.links, (vec!["a:a1", "u:u1"], vec!["u:u1", "a:a1"]));
        assert_eq!(done.exposures, (vec!["x"], vec!["u:u1"]));
        assert_eq!(subjects(&done.touched), ["u:u1"; 3]);
        let exposed = done.touched.event_id.iter().zip(&done.touched.experiment).filter(|(_, of)| of.is_some());
        let exposed: HashSet<Uuid> = exposed.map(|(id, _)| *id).collect();
        assert_eq!(exposed, ids(&[&rows[0], &rows[2]]).into_iter().collect());

        let nothing = batch.consequences(Vec::new());
        assert_eq!(nothing.touched, TouchedColumns::default());
        assert!(nothing.links.0.is_empty() && nothing.exposures.0.is_empty());
    }

    #[test]
    fn an_event_without_a_time_gets_that_of_its_try() {
        let rows = [row(draft("1", "u1"))];
        assert_eq!(Batch::of(&rows).columns(None).occurred_at, [rows[0].received_at.to_utc()]);
        assert_eq!(Batch::of(&rows).columns(None).data, [None]);
    }
}
