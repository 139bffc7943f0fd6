//! Stored contributions: how they are read and written. Only the holder of the tenant's measure lock writes them.

use std::collections::HashMap;

use journey::TenantId;
use sqlx::{PgConnection, Row};

/// The stored contributions of a subject: by version, its bytes.
pub(super) type Rows = Vec<(i64, Vec<u8>)>;

/// The stored contributions of subjects that have any.
pub(super) type Stored = HashMap<String, Rows>;

/// A contribution to be written: the version, the person and the bytes.
pub(super) type Put = (i64, String, Vec<u8>);

/// The stored contributions to the versions of any of these subjects.
pub(super) async fn stored(
    connection: &mut PgConnection,
    tenant: TenantId,
    versions: &[i64],
    subjects: &[String],
) -> Result<Stored, sqlx::Error> {
    if versions.is_empty() || subjects.is_empty() {
        return Ok(Stored::new());
    }
    let rows = sqlx::query(include_str!("../../sql/measure_contributions.sql"))
        .bind(tenant.0)
        .bind(versions)
        .bind(subjects)
        .fetch_all(connection)
        .await?;
    let mut stored = Stored::new();
    for row in rows {
        let entry = (row.try_get("definition_id")?, row.try_get("body")?);
        let person: &str = row.try_get("person")?;
        match stored.get_mut(person) {
            Some(rows) => rows.push(entry),
            None => drop(stored.insert(person.to_owned(), vec![entry])),
        }
    }
    Ok(stored)
}

/// Writes contributions, each in the place of the one before.
pub(super) async fn put(connection: &mut PgConnection, tenant: TenantId, put: Vec<Put>) -> Result<(), sqlx::Error> {
    if put.is_empty() {
        return Ok(());
    }
    let (mut versions, mut persons, mut bodies) = (Vec::new(), Vec::new(), Vec::new());
    for (version, person, body) in put {
        versions.push(version);
        persons.push(person);
        bodies.push(body);
    }
    sqlx::query(include_str!("../../sql/measure_contributions_put.sql"))
        .bind(tenant.0)
        .bind(versions)
        .bind(persons)
        .bind(bodies)
        .execute(connection)
        .await
        .map(drop)
}

/// Deletes contributions, by version and subject.
pub(super) async fn delete(
    connection: &mut PgConnection,
    tenant: TenantId,
    gone: Vec<(i64, String)>,
) -> Result<(), sqlx::Error> {
    if gone.is_empty() {
        return Ok(());
    }
    let (versions, subjects): (Vec<i64>, Vec<String>) = gone.into_iter().unzip();
    sqlx::query(include_str!("../../sql/measure_contributions_delete.sql"))
        .bind(tenant.0)
        .bind(versions)
        .bind(subjects)
        .execute(connection)
        .await
        .map(drop)
}
