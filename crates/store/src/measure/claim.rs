//! The claim: new events leave the queue in the transaction that measures them.

use std::collections::HashMap;

use chrono::{DateTime, Utc};
use journey::TenantId;
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row};
use uuid::Uuid;

/// A touched subject: a row of the queue names new events of it.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(super) struct Touched {
    /// The subject's key.
    pub subject: String,
    /// The new events.
    pub events: Vec<Uuid>,
    /// Whether the whole journey is to be measured, whatever the events are.
    pub whole: bool,
    /// Whether an exposure is among the events.
    pub exposed: bool,
    /// When the earliest of them happened that is the first of the subject to its experiment, as far as that is known.
    pub first_exposed_at: Option<DateTime<Utc>>,
    /// None of the events was received before this; `None`: not known.
    pub received_from: Option<DateTime<Utc>>,
}

/// What was claimed.
#[derive(Debug, Default)]
pub(super) struct Claimed {
    /// The touched subjects of each row.
    pub touched: Vec<Touched>,
    /// How many places of rows they are: new events, and subjects to be measured whole.
    pub events: i64,
}

impl Touched {
    /// An exposed subject whose journey is to be measured whole.
    pub(super) fn whole(subject: String) -> Self {
        Self { subject, whole: true, exposed: true, ..Self::default() }
    }

    /// The subjects of a row, each once, in the row's order.
    fn read(row: &PgRow) -> Result<Vec<Self>, sqlx::Error> {
        let subjects: Vec<String> = row.try_get("subjects")?;
        let events: Vec<Option<Uuid>> = row.try_get("event_ids")?;
        let whole: Vec<bool> = row.try_get("whole")?;
        let exposed: Vec<bool> = row.try_get("exposed")?;
        let first: Option<Vec<Option<DateTime<Utc>>>> = row.try_get("first_exposed_at")?;
        let received_from: Option<DateTime<Utc>> = row.try_get("first_received_at")?;
        let mut places: HashMap<&str, usize> = HashMap::with_capacity(subjects.len());
        let mut touched: Vec<Self> = Vec::with_capacity(subjects.len());
        let first = first.unwrap_or_else(|| vec![None; subjects.len()]);
        let flags = whole.into_iter().zip(exposed).zip(first);
        for ((subject, event), ((whole, exposed), first)) in subjects.iter().zip(events).zip(flags) {
            let place = *places.entry(subject).or_insert_with(|| {
                // Most have one event: slices hold many of these.
                let events = Vec::with_capacity(1);
                touched.push(Self { subject: subject.clone(), events, received_from, ..Self::default() });
                touched.len() - 1
            });
            let of = &mut touched[place];
            of.events.extend(event);
            of.whole |= whole;
            of.exposed |= exposed;
            of.first_exposed_at = earliest(of.first_exposed_at, first);
        }
        Ok(touched)
    }

    /// How many places of the queue's rows it takes.
    fn size(&self) -> i64 {
        i64::try_from(self.events.len().max(1)).unwrap_or(i64::MAX)
    }
}

/// The earlier of what is known of two.
pub(super) fn earliest(one: Option<DateTime<Utc>>, other: Option<DateTime<Utc>>) -> Option<DateTime<Utc>> {
    one.into_iter().chain(other).min()
}

/// Smaller claims than this take rows apart: somewhere in them is what no slice gets past.
const APART: i64 = 64;

/// Claims what was queued until the row `through`, oldest first: `limit` new events, and what else the last of their rows names. Only
/// the holder of the tenant's measure lock may call this.
pub(super) async fn claim(
    connection: &mut PgConnection,
    tenant: TenantId,
    through: i64,
    limit: i64,
) -> Result<Claimed, sqlx::Error> {
    let rows = sqlx::query(include_str!("../../sql/measure_claim.sql"))
        .bind(tenant.0)
        .bind(through)
        .bind(limit)
        .fetch_all(&mut *connection)
        .await?;
    let mut rows: Vec<(i64, PgRow)> =
        rows.into_iter().map(|row| Ok((row.try_get("touched_id")?, row))).collect::<Result<_, sqlx::Error>>()?;
    rows.sort_unstable_by_key(|(id, _)| *id);
    let mut claimed = Claimed::default();
    let mut until: Option<DateTime<Utc>> = None;
    for (id, row) in &rows {
        let mut left = Vec::new();
        for touched in Touched::read(row)? {
            if limit < APART && claimed.events >= limit {
                left.push(touched);
            } else {
                claimed.events += touched.size();
                claimed.touched.push(touched);
            }
        }
        until = until.max(row.try_get("last_received_at")?);
        if !left.is_empty() {
            put_back(connection, tenant, (*id, row), &left).await?;
        }
    }
    if let Some(until) = until {
        sqlx::query(include_str!("../../sql/measure_claimed_through.sql"))
            .bind(tenant.0)
            .bind(until)
            .execute(connection)
            .await?;
    }
    Ok(claimed)
}

/// Puts what is left of a claimed row back in its place.
async fn put_back(
    connection: &mut PgConnection,
    tenant: TenantId,
    (id, row): (i64, &PgRow),
    left: &[Touched],
) -> Result<(), sqlx::Error> {
    let (mut subjects, mut events) = (Vec::new(), Vec::<Option<Uuid>>::new());
    let (mut whole, mut exposed, mut first) = (Vec::new(), Vec::new(), Vec::new());
    for touched in left {
        let own: Vec<Option<Uuid>> =
            if touched.events.is_empty() { vec![None] } else { touched.events.iter().copied().map(Some).collect() };
        subjects.extend(own.iter().map(|_| touched.subject.as_str()));
        whole.extend(own.iter().map(|_| touched.whole));
        exposed.extend(own.iter().map(|_| touched.exposed));
        first.extend(own.iter().map(|_| touched.first_exposed_at));
        events.extend(own);
    }
    sqlx::query(include_str!("../../sql/measure_put_back.sql"))
        .bind(tenant.0)
        .bind(id)
        .bind(subjects)
        .bind(events)
        .bind(whole)
        .bind(exposed)
        .bind(first)
        .bind(row.try_get::<Option<DateTime<Utc>>, _>("first_received_at")?)
        .bind(row.try_get::<Option<DateTime<Utc>>, _>("last_received_at")?)
        .execute(connection)
        .await
        .map(drop)
}

/// Looks at what waits, without claiming it; `None` where more than `limit` new events do.
pub(super) async fn waiting(
    connection: &mut PgConnection,
    tenant: TenantId,
    limit: i64,
) -> Result<Option<Vec<Touched>>, sqlx::Error> {
    let events: i64 = sqlx::query_scalar(include_str!("../../sql/measure_waiting_size.sql"))
        .bind(tenant.0)
        .bind(limit.saturating_add(1))
        .fetch_one(&mut *connection)
        .await?;
    if events > limit {
        return Ok(None);
    }
    let rows = sqlx::query(include_str!("../../sql/measure_waiting.sql")).bind(tenant.0).fetch_all(connection).await?;
    let touched: Vec<_> = rows.iter().map(Touched::read).collect::<Result<_, _>>()?;
    Ok(Some(touched.into_iter().flatten().collect()))
}
