//! Tally rows in Postgres: the rows that are stored, and the changes of slices that are not entered into them yet.
//!
//! A slice of live traffic touches thousands of rows by a little each. It notes its changes in one short piece per version and
//! dimension, and once there are so many pieces they are entered into the rows together.

use std::collections::HashMap;

use chrono::NaiveDate;
use journey::TenantId;
use metrics::tally::{Changes, Row, RowKey, Tally};
use sqlx::postgres::PgRow;
use sqlx::{PgConnection, Row as _};

/// The keys of rows, one column each.
#[derive(Default)]
struct Keys {
    definitions: Vec<i64>,
    dimensions: Vec<i16>,
    values: Vec<String>,
    arms: Vec<i16>,
    days: Vec<NaiveDate>,
}

impl Keys {
    fn push(&mut self, definition: i64, key: &RowKey) {
        self.definitions.push(definition);
        self.dimensions.push(key.dimension);
        self.values.push(key.value.to_string());
        self.arms.push(key.arm);
        self.days.push(key.day.to_date());
    }
}

/// The rows that are moved, sorted.
fn moved(tally: Tally) -> Vec<(RowKey, Row)> {
    let mut rows: Vec<_> = tally.rows.into_iter().filter(|(_, row)| !row.is_zero()).collect();
    rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
    rows
}

/// How the rows of a dimension of a version move, as [`Changes`] writes it.
pub(super) type Piece = (Due, Vec<u8>);

/// The change of a version's tally in pieces, one for each dimension.
pub(super) fn pieces(definition: i64, tally: Tally) -> Vec<Piece> {
    let rows = moved(tally);
    let of_dimension = |rows: &[(RowKey, Row)]| {
        let mut changes = Changes::default();
        for (key, row) in rows {
            changes.push(key, row);
        }
        ((definition, rows[0].0.dimension), changes.into_bytes())
    };
    rows.chunk_by(|a, b| a.0.dimension == b.0.dimension).map(of_dimension).collect()
}

/// Notes what a slice changed. Only the holder of the tenant's measure lock may call this.
pub(super) async fn note(
    connection: &mut PgConnection,
    tenant: TenantId,
    mut pieces: Vec<Piece>,
) -> Result<(), sqlx::Error> {
    if pieces.is_empty() {
        return Ok(());
    }
    pieces.sort_unstable_by_key(|(due, _)| *due);
    let (dues, pieces): (Vec<Due>, Vec<Vec<u8>>) = pieces.into_iter().unzip();
    let (definitions, dimensions): (Vec<i64>, Vec<i16>) = dues.into_iter().unzip();
    sqlx::query(include_str!("../../sql/tally_changes_put.sql"))
        .bind(tenant.0)
        .bind(definitions)
        .bind(dimensions)
        .bind(pieces)
        .execute(connection)
        .await
        .map(drop)
}

/// What was noted of a dimension of a version and is not entered yet.
pub(crate) async fn noted(
    connection: &mut PgConnection,
    tenant: TenantId,
    definition: i64,
    dimension: i16,
) -> Result<Tally, sqlx::Error> {
    let pieces = sqlx::query(include_str!("../../sql/tally_changes_read.sql"))
        .bind(tenant.0)
        .bind(definition)
        .bind(dimension)
        .fetch_all(connection)
        .await?;
    let mut tally = Tally::default();
    pieces.iter().try_for_each(|piece| add_piece(&mut tally, dimension, piece))?;
    Ok(tally)
}

/// How many changes of a dimension are enough to be entered: so many pieces, or so many bytes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Enough {
    pub(super) pieces: u32,
    pub(super) bytes: i64,
}

/// A dimension of a version.
pub(super) type Due = (i64, i16);

/// The dimensions of versions with the most to read that is not entered, where it is enough; there may be more.
pub(super) async fn due(
    connection: &mut PgConnection,
    tenant: TenantId,
    enough: Enough,
) -> Result<Vec<Due>, sqlx::Error> {
    sqlx::query_as(include_str!("../../sql/tally_changes_due.sql"))
        .bind(tenant.0)
        .bind(i64::from(enough.pieces))
        .bind(enough.bytes)
        .fetch_all(connection)
        .await
}

/// Locks a version until the end of the transaction, so that nobody else enters changes into its tally. `false`: it is retired.
pub(super) async fn lock(
    connection: &mut PgConnection,
    tenant: TenantId,
    (definition, _): Due,
) -> Result<bool, sqlx::Error> {
    let found = sqlx::query(include_str!("../../sql/lock_version.sql")).bind(tenant.0).bind(definition);
    Ok(found.fetch_optional(connection).await?.is_some())
}

/// Enters the first pieces of a dimension that were noted, about so many bytes of them. Only who holds the [`lock`] of the version may
/// call this.
pub(super) async fn enter(
    connection: &mut PgConnection,
    tenant: TenantId,
    (definition, dimension): Due,
    bytes: i64,
) -> Result<(), sqlx::Error> {
    let pieces = sqlx::query(include_str!("../../sql/tally_changes_take.sql"))
        .bind(tenant.0)
        .bind(definition)
        .bind(dimension)
        .bind(bytes)
        .fetch_all(&mut *connection)
        .await?;
    let mut tally = Tally::default();
    pieces.iter().try_for_each(|piece| add_piece(&mut tally, dimension, piece))?;
    drop(pieces);
    add(connection, tenant, definition, tally).await
}

fn add_piece(tally: &mut Tally, dimension: i16, piece: &PgRow) -> Result<(), sqlx::Error> {
    tally.add_changes(dimension, piece.try_get("rows")?).ok_or_else(|| sqlx::Error::ColumnDecode {
        index: "rows".to_owned(),
        source: "are no changes of a tally".into(),
    })
}

/// Adds a change to the stored rows of a version.
async fn add(
    connection: &mut PgConnection,
    tenant: TenantId,
    definition: i64,
    change: Tally,
) -> Result<(), sqlx::Error> {
    let rows = moved(change);
    if rows.is_empty() {
        return Ok(());
    }
    let mut keys = Keys::default();
    for (key, _) in &rows {
        keys.push(definition, key);
    }
    let stored = sqlx::query(include_str!("../../sql/measure_tallies.sql"))
        .bind(tenant.0)
        .bind(&keys.definitions)
        .bind(&keys.dimensions)
        .bind(&keys.values)
        .bind(&keys.arms)
        .bind(&keys.days)
        .fetch_all(&mut *connection)
        .await?;
    // Each is read when its turn comes: as bytes they take a fraction of the place.
    let places: HashMap<RowKey, usize> =
        stored.iter().enumerate().map(|(at, row)| Ok((key(row)?, at))).collect::<Result<_, sqlx::Error>>()?;
    let mut gone = Keys::default();
    let mut kept = Keys::default();
    let mut sums: Vec<Vec<u8>> = Vec::with_capacity(rows.len());
    for (key, change) in rows {
        let place = places.get(&key).copied();
        let was_stored = place.is_some();
        let mut row = place.map(|at| sums_of(&stored[at])).transpose()?.unwrap_or_default();
        row.add(&change);
        if row.is_zero() {
            if was_stored {
                gone.push(definition, &key);
            }
            continue;
        }
        kept.push(definition, &key);
        sums.push(row.to_bytes());
    }
    delete(connection, tenant, &gone).await?;
    put(connection, tenant, &kept, &sums).await
}

async fn delete(connection: &mut PgConnection, tenant: TenantId, keys: &Keys) -> Result<(), sqlx::Error> {
    if keys.definitions.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("../../sql/measure_tallies_delete.sql"))
        .bind(tenant.0)
        .bind(&keys.definitions)
        .bind(&keys.dimensions)
        .bind(&keys.values)
        .bind(&keys.arms)
        .bind(&keys.days)
        .execute(connection)
        .await
        .map(drop)
}

async fn put(
    connection: &mut PgConnection,
    tenant: TenantId,
    keys: &Keys,
    sums: &[Vec<u8>],
) -> Result<(), sqlx::Error> {
    if keys.definitions.is_empty() {
        return Ok(());
    }
    sqlx::query(include_str!("../../sql/measure_tallies_put.sql"))
        .bind(tenant.0)
        .bind(&keys.definitions)
        .bind(&keys.dimensions)
        .bind(&keys.values)
        .bind(&keys.arms)
        .bind(&keys.days)
        .bind(sums)
        .execute(connection)
        .await
        .map(drop)
}

/// The key of a row of `tally`.
pub(crate) fn key(row: &PgRow) -> Result<RowKey, sqlx::Error> {
    let day: NaiveDate = row.try_get("day")?;
    let value: &str = row.try_get("value")?;
    Ok(RowKey { dimension: row.try_get("dimension")?, value: value.into(), arm: row.try_get("arm")?, day: day.into() })
}

/// The sums of a row of `tally`.
pub(crate) fn sums_of(row: &PgRow) -> Result<Row, sqlx::Error> {
    Row::from_bytes(row.try_get("entered")?)
        .ok_or_else(|| sqlx::Error::ColumnDecode { index: "entered".to_owned(), source: "is no row of a tally".into() })
}
