//! The rows of tallies that answers read, kept as long as nothing changed: a tenant's generation grows with every
//! commit that does.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use journey::{Day, TenantId};
use metrics::tally::{Count, Row as TallyRow, RowKey, Sums, Tally};
use moka::future::Cache;
use sha2::{Digest, Sha256};
use sqlx::PgConnection;

use crate::StoreError;
use crate::measure::tallies;
use crate::read::MAX_DIMENSION_VALUES;

/// Which rows: a version's, at a generation, of everyone, of one of its dimensions or of a detail, up to a day.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) struct RowsKey {
    pub tenant: TenantId,
    pub version: i64,
    pub generation: i64,
    /// See [`RowKey::dimension`].
    pub dimension: i16,
    pub through: Day,
}

/// Rows of a version.
#[derive(Debug, Clone, Default)]
pub(crate) struct Found {
    /// Sorted by their keys.
    pub rows: Arc<Vec<(RowKey, TallyRow)>>,
    /// The same for the same rows, whatever way led to them.
    pub digest: [u8; 32],
    /// Whether there are more than [`MAX_DIMENSION_VALUES`] distinct values; then there are no rows.
    pub too_many_values: bool,
}

impl Found {
    fn of(mut rows: Vec<(RowKey, TallyRow)>) -> Self {
        rows.sort_unstable_by(|a, b| a.0.cmp(&b.0));
        let mut hash = Sha256::new();
        for (key, row) in &rows {
            let bytes = row.to_bytes();
            hash.update(key.dimension.to_be_bytes());
            hash.update(key.arm.to_be_bytes());
            hash.update(key.day.number().to_be_bytes());
            for part in [key.value.as_bytes(), &bytes] {
                // With its length, so that no two lists of rows read the same.
                hash.update((part.len() as u64).to_be_bytes());
                hash.update(part);
            }
        }
        Self { rows: Arc::new(rows), digest: hash.finalize().into(), too_many_values: false }
    }

    /// What there is of a dimension with too many values.
    fn too_many() -> Self {
        Self { too_many_values: true, ..Self::default() }
    }

    /// Moves the rows of a dimension by a change of the tally.
    pub(crate) fn add(&mut self, change: &Tally, dimension: i16, through: Day) {
        let moves = moves(change, dimension, through);
        if !moves.is_empty() && !self.too_many_values {
            *self = Self::of(moved(self.rows.iter().cloned(), moves)).limited();
        }
    }

    /// These rows, or none where there are too many values.
    fn limited(self) -> Self {
        let values = self.rows.chunk_by(|(a, _), (b, _)| a.value == b.value).count();
        if i64::try_from(values).is_ok_and(|values| values > MAX_DIMENSION_VALUES) { Self::too_many() } else { self }
    }

    /// About how many bytes it takes.
    fn weight(&self) -> u32 {
        let slots = |sums: &Sums| sums.live.weight() + sums.matured.weight();
        // A value is shared by the rows that have it, at best.
        let row = |(key, row): &(RowKey, TallyRow)| {
            size_of::<(RowKey, TallyRow)>() + key.value.len() + slots(&row.all) + slots(&row.crossed) + details(row)
        };
        let bytes: usize = self.rows.iter().map(row).sum();
        u32::try_from(bytes + 500).unwrap_or(u32::MAX)
    }
}

/// What a change does to the rows of a dimension up to a day.
fn moves(change: &Tally, dimension: i16, through: Day) -> HashMap<&RowKey, &TallyRow> {
    let wanted = |key: &RowKey| key.dimension == dimension && key.day <= through;
    change.rows.iter().filter(|(key, row)| wanted(key) && !row.is_zero()).collect()
}

/// The rows after the moves.
fn moved(
    rows: impl Iterator<Item = (RowKey, TallyRow)>,
    mut moves: HashMap<&RowKey, &TallyRow>,
) -> Vec<(RowKey, TallyRow)> {
    let mut moved = Vec::with_capacity(rows.size_hint().0 + moves.len());
    for (key, mut row) in rows {
        if let Some(change) = moves.remove(&key) {
            row.add(change);
        }
        if !row.is_zero() {
            moved.push((key, row));
        }
    }
    moved.extend(moves.into_iter().map(|(key, row)| (key.clone(), row.clone())));
    moved
}

fn details(row: &TallyRow) -> usize {
    [&row.all, &row.crossed].into_iter().filter_map(|sums| sums.detail.as_ref()).map(|detail| detail.weight()).sum()
}

/// What was read last.
pub(crate) struct Rows(Cache<RowsKey, Found>);

/// The bytes that are kept.
const KEPT: u64 = 32 << 20;

impl Rows {
    pub(crate) fn new() -> Self {
        Self(Cache::builder().max_capacity(KEPT).weigher(|_, found: &Found| found.weight()).build())
    }

    /// The rows, read in the snapshot of `connection`, to which the key's generation belongs.
    pub(crate) async fn get(&self, connection: &mut PgConnection, key: RowsKey) -> Result<Found, StoreError> {
        if let Some(found) = self.0.get(&key).await {
            return Ok(found);
        }
        let found = read(connection, key).await?;
        self.0.insert(key, found.clone()).await;
        Ok(found)
    }
}

async fn read(connection: &mut PgConnection, key: RowsKey) -> Result<Found, StoreError> {
    let number = key.dimension;
    let changes = tallies::noted(&mut *connection, key.tenant, key.version, number).await?;
    if number > 0 {
        // A change takes values away only where it takes persons away: beyond what it can take it is too many for certain.
        let takes = |row: &TallyRow| row.all.counts[Count::Persons as usize] < 0;
        let taken: HashSet<&str> =
            changes.rows.iter().filter(|(_, row)| takes(row)).map(|(key, _)| &*key.value).collect();
        let enough = MAX_DIMENSION_VALUES + 1 + i64::try_from(taken.len()).unwrap_or(i64::MAX);
        let values: i64 = sqlx::query_scalar(include_str!("../sql/read_values.sql"))
            .bind(key.tenant.0)
            .bind(key.version)
            .bind(number)
            .bind(key.through.to_date())
            .bind(enough)
            .fetch_one(&mut *connection)
            .await?;
        if values >= enough {
            return Ok(Found::too_many());
        }
    }
    let rows = sqlx::query(include_str!("../sql/read_tallies.sql"))
        .bind(key.tenant.0)
        .bind(key.version)
        .bind(number)
        .bind(key.through.to_date())
        .fetch_all(connection)
        .await?;
    let rows: Vec<_> =
        rows.iter().map(|row| Ok((tallies::key(row)?, tallies::sums_of(row)?))).collect::<Result<_, sqlx::Error>>()?;
    let rows = moved(rows.into_iter(), moves(&changes, number, key.through));
    Ok(Found::of(rows).limited())
}
