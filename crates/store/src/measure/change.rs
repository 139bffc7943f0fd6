//! The change that a slice makes: stored contributions go, new ones come, and the tallies move by the difference.

use std::collections::{HashMap, HashSet};

use journey::{Day, Instant, TenantId};
use metrics::contribution::Contribution;
use metrics::journal::{Cause, Journal};
use metrics::tally::{Direction, Tally};
use sqlx::PgConnection;

use super::beside::{across, beside};
use super::contributions::{self, Put, Stored};
use super::definitions::Version;
use super::persons::Person;
use super::tallies::Piece;
use super::work::Task;
use super::{journal, tallies};

/// So few rows are made ready sooner than a thread is started.
const FEW: usize = 500;

/// The rows that a change may have in memory for each person of a job.
const ROWS_EACH: usize = 12;
/// And at least so many for each piece that is made of them: many small ones cost more than a few large ones.
const ROWS_OF_A_PIECE: usize = 8;

/// The rows that a change may have in memory: what is more is made ready on the way.
pub(super) fn most_rows(task: &Task<'_>) -> usize {
    let dimensions = |study: &usize| task.measured.versions[*study].definition.experiment.dimensions.len() + 1;
    let pieces: usize = task.studies.iter().map(dimensions).sum();
    (ROWS_EACH * task.at_once).max(ROWS_OF_A_PIECE * pieces)
}

/// How tallies move, by version and cause; without a cause where answers do not come from the version yet.
type Tallies = HashMap<(i64, Option<Cause>), Tally>;

/// What can be written before the slice is over.
#[derive(Default)]
pub(super) struct Writes {
    put: Vec<Put>,
    pieces: Vec<Piece>,
}

impl Writes {
    pub(super) fn is_empty(&self) -> bool {
        self.put.is_empty() && self.pieces.is_empty()
    }

    pub(super) fn add(&mut self, other: Self) {
        self.put.extend(other.put);
        self.pieces.extend(other.pieces);
    }

    pub(super) async fn write(self, connection: &mut PgConnection, tenant: TenantId) -> Result<(), sqlx::Error> {
        contributions::put(connection, tenant, self.put).await?;
        tallies::note(connection, tenant, self.pieces).await
    }
}

/// What a slice will write.
pub(super) struct Change {
    tallies: Tallies,
    /// What journals tell of the pieces that are ready.
    journals: HashMap<i64, Journal>,
    /// The local day on which it is measured.
    today: Day,
    writes: Writes,
    delete: Vec<(i64, String)>,
    set_aside: Vec<(String, String)>,
}

impl Change {
    /// The change that is made on the local day `today`.
    pub(super) fn on(today: Day) -> Self {
        Self {
            tallies: HashMap::new(),
            journals: HashMap::new(),
            today,
            writes: Writes::default(),
            delete: Vec::new(),
            set_aside: Vec::new(),
        }
    }

    /// Replaces what `person` contributes to the versions: one new contribution per version given.
    ///
    /// # Errors
    /// The reason why the person can't be measured; nothing of it is changed then.
    pub(super) fn replace(
        &mut self,
        person: &Person,
        versions: &[(&Version, Contribution)],
        stored: &Stored,
    ) -> Result<(), String> {
        let mut moves = Vec::new();
        for (version, new) in versions {
            let rows = person.subjects.iter().flat_map(|subject| {
                let of_subject = stored.get(subject).into_iter().flat_map(|rows| rows.iter());
                of_subject.filter(|(id, _)| *id == version.id).map(move |(_, body)| (subject, body))
            });
            let rows: Vec<_> = rows.collect();
            let bytes = (!new.is_empty()).then(|| new.to_bytes());
            let unchanged = match (&bytes, rows.as_slice()) {
                (None, []) => true,
                (Some(bytes), [(former, body)]) => *former == person.key() && *body == bytes,
                _ => false,
            };
            if unchanged {
                continue;
            }
            let old = rows.iter().map(|(former, body)| {
                Contribution::from_bytes(body)
                    .map_err(|corrupt| format!("{corrupt} (person {former}, version {})", version.id))
            });
            moves.push((version, new, bytes, old.collect::<Result<Vec<_>, _>>()?, rows));
        }
        for (version, new, bytes, old, rows) in moves {
            let moved = rows.iter().any(|(former, _)| *former != person.key());
            let cause = version.building.is_none().then(|| Cause::of(&old, moved, new, self.today));
            let tally = self.tallies.entry((version.id, cause)).or_default();
            match old.as_slice() {
                _ if crate::fault::seeded("fold-without-the-new-events") => {
                    tally.apply(&version.definition, new, Direction::Add);
                }
                [old] => tally.replace(&version.definition, old, new),
                old => {
                    for old in old {
                        tally.apply(&version.definition, old, Direction::Remove);
                    }
                    tally.apply(&version.definition, new, Direction::Add);
                }
            }
            let kept = bytes.is_some();
            self.delete.extend(
                rows.iter()
                    .filter(|(former, _)| !kept || *former != person.key())
                    .map(|(former, _)| (version.id, (*former).clone())),
            );
            if let Some(bytes) = bytes {
                self.writes.put.push((version.id, person.key().to_owned(), bytes));
            }
        }
        Ok(())
    }

    /// What can be written while the next persons are measured.
    pub(super) fn take_writes(&mut self) -> Writes {
        std::mem::take(&mut self.writes)
    }

    /// Makes how tallies moved so far ready to be written, where it takes more rows than these: numbers are smaller when they are written.
    pub(super) fn make_room(&mut self, most_rows: usize) {
        if rows(&self.tallies) <= most_rows {
            return;
        }
        for (version, journal, pieces) in by_version(std::mem::take(&mut self.tallies)).into_iter().map(ready) {
            self.journals.entry(version).or_default().add(&journal);
            self.writes.pieces.extend(pieces);
        }
    }

    /// Sets a person aside that can't be measured, with the reason. Its stored contributions stay, and its next try
    /// folds the whole journey.
    pub(super) fn set_aside(&mut self, person: &Person, reason: &str) {
        tracing::warn!(person = person.key(), reason, "a person can't be measured and is set aside");
        let mut reason: String = reason.chars().filter(|c| !c.is_control()).take(1_000).collect();
        if reason.is_empty() {
            reason.push_str("the fold failed");
        }
        self.set_aside.push((person.key().to_owned(), reason));
    }

    /// How the tally of a version moves, and who can't be measured, with the reason.
    pub(super) fn into_tally(self, version: i64) -> (Tally, Journal, Vec<(String, String)>) {
        let parts = self.tallies.into_iter().filter(|((of, _), _)| *of == version);
        let (tally, journal) = told(parts.map(|((_, cause), part)| (cause, part)).collect());
        (tally, journal, self.set_aside)
    }

    /// Writes everything. `settled` are the subjects of the persons that the slice measured under every version: those
    /// of them that were set aside before are so no longer.
    pub(super) async fn write(
        self,
        connection: &mut PgConnection,
        tenant: TenantId,
        settled: &[String],
        now: Instant,
    ) -> Result<(), sqlx::Error> {
        if !settled.is_empty() {
            sqlx::query(include_str!("../../sql/measure_set_aside_delete.sql"))
                .bind(tenant.0)
                .bind(settled)
                .execute(&mut *connection)
                .await?;
        }
        if !self.set_aside.is_empty() {
            let (persons, reasons): (Vec<String>, Vec<String>) = self.set_aside.into_iter().unzip();
            sqlx::query(include_str!("../../sql/measure_set_aside_put.sql"))
                .bind(tenant.0)
                .bind(persons)
                .bind(reasons)
                .bind(now.to_utc())
                .execute(&mut *connection)
                .await?;
        }
        contributions::delete(connection, tenant, self.delete).await?;
        let Writes { put, mut pieces } = self.writes;
        let put = contributions::put(connection, tenant, put);
        let (versions, put) = if rows(&self.tallies) > FEW {
            beside(|| across(by_version(self.tallies), ready), put).await
        } else {
            (by_version(self.tallies).into_iter().map(ready).collect(), put.await)
        };
        put?;
        let mut journals = self.journals;
        for (version, journal, ready) in versions {
            journals.entry(version).or_default().add(&journal);
            pieces.extend(ready);
        }
        journal::put(connection, tenant, journals.into_iter().collect(), now).await?;
        tallies::note(connection, tenant, pieces).await
    }
}

fn rows(tallies: &Tallies) -> usize {
    tallies.values().map(|tally| tally.rows.len()).sum()
}

/// The moves of a version, by cause.
type Moves = Vec<(Option<Cause>, Tally)>;

fn by_version(parts: Tallies) -> Vec<(i64, Moves)> {
    let mut versions: HashMap<i64, Moves> = HashMap::new();
    for ((version, cause), part) in parts {
        versions.entry(version).or_default().push((cause, part));
    }
    versions.into_iter().collect()
}

/// What moved a version, ready to be written: its journal, and a piece for each dimension of its tally.
fn ready((version, moves): (i64, Moves)) -> (i64, Journal, Vec<Piece>) {
    let (tally, journal) = told(moves);
    (version, journal, tallies::pieces(version, tally))
}

/// The tally of a version whose moves had these causes, and what the journal tells of it.
fn told(parts: Moves) -> (Tally, Journal) {
    let (mut tally, mut journal) = (Tally::default(), Journal::default());
    for (cause, part) in parts {
        if let Some(cause) = cause {
            journal.note(cause, &part);
        }
        if tally.rows.is_empty() {
            tally = part;
        } else {
            part.rows.into_iter().for_each(|(key, row)| tally.add_row(key, row));
        }
    }
    (tally, journal)
}

/// Which subjects of these persons are set aside: a subject that was given up alone may not be its person's key.
pub(super) async fn held_back(
    connection: &mut PgConnection,
    tenant: TenantId,
    persons: &[&Person],
) -> Result<HashSet<String>, sqlx::Error> {
    let subjects: Vec<&str> = persons.iter().flat_map(|person| &person.subjects).map(String::as_str).collect();
    let held: Vec<String> = sqlx::query_scalar(include_str!("../../sql/measure_held_back.sql"))
        .bind(tenant.0)
        .bind(subjects)
        .fetch_all(connection)
        .await?;
    Ok(held.into_iter().collect())
}
