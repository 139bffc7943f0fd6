//! Tenants, as the operator of the service sees them.

use std::sync::Arc;

use journey::{Currency, Instant, Name, Scope, Tenant, TenantId, Zone};
use sqlx::Row;
use sqlx::postgres::PgRow;
use uuid::Uuid;

use crate::error::StoreError;
use crate::keys::{self, KeyDraft, NewKey};
use crate::page::{self, Page};
use crate::transaction::{Purpose, Tx, begin, retry};
use crate::{Inner, id};

/// The store as the operator sees it; clones share everything.
#[derive(Clone)]
pub struct OperatorStore {
    pub(crate) inner: Arc<Inner>,
}

impl std::fmt::Debug for OperatorStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("OperatorStore").finish_non_exhaustive()
    }
}

/// A new tenant's first keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewKeys {
    /// Defines, manages keys and reads.
    pub admin: NewKey,
    /// Posts events.
    pub ingest: NewKey,
    /// Reads.
    pub read: NewKey,
}

impl OperatorStore {
    /// Makes a tenant and its first keys.
    pub async fn create(&self, name: Name, currency: Currency, zone: Zone) -> Result<(Tenant, NewKeys), StoreError> {
        let now = self.inner.now();
        let tenant = Tenant { id: TenantId(id::new(now)?), name, currency, zone };
        let key = |scope| keys::generate(KeyDraft { scopes: vec![scope], expires_at: None, label: None }, now);
        let made = [key(Scope::Admin)?, key(Scope::Ingest)?, key(Scope::Read)?];
        retry("create_tenant", || async {
            let mut tx = begin(&self.inner.maintenance, tenant.id, Purpose::Write).await?;
            insert(&mut tx, &tenant, now).await?;
            for (key, hash) in &made {
                keys::insert(&mut tx, tenant.id, &key.info, *hash).await?;
            }
            tx.commit().await?;
            Ok::<_, StoreError>(())
        })
        .await?;
        let [admin, ingest, read] = made.map(|(key, _)| key);
        Ok((tenant, NewKeys { admin, ingest, read }))
    }

    /// The tenants, in the order in which they were made.
    pub async fn list(&self, limit: usize, after: Option<TenantId>) -> Result<Page<Tenant>, StoreError> {
        let (limit, rows) = page::bounds(limit);
        let tenants = retry("tenants", || async move {
            let found = sqlx::query(include_str!("../sql/list_tenants.sql"))
                .bind(after.map(|tenant| tenant.0))
                .bind(rows)
                .fetch_all(&self.inner.maintenance)
                .await?;
            found.iter().map(read).collect::<Result<Vec<_>, StoreError>>()
        })
        .await?;
        Ok(Page::of(tenants, limit, |tenant| tenant.id.0.to_string()))
    }

    /// The tenant with this id.
    pub async fn get(&self, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
        retry("tenant", || async move {
            let mut tx = begin(&self.inner.maintenance, tenant, Purpose::Read).await?;
            let found = find(&mut tx, tenant).await?;
            tx.commit().await?;
            Ok(found)
        })
        .await
    }

    /// Makes a key of `tenant`; `None`: there is no such tenant.
    pub async fn create_key(&self, tenant: TenantId, draft: KeyDraft) -> Result<Option<NewKey>, StoreError> {
        if self.get(tenant).await?.is_none() {
            return Ok(None);
        }
        keys::create(&self.inner.maintenance, tenant, draft, self.inner.now()).await.map(Some)
    }

    /// Revokes a key of `tenant`, which every process notices within a second; whether there is such a key.
    pub async fn revoke_key(&self, tenant: TenantId, id: Uuid) -> Result<bool, StoreError> {
        keys::revoke(&self.inner.maintenance, tenant, id, self.inner.now()).await
    }
}

/// Stores a tenant with its measure lock; nothing happens where a try before this one has done it.
async fn insert(tx: &mut Tx, tenant: &Tenant, now: Instant) -> Result<(), StoreError> {
    sqlx::query(include_str!("../sql/insert_tenant.sql"))
        .bind(tenant.id.0)
        .bind(tenant.name.as_str())
        .bind(tenant.currency.code())
        .bind(tenant.zone.name())
        .bind(now.to_utc())
        .execute(&mut **tx)
        .await?;
    sqlx::query(include_str!("../sql/insert_measure_state.sql")).bind(tenant.id.0).execute(&mut **tx).await?;
    Ok(())
}

/// The tenant with this id, in a transaction of it.
pub(crate) async fn find(tx: &mut Tx, tenant: TenantId) -> Result<Option<Tenant>, StoreError> {
    let row = sqlx::query(include_str!("../sql/find_tenant.sql")).bind(tenant.0).fetch_optional(&mut **tx).await?;
    row.as_ref().map(read).transpose()
}

/// The tenant of a row with all its columns.
pub(crate) fn read(row: &PgRow) -> Result<Tenant, StoreError> {
    let text = |column| row.try_get::<String, _>(column);
    let corrupt = |error: journey::Invalid| StoreError::corrupt("tenant", error.to_string());
    Ok(Tenant {
        id: TenantId(row.try_get("tenant_id")?),
        name: Name::parse(&text("name")?, "/name").map_err(corrupt)?,
        currency: Currency::parse(&text("currency")?, "/currency").map_err(corrupt)?,
        zone: Zone::parse(&text("time_zone")?, "/time_zone").map_err(corrupt)?,
    })
}
