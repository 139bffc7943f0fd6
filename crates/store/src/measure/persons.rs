//! Persons: the components of linked subjects, from all links known now.

use std::collections::{HashMap, HashSet};

use chrono::{DateTime, TimeDelta, Utc};
use journey::TenantId;
use sqlx::PgConnection;
use uuid::Uuid;

use super::claim::{Touched, earliest};
use crate::fault;

/// One person: its subjects, and what made it touched.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Person {
    /// The subjects, ascending; the first is the person's key.
    pub subjects: Vec<String>,
    /// The new events.
    pub events: Vec<Uuid>,
    /// Whether the whole journey is to be measured, whatever the events are.
    pub whole: bool,
    /// Whether an exposure is among the events.
    pub exposed: bool,
    /// When the earliest of them happened that is the first of its subject to its experiment, as far as that is known.
    pub first_exposed_at: Option<DateTime<Utc>>,
    /// None of the events was received before this; `None`: not known.
    pub received_from: Option<DateTime<Utc>>,
}

impl Person {
    /// The person's key: the smallest subject key, whatever the order of arrival.
    pub(super) fn key(&self) -> &str {
        &self.subjects[0]
    }

    /// What of the person is needed where no older event matters than of so many days before a first exposure; `None`: everything.
    pub(super) fn lately(&self, days: i64) -> Option<Lately> {
        let occurred = self.first_exposed_at?.checked_sub_signed(TimeDelta::days(days))?;
        (!self.whole).then_some(Lately { occurred, received: self.received_from? })
    }

    /// Whether any subject of the person is one of these.
    pub(super) fn is_among(&self, subjects: &HashSet<String>) -> bool {
        self.subjects.iter().any(|subject| subjects.contains(subject))
    }
}

/// What happened from a moment on, whenever it was received, and what was received from another moment on, whenever it happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lately {
    pub occurred: DateTime<Utc>,
    pub received: DateTime<Utc>,
}

/// The subjects of these persons that were exposed to any of the experiments: nobody else adds to them.
pub(super) async fn exposed_among<'a>(
    connection: &mut PgConnection,
    tenant: TenantId,
    experiments: &[&str],
    persons: impl Iterator<Item = &'a Person>,
) -> Result<HashSet<String>, sqlx::Error> {
    let subjects: Vec<&str> = persons.flat_map(|person| &person.subjects).map(String::as_str).collect();
    if subjects.is_empty() {
        return Ok(HashSet::new());
    }
    let exposed = sqlx::query_scalar(include_str!("../../sql/measure_exposed_among.sql"))
        .bind(tenant.0)
        .bind(experiments)
        .bind(subjects)
        .fetch_all(connection)
        .await?;
    Ok(exposed.into_iter().collect())
}

/// Finds the persons of the touched subjects by walking the links, if there are `links`, until no new subject appears.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    tenant: TenantId,
    touched: &[Touched],
    links: bool,
) -> Result<Vec<Person>, sqlx::Error> {
    if !links || fault::seeded("resolve-at-ingest") {
        return Ok(components(touched, &[]));
    }
    let mut subjects: Vec<&str> = touched.iter().map(|t| t.subject.as_str()).collect();
    subjects.sort_unstable();
    subjects.dedup();
    let edges: Vec<(String, String)> = sqlx::query_as(include_str!("../../sql/measure_links.sql"))
        .bind(tenant.0)
        .bind(&subjects)
        .fetch_all(connection)
        .await?;
    Ok(components(touched, &edges))
}

fn components(touched: &[Touched], edges: &[(String, String)]) -> Vec<Person> {
    let known = touched.iter().map(|t| &t.subject).chain(edges.iter().flat_map(|(a, b)| [a, b]));
    let mut subjects: Vec<&String> = known.collect();
    subjects.sort_unstable();
    subjects.dedup();
    let index: HashMap<&str, usize> = subjects.iter().enumerate().map(|(at, s)| (s.as_str(), at)).collect();
    let mut parent: Vec<usize> = (0..subjects.len()).collect();
    for (a, b) in edges {
        let (a, b) = (root(&mut parent, index[a.as_str()]), root(&mut parent, index[b.as_str()]));
        // The smaller index is the smaller key, so that a root is its component's key.
        parent[a.max(b)] = a.min(b);
    }
    // Each in the place of its key.
    let mut persons: Vec<Option<Person>> = vec![None; subjects.len()];
    for t in touched {
        let person = &mut persons[root(&mut parent, index[t.subject.as_str()])];
        let person = person.get_or_insert_with(|| Person {
            events: Vec::with_capacity(t.events.len()),
            received_from: t.received_from,
            ..Person::default()
        });
        person.events.extend_from_slice(&t.events);
        person.whole |= t.whole;
        person.exposed |= t.exposed;
        person.first_exposed_at = earliest(person.first_exposed_at, t.first_exposed_at);
        person.received_from = person.received_from.zip(t.received_from).map(|(one, other)| one.min(other));
    }
    for (at, subject) in subjects.iter().enumerate() {
        if let Some(person) = &mut persons[root(&mut parent, at)] {
            if person.subjects.is_empty() {
                // Most have one.
                person.subjects.reserve_exact(1);
            }
            person.subjects.push((*subject).clone());
        }
    }
    persons.into_iter().flatten().collect()
}

fn root(parent: &mut [usize], mut at: usize) -> usize {
    while parent[at] != at {
        parent[at] = parent[parent[at]];
        at = parent[at];
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn touched(subject: &str, event: u8, exposed: bool) -> Touched {
        Touched { subject: subject.into(), events: vec![Uuid::from_bytes([event; 16])], exposed, ..Touched::default() }
    }

    #[test]
    fn chains_and_cycles_are_one_person_whatever_was_touched() {
        let edges: Vec<(String, String)> = [("u:c", "a:b"), ("a:b", "u:a"), ("u:a", "u:c"), ("x", "y")]
            .iter()
            .flat_map(|(a, b)| [((*a).into(), (*b).into()), ((*b).into(), (*a).into())])
            .collect();
        let all = [touched("u:c", 5, false), touched("u:a", 3, true), touched("z", 1, false)];
        let persons = components(&all, &edges);
        assert_eq!(persons.len(), 2);
        assert_eq!(persons[0].subjects, ["a:b", "u:a", "u:c"]);
        assert_eq!(persons[0].events, [5, 3].map(|event| Uuid::from_bytes([event; 16])));
        assert!(persons[0].exposed && !persons[0].whole);
        assert_eq!(persons[1].subjects, ["z"]);
    }

    #[test]
    fn what_is_needed_of_a_person_begins_with_the_earliest_of_what_is_known_and_nowhere_where_it_is_not() {
        let at = |hour: i64| DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hour);
        let of = |subject: &str, exposed: Option<i64>, received: Option<i64>| Touched {
            first_exposed_at: exposed.map(at),
            received_from: received.map(at),
            ..touched(subject, 1, true)
        };
        let edges = [("a".to_owned(), "b".to_owned()), ("b".to_owned(), "a".to_owned())];
        let lately = |touched: &[Touched]| components(touched, &edges)[0].lately(1);
        let (one, other) = (of("a", Some(90), Some(100)), of("b", Some(80), Some(101)));
        let expected = Some(Lately { occurred: at(80 - 24), received: at(100) });
        assert_eq!(lately(&[one.clone(), other.clone()]), expected);
        assert_eq!(lately(&[other.clone(), one.clone(), of("b", None, Some(200))]), expected);
        assert_eq!(lately(&[one.clone(), of("b", Some(80), None)]), None);
        assert_eq!(lately(&[of("b", None, Some(100))]), None);
        assert_eq!(lately(&[Touched { whole: true, ..one }, other]), None);
    }
}
