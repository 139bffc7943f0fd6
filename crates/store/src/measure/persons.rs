//! Persons: the components of linked subjects, from all links known now.

use std::collections::{BTreeMap, HashMap, HashSet};

use journey::{EventId, Instant, TenantId};
use sqlx::{PgConnection, Row};

use super::claim::Touched;
use crate::fault;

/// One person: its subjects, and what made it touched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Person {
    /// The subjects, ascending; the first is the person's key.
    pub subjects: Vec<String>,
    /// The earliest new event.
    pub first: (Instant, EventId),
    /// Whether a new link came with it.
    pub linked: bool,
}

impl Person {
    /// The person's key: the smallest subject key, whatever the order of arrival.
    pub(super) fn key(&self) -> &str {
        &self.subjects[0]
    }
}

/// Finds the persons of the touched subjects by walking the links until no new subject appears.
pub(super) async fn resolve(
    connection: &mut PgConnection,
    tenant: TenantId,
    touched: &[Touched],
) -> Result<Vec<Person>, sqlx::Error> {
    let mut known: HashSet<String> = touched.iter().map(|t| t.subject.clone()).collect();
    let mut frontier: Vec<String> = known.iter().cloned().collect();
    if fault::seeded("resolve-at-ingest") {
        frontier.clear();
    }
    let mut edges: Vec<(String, String)> = Vec::new();
    while !frontier.is_empty() {
        let rows = sqlx::query(include_str!("../../sql/measure_links.sql"))
            .bind(tenant.0)
            .bind(&frontier)
            .fetch_all(&mut *connection)
            .await?;
        frontier = Vec::new();
        for row in rows {
            let (subject, other): (String, String) = (row.try_get("subject")?, row.try_get("other")?);
            if known.insert(other.clone()) {
                frontier.push(other.clone());
            }
            edges.push((subject, other));
        }
    }
    Ok(components(touched, known, &edges))
}

fn components(touched: &[Touched], known: HashSet<String>, edges: &[(String, String)]) -> Vec<Person> {
    let mut subjects: Vec<String> = known.into_iter().collect();
    subjects.sort_unstable();
    let index: HashMap<&str, usize> = subjects.iter().enumerate().map(|(at, s)| (s.as_str(), at)).collect();
    let mut parent: Vec<usize> = (0..subjects.len()).collect();
    for (a, b) in edges {
        let (a, b) = (root(&mut parent, index[a.as_str()]), root(&mut parent, index[b.as_str()]));
        // The smaller index is the smaller key, so that a root is its component's key.
        parent[a.max(b)] = a.min(b);
    }
    let mut persons: BTreeMap<usize, Person> = BTreeMap::new();
    for t in touched {
        let person = persons.entry(root(&mut parent, index[t.subject.as_str()])).or_insert_with(|| Person {
            subjects: Vec::new(),
            first: t.first,
            linked: false,
        });
        person.first = person.first.min(t.first);
        person.linked |= t.linked;
    }
    for (at, subject) in subjects.iter().enumerate() {
        if let Some(person) = persons.get_mut(&root(&mut parent, at)) {
            person.subjects.push(subject.clone());
        }
    }
    persons.into_values().collect()
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

    fn touched(subject: &str, micros: i64, linked: bool) -> Touched {
        let first = (Instant::from_micros(micros), EventId::from_bytes([0; 16]));
        Touched { subject: subject.into(), first, linked }
    }

    #[test]
    fn chains_and_cycles_are_one_person_whatever_was_touched() {
        let edges: Vec<(String, String)> = [("u:c", "a:b"), ("a:b", "u:a"), ("u:a", "u:c"), ("x", "y")]
            .iter()
            .flat_map(|(a, b)| [((*a).into(), (*b).into()), ((*b).into(), (*a).into())])
            .collect();
        let known = ["u:a", "a:b", "u:c", "x", "y", "z"].iter().map(|s| (*s).to_owned()).collect();
        let all = [touched("u:c", 5, false), touched("u:a", 3, true), touched("z", 1, false)];
        let persons = components(&all, known, &edges);
        assert_eq!(persons.len(), 2);
        assert_eq!(persons[0].subjects, ["a:b", "u:a", "u:c"]);
        assert_eq!((persons[0].first.0.micros(), persons[0].linked), (3, true));
        assert_eq!(persons[1].subjects, ["z"]);
    }
}
