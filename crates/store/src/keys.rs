//! Keys: made once, shown once, stored as their hash, and asked for at every request.

use std::sync::Arc;
use std::time::Duration;

use journey::{Instant, Name, Scope, Tenant, TenantId};
use sha2::{Digest, Sha256};
use sqlx::postgres::PgRow;
use sqlx::types::chrono::{DateTime, Utc};
use sqlx::{PgPool, Row};
use uuid::Uuid;

use crate::error::StoreError;
use crate::page::{self, Page};
use crate::transaction::{Purpose, Tx, begin, begin_for_key, enter_tenant, retry};
use crate::{Inner, OperatorStore, Store, TenantStore, id, tenants};

/// How long a key is believed without asking again: revoking one takes effect everywhere within a second.
const BELIEVED: Duration = Duration::from_millis(500);

/// How long a tenant is remembered; nothing of a tenant that the service reads ever changes.
const REMEMBERED: Duration = Duration::from_mins(5);

/// Why a key opens nothing.
#[derive(Debug, thiserror::Error)]
pub enum KeyRefused {
    /// There is no such key.
    #[error("the key is unknown")]
    Unknown,
    /// Its time is over.
    #[error("the key has expired")]
    Expired,
    /// It was revoked.
    #[error("the key was revoked")]
    Revoked,
    /// It can't be looked up now.
    #[error("the key can't be checked now")]
    Unavailable(#[from] StoreError),
}

/// A key to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyDraft {
    /// What it may do; at least one.
    pub scopes: Vec<Scope>,
    /// From then on it is refused; `None`: never.
    pub expires_at: Option<Instant>,
    /// For people.
    pub label: Option<Name>,
}

/// A key that was just made: the only time that the secret is seen.
#[derive(Clone, PartialEq, Eq)]
pub struct NewKey {
    /// The key itself, `jl_` and 64 hexadecimal digits.
    pub secret: String,
    /// What is kept of it.
    pub info: KeyInfo,
}

impl std::fmt::Debug for NewKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewKey").field("info", &self.info).finish_non_exhaustive()
    }
}

/// What is known of a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyInfo {
    /// The id by which people speak of it.
    pub id: Uuid,
    /// What it may do.
    pub scopes: Vec<Scope>,
    /// For people.
    pub label: Option<Name>,
    /// Its first characters.
    pub prefix: String,
    /// When it was made.
    pub created_at: Instant,
    /// From then on it is refused; `None`: never.
    pub expires_at: Option<Instant>,
    /// When it was revoked; `None`: it was not.
    pub revoked_at: Option<Instant>,
}

/// What a request needs to know of its key.
#[derive(Debug, Clone)]
pub(crate) struct KeyRecord {
    pub(crate) id: Uuid,
    pub(crate) tenant: TenantId,
    pub(crate) scopes: Vec<Scope>,
    expires_at: Option<Instant>,
    revoked: bool,
}

type Hash = [u8; 32];

/// Keys and tenants that were looked up a moment ago.
pub(crate) struct KeyCache {
    keys: moka::future::Cache<Hash, (Arc<KeyRecord>, Arc<Tenant>)>,
    tenants: moka::future::Cache<TenantId, Arc<Tenant>>,
}

impl KeyCache {
    pub(crate) fn new() -> Self {
        Self {
            keys: moka::future::Cache::builder().max_capacity(10_000).time_to_live(BELIEVED).build(),
            tenants: moka::future::Cache::builder().max_capacity(10_000).time_to_live(REMEMBERED).build(),
        }
    }
}

impl Store {
    /// Opens the store of the tenant that `key` belongs to.
    pub async fn authenticate(&self, key: &str) -> Result<TenantStore, KeyRefused> {
        let hash: Hash = Sha256::digest(key.as_bytes()).into();
        let (record, tenant) = if let Some(found) = self.inner.keys.keys.get(&hash).await {
            found
        } else {
            let found = retry("authenticate", || look_up(&self.inner, hash)).await?.ok_or(KeyRefused::Unknown)?;
            self.inner.keys.keys.insert(hash, found.clone()).await;
            found
        };
        if record.revoked {
            return Err(KeyRefused::Revoked);
        }
        if record.expires_at.is_some_and(|end| self.inner.now() >= end) {
            return Err(KeyRefused::Expired);
        }
        Ok(TenantStore { inner: self.inner.clone(), tenant, key: record })
    }
}

async fn look_up(inner: &Inner, hash: Hash) -> Result<Option<(Arc<KeyRecord>, Arc<Tenant>)>, StoreError> {
    let mut tx = begin_for_key(&inner.reads, &hash).await?;
    let row = sqlx::query(include_str!("../sql/find_key.sql")).bind(&hash[..]).fetch_optional(&mut *tx).await?;
    let Some(row) = row else { return Ok(None) };
    let record = KeyRecord {
        id: row.try_get("key_id")?,
        tenant: TenantId(row.try_get("tenant_id")?),
        scopes: scopes(&row)?,
        expires_at: instant(&row, "expires_at")?,
        revoked: instant(&row, "revoked_at")?.is_some(),
    };
    let tenant = if let Some(tenant) = inner.keys.tenants.get(&record.tenant).await {
        tenant
    } else {
        enter_tenant(&mut tx, record.tenant).await?;
        let tenant = tenants::find(&mut tx, record.tenant)
            .await?
            .ok_or_else(|| StoreError::corrupt("key", "its tenant is gone"))?;
        let tenant = Arc::new(tenant);
        inner.keys.tenants.insert(record.tenant, tenant.clone()).await;
        tenant
    };
    tx.commit().await?;
    Ok(Some((Arc::new(record), tenant)))
}

impl TenantStore {
    /// Makes a key of this tenant.
    pub async fn create_key(&self, draft: KeyDraft) -> Result<NewKey, StoreError> {
        create(&self.inner.ingest, self.id(), draft, self.inner.now()).await
    }

    /// The tenant's keys, the revoked and expired ones too, in the order in which they were made.
    pub async fn keys(&self, limit: usize, after: Option<Uuid>) -> Result<Page<KeyInfo>, StoreError> {
        list(&self.inner.reads, self.id(), limit, after).await
    }

    /// Revokes a key of this tenant, which every process notices within a second; whether there is such a key.
    pub async fn revoke_key(&self, id: Uuid) -> Result<bool, StoreError> {
        let found = revoke(&self.inner.ingest, self.id(), id, self.inner.now()).await?;
        self.inner.keys.keys.invalidate_all();
        Ok(found)
    }
}

impl OperatorStore {
    /// The keys of `tenant`, the revoked and expired ones too, in the order in which they were made; `None`: there is no
    /// such tenant.
    pub async fn keys(
        &self,
        tenant: TenantId,
        limit: usize,
        after: Option<Uuid>,
    ) -> Result<Option<Page<KeyInfo>>, StoreError> {
        if self.get(tenant).await?.is_none() {
            return Ok(None);
        }
        list(&self.inner.maintenance, tenant, limit, after).await.map(Some)
    }
}

/// A page of the keys of `tenant`.
async fn list(pool: &PgPool, tenant: TenantId, limit: usize, after: Option<Uuid>) -> Result<Page<KeyInfo>, StoreError> {
    let (limit, rows) = page::bounds(limit);
    let infos = retry("keys", || async move {
        let mut tx = begin(pool, tenant, Purpose::Read).await?;
        let found = sqlx::query(include_str!("../sql/list_keys.sql"))
            .bind(tenant.0)
            .bind(after)
            .bind(rows)
            .fetch_all(&mut *tx)
            .await?;
        tx.commit().await?;
        found.iter().map(info).collect::<Result<Vec<_>, StoreError>>()
    })
    .await?;
    Ok(Page::of(infos, limit, |info| info.id.to_string()))
}

/// Makes a key of `tenant`.
pub(crate) async fn create(
    pool: &PgPool,
    tenant: TenantId,
    draft: KeyDraft,
    now: Instant,
) -> Result<NewKey, StoreError> {
    let (key, hash) = generate(draft, now)?;
    retry("create_key", || async {
        let mut tx = begin(pool, tenant, Purpose::Write).await?;
        insert(&mut tx, tenant, &key.info, hash).await?;
        tx.commit().await?;
        Ok::<_, StoreError>(())
    })
    .await?;
    Ok(key)
}

/// Revokes the key `id` of `tenant`; whether there is such a key.
pub(crate) async fn revoke(pool: &PgPool, tenant: TenantId, id: Uuid, now: Instant) -> Result<bool, StoreError> {
    retry("revoke_key", || async move {
        let mut tx = begin(pool, tenant, Purpose::Write).await?;
        let done = sqlx::query(include_str!("../sql/revoke_key.sql"))
            .bind(tenant.0)
            .bind(id)
            .bind(now.to_utc())
            .execute(&mut *tx)
            .await?;
        tx.commit().await?;
        Ok(done.rows_affected() > 0)
    })
    .await
}

/// A new key and its hash.
pub(crate) fn generate(draft: KeyDraft, now: Instant) -> Result<(NewKey, Hash), StoreError> {
    let secret = format!("jl_{}", hex::encode(id::random::<32>()?));
    let hash = Sha256::digest(secret.as_bytes()).into();
    let mut scopes = draft.scopes;
    scopes.sort();
    scopes.dedup();
    let info = KeyInfo {
        id: id::new(now)?,
        scopes,
        label: draft.label,
        prefix: secret[..9].to_owned(),
        created_at: now,
        expires_at: draft.expires_at,
        revoked_at: None,
    };
    Ok((NewKey { secret, info }, hash))
}

/// Stores a key; nothing happens where a try before this one has done it.
pub(crate) async fn insert(tx: &mut Tx, tenant: TenantId, info: &KeyInfo, hash: Hash) -> Result<(), StoreError> {
    let scopes: Vec<&str> = info.scopes.iter().map(|scope| scope.word()).collect();
    sqlx::query(include_str!("../sql/insert_key.sql"))
        .bind(tenant.0)
        .bind(&hash[..])
        .bind(info.id)
        .bind(scopes)
        .bind(info.label.as_ref().map(Name::as_str))
        .bind(&info.prefix)
        .bind(info.created_at.to_utc())
        .bind(info.expires_at.map(Instant::to_utc))
        .execute(&mut **tx)
        .await?;
    Ok(())
}

fn info(row: &PgRow) -> Result<KeyInfo, StoreError> {
    let label: Option<String> = row.try_get("label")?;
    let label = label.map(|text| Name::parse(&text, "/label")).transpose();
    let created_at = instant(row, "created_at")?.ok_or_else(|| StoreError::corrupt("key", "created_at is null"))?;
    Ok(KeyInfo {
        id: row.try_get("key_id")?,
        scopes: scopes(row)?,
        label: label.map_err(|error| StoreError::corrupt("key", error.to_string()))?,
        prefix: row.try_get("prefix")?,
        created_at,
        expires_at: instant(row, "expires_at")?,
        revoked_at: instant(row, "revoked_at")?,
    })
}

fn scopes(row: &PgRow) -> Result<Vec<Scope>, StoreError> {
    let words: Vec<String> = row.try_get("scopes")?;
    words
        .iter()
        .map(|word| Scope::from_word(word).ok_or_else(|| StoreError::corrupt("key", format!("unknown scope {word}"))))
        .collect()
}

fn instant(row: &PgRow, column: &str) -> Result<Option<Instant>, StoreError> {
    Ok(row.try_get::<Option<DateTime<Utc>>, _>(column)?.map(Instant::from))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_random_recognisable_and_never_printed() {
        let draft = KeyDraft { scopes: vec![Scope::Admin, Scope::Read, Scope::Admin], expires_at: None, label: None };
        let (key, hash) = generate(draft.clone(), Instant::from_micros(0)).unwrap();
        assert_eq!(key.secret.len(), 67);
        assert!(key.secret.starts_with(&key.info.prefix));
        assert_eq!(hash[..], Sha256::digest(key.secret.as_bytes())[..]);
        assert_eq!(key.info.scopes, [Scope::Read, Scope::Admin]);
        assert!(!format!("{key:?}").contains(&key.secret));
        assert_ne!(generate(draft, Instant::from_micros(0)).unwrap().0.secret, key.secret);
    }
}
