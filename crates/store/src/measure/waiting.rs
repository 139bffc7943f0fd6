//! What waits in the queue, as an answer sees it: measured for one experiment in the answer's own snapshot, without
//! claiming or writing anything.
//!
//! Tallies, contributions, queue and events are of one moment there, so the tallies of that moment moved by what waits
//! are the fold of all events of that moment. A strong read needs no lock for that, and waits for nobody.

use std::sync::Arc;

use journey::{Definition, Instant, Tenant};
use metrics::journal::Journal;
use metrics::tally::Tally;
use sqlx::PgConnection;

use super::claim::waiting;
use super::definitions::{Measured, Version};
use super::persons::{Person, exposed_among, resolve};
use super::work::{Hands, Task, There, measure};
use crate::StoreError;
use crate::measure::Measurer;

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

/// How what waits moves the tally of a version, in the snapshot of `connection`; `None` where more than `limit` new
/// events wait.
pub(crate) async fn look_ahead(
    connection: &mut PgConnection,
    tenant: &Tenant,
    (id, definition): (i64, &Arc<Definition>),
    measurer: &Measurer,
    (limit, at_once, now): (i64, usize, Instant),
) -> Result<Option<Ahead>, StoreError> {
    let Some(touched) = waiting(connection, tenant.id, limit).await? else {
        return Ok(None);
    };
    let there = There::look(connection, tenant).await?;
    let experiment = definition.experiment.key.as_str();
    let persons = resolve(connection, tenant.id, &touched, there.links).await?;
    let exposed = exposed_among(connection, tenant.id, &[experiment], persons.iter()).await?;
    let persons: Vec<Person> = persons.into_iter().filter(|person| person.is_among(&exposed)).collect();
    let version = Version { id, experiment: experiment.to_owned(), definition: definition.clone(), building: None };
    let measured = Measured::new(vec![version], tenant);
    let task = Task {
        tenant,
        measured: &measured,
        recent: measurer.recent(),
        dictionaries: measurer.dictionaries(),
        studies: &[0],
        persons: &persons,
        there,
        now,
        is_slice: false,
        from: None,
        at_once,
    };
    let change = measure(Hands { own: connection, readers: &mut [] }, &task).await?;
    let (tally, moves, set_aside) = change.into_tally(id);
    Ok(Some(Ahead { tally, moves, set_aside }))
}
