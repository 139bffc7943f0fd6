//! One batch in one transaction, and what becomes of each event.

use std::sync::{Arc, Mutex, PoisonError};

use journey::{Invalid, Tenant, TenantId};
use sqlx::PgPool;
use sqlx::types::Uuid;

use super::Outcome;
use super::arrivals::by_day;
use super::batch::{Batch, Consequences, EventColumns, Row};
use super::bisect::Parts;
use super::flight::Earlier;
use crate::error::StoreError;
use crate::fault;
use crate::packed::{Dictionaries, Dictionary, Packer};
use crate::recent::Recent;
use crate::transaction::{Purpose, Tx, begin, retry};

/// What became of a batch.
#[derive(Debug)]
pub(super) struct Written {
    /// One outcome per row, in the order given; `None`: it is not known, because of `failure`.
    pub(super) outcomes: Vec<Option<Outcome>>,
    /// What kept the rest from being written.
    pub(super) failure: Option<StoreError>,
}

impl Written {
    /// How many new events were stored.
    pub(super) fn stored(&self) -> usize {
        self.outcomes.iter().filter(|outcome| matches!(outcome, Some(Outcome::Accepted))).count()
    }

    /// Whether the row at this place is stored, or was compared with what is stored under its id.
    pub(super) fn is_settled(&self, at: usize) -> bool {
        matches!(self.outcomes[at], Some(Outcome::Accepted | Outcome::Duplicate))
    }
}

/// Where a batch is written to.
pub(super) struct Target<'a> {
    pub(super) pool: &'a PgPool,
    pub(super) tenant: &'a Tenant,
    /// Where what was committed is kept until it is measured.
    pub(super) recent: &'a Recent,
    pub(super) dictionaries: &'a Dictionaries,
    /// What the JSON is packed with.
    pub(super) dictionary: Option<Arc<Dictionary>>,
    /// Tells batches apart that are written side by side.
    pub(super) writer: i16,
    /// A transaction that was begun already.
    pub(super) begun: Mutex<Option<Tx>>,
}

impl Target<'_> {
    /// The transaction that was begun already, once.
    fn take_begun(&self) -> Option<Tx> {
        self.begun.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    /// The transaction that was begun already, or a new one.
    async fn begin(&self) -> Result<Tx, sqlx::Error> {
        match self.take_begun() {
            Some(begun) => Ok(begun),
            None => begin(self.pool, self.tenant.id, Purpose::Write).await,
        }
    }
}

/// Writes rows: at once what no `earlier` batch has as well, and the rest when those are over, unless they settled the same body.
///
/// No transaction is open while it waits, so that batches of other processes never wait in a circle.
pub(super) async fn write(to: &Target<'_>, rows: &[Row], earlier: &Earlier) -> Written {
    let mut written = Written { outcomes: vec![None; rows.len()], failure: None };
    let (own, shared): (Vec<usize>, Vec<usize>) = (0..rows.len()).partition(|at| !earlier.have(rows[*at].event.id));
    if own.is_empty() {
        drop(to.take_begun());
    }
    written.add(to, (rows, own)).await;
    if !shared.is_empty() && written.failure.is_none() {
        earlier.over().await;
        let (known, open): (Vec<usize>, Vec<usize>) = shared.into_iter().partition(|at| earlier.know(&rows[*at]));
        for at in known {
            written.outcomes[at] = Some(Outcome::Duplicate);
        }
        written.add(to, (rows, open)).await;
    }
    written
}

impl Written {
    /// Writes the rows at these places in one transaction; where the database refuses it, in parts, until the bad rows stand
    /// alone.
    async fn add(&mut self, to: &Target<'_>, (rows, places): (&[Row], Vec<usize>)) {
        let mut parts = Parts::whole(places.len());
        while let Some(part) = parts.next() {
            let batch = Batch::of(places[part.clone()].iter().map(|at| &rows[*at]));
            match write_batch(to, &batch).await {
                Ok(done) => {
                    places[part].iter().zip(done).for_each(|(at, outcome)| self.outcomes[*at] = Some(outcome));
                }
                Err(StoreError::Refused { sqlstate, message, constraint }) => {
                    if let Some(place) = parts.refused(part) {
                        // Validation should have caught it: each of these is a gap to close.
                        tracing::error!(%sqlstate, %message, ?constraint, "the database refused an event");
                        let refused = Outcome::Refused(refusal(&sqlstate, constraint.as_deref()));
                        self.outcomes[places[place]] = Some(refused);
                    }
                }
                Err(error) => {
                    // The rest would most likely fail as well: its senders try again.
                    self.failure = Some(error);
                    return;
                }
            }
        }
    }
}

fn refusal(sqlstate: &str, constraint: Option<&str>) -> Invalid {
    let rule = constraint.map_or_else(|| format!("SQLSTATE {sqlstate}"), |name| format!("rule {name}"));
    Invalid::new("refused_by_database", "", format!("can't be stored ({rule}): change the event"))
}

/// Writes a batch, packed where there is a dictionary; as it is where that turns out to be gone.
async fn write_batch(to: &Target<'_>, batch: &Batch<'_>) -> Result<Vec<Outcome>, StoreError> {
    if let Some(dictionary) = to.dictionary.as_deref()
        && let Some(mut packer) = Packer::new(dictionary)
    {
        let columns = batch.columns(Some(&mut packer));
        if let Some(outcomes) = write_columns(to, batch, &columns, Some(dictionary)).await? {
            to.dictionaries.note(to.tenant.id, packer.bytes);
            return Ok(outcomes);
        }
        to.dictionaries.forget(to.tenant.id, dictionary);
    }
    let outcomes = write_columns(to, batch, &batch.columns(None), None).await?;
    Ok(outcomes.unwrap_or_default())
}

/// Writes the columns of a batch in one transaction; `None`: nothing was written, since the dictionary is not there.
async fn write_columns(
    to: &Target<'_>,
    batch: &Batch<'_>,
    columns: &EventColumns<'_>,
    dictionary: Option<&Dictionary>,
) -> Result<Option<Vec<Outcome>>, StoreError> {
    let tenant = to.tenant;
    retry("write", || async move {
        let mut tx = to.begin().await?;
        let Some(inserted) = insert_events(&mut tx, tenant.id, columns, dictionary).await? else { return Ok(None) };
        let done = batch.consequences(inserted);
        insert_consequences(&mut tx, tenant, &done, to.writer).await?;
        fault::pause("writer.before_commit").await;
        tx.commit().await?;
        if to.recent.has_room() {
            to.recent.keep(tenant.id, batch.recorded(columns, &done.touched, dictionary));
        }
        fault::pause("writer.after_commit").await;
        Ok(Some(done.outcomes))
    })
    .await
}

/// Inserts the events and gives the ids of those that were new; `None` where the dictionary that they are packed with is not there.
async fn insert_events(
    tx: &mut Tx,
    tenant: TenantId,
    columns: &EventColumns<'_>,
    dictionary: Option<&Dictionary>,
) -> Result<Option<Vec<Uuid>>, StoreError> {
    let (inserted, is_known): (Vec<Uuid>, bool) = sqlx::query_as(include_str!("../../sql/insert_events.sql"))
        .bind(tenant.0)
        .bind(&columns.event_id)
        .bind(&columns.subject)
        .bind(&columns.occurred_at)
        .bind(&columns.received_at)
        .bind(&columns.name)
        .bind(&columns.channel)
        .bind(&columns.stage)
        .bind(&columns.value)
        .bind(&columns.currency)
        .bind(&columns.experiment)
        .bind(&columns.arm)
        .bind(&columns.digest)
        .bind(&columns.data)
        .bind(dictionary.map(Dictionary::id))
        .bind(&columns.packed)
        .fetch_one(&mut **tx)
        .await?;
    Ok(is_known.then_some(inserted))
}

/// Inserts what follows from the new events.
async fn insert_consequences(tx: &mut Tx, of: &Tenant, done: &Consequences<'_>, writer: i16) -> Result<(), StoreError> {
    let (days, late, ahead) = by_day(&done.shifts, of.zone);
    sqlx::query(include_str!("../../sql/insert_consequences.sql"))
        .bind(of.id.0)
        .bind(&done.links.0)
        .bind(&done.links.1)
        .bind(&done.exposures.0)
        .bind(&done.exposures.1)
        .bind(&done.touched.subject)
        .bind(&done.touched.event_id)
        .bind(&done.touched.experiment)
        .bind(&done.touched.occurred_at)
        .bind(&done.touched.received_at)
        .bind(&done.doubtful.0)
        .bind(&done.doubtful.1)
        .bind(days)
        .bind(late)
        .bind(ahead)
        .bind(writer)
        .execute(&mut **tx)
        .await?;
    Ok(())
}
