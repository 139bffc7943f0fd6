//! What waits in the queue, as an answer sees it: measured for one experiment in the answer's own snapshot, without
//! claiming or writing anything.
//!
//! Tallies, contributions, queue and events are of one moment there, so the tallies of that moment moved by what waits
//! are the fold of all events of that moment. A strong read needs no lock for that, and waits for nobody.

use std::collections::HashSet;
use std::sync::Arc;

use journey::{Definition, Instant, Tenant};
use metrics::journal::Journal;
use metrics::tally::Tally;
use sqlx::PgConnection;

use super::claim::waiting;
use super::definitions::{Measured, Version};
use super::persons::{Person, resolve};
use super::work::{Task, There, measure};
use crate::StoreError;

/// What waits, measured for one version.
#[derive(Debug, Default)]
pub(crate) struct Ahead {
    /// How the version's tally moves.
    pub tally: Tally,
    /// Why it moves.
    pub moves: Journal,
    /// Persons that can't be measured, with the reason.
    pub set_aside: Vec<(String, String)>,
}

/// How what waits moves the tally of a version, in the snapshot of `connection`; `None` where more than `limit` touched
/// subjects wait.
pub(crate) async fn look_ahead(
    connection: &mut PgConnection,
    tenant: &Tenant,
    (id, definition): (i64, &Arc<Definition>),
    (limit, now): (i64, Instant),
) -> Result<Option<Ahead>, StoreError> {
    let Some(touched) = waiting(connection, tenant.id, limit).await? else {
        return Ok(None);
    };
    let there = There::look(connection, tenant).await?;
    let experiment = definition.experiment.key.as_str();
    let persons = resolve(connection, tenant.id, &touched, there.links).await?;
    let persons = exposed(connection, tenant, experiment, persons).await?;
    let version = Version { id, experiment: experiment.to_owned(), definition: definition.clone(), building: None };
    let measured = Measured::new(vec![version], tenant);
    let task = Task {
        tenant,
        measured: &measured,
        studies: &[0],
        persons: &persons,
        there,
        now,
        claimed_alone: false,
        from: None,
    };
    let change = measure(connection, &task).await?;
    let (tally, moves, set_aside) = change.into_tally(id);
    Ok(Some(Ahead { tally, moves, set_aside }))
}

/// The persons who were exposed to an experiment: nobody else adds to it.
async fn exposed(
    connection: &mut PgConnection,
    tenant: &Tenant,
    experiment: &str,
    persons: Vec<Person>,
) -> Result<Vec<Person>, StoreError> {
    let subjects: Vec<&str> = persons.iter().flat_map(|person| &person.subjects).map(String::as_str).collect();
    let exposed: HashSet<String> = sqlx::query_scalar(include_str!("../../sql/measure_exposed_among.sql"))
        .bind(tenant.id.0)
        .bind(experiment)
        .bind(subjects)
        .fetch_all(connection)
        .await?
        .into_iter()
        .collect();
    let is_exposed = |person: &Person| person.subjects.iter().any(|subject| exposed.contains(subject));
    Ok(persons.into_iter().filter(is_exposed).collect())
}
