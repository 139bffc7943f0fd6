//! A tenant's store: everything behind it is scoped to its tenant.

use std::sync::Arc;

use journey::{Event, Scope, Tenant, TenantId};
use sqlx::PgPool;
use uuid::Uuid;

use crate::Inner;
use crate::keys::KeyRecord;
use crate::writer::{AppendError, Outcome};

/// The store as the holder of a key sees it; clones share everything.
#[derive(Clone)]
pub struct TenantStore {
    pub(crate) inner: Arc<Inner>,
    pub(crate) tenant: Arc<Tenant>,
    pub(crate) key: Arc<KeyRecord>,
}

impl std::fmt::Debug for TenantStore {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TenantStore").field("tenant", &self.tenant.id).finish_non_exhaustive()
    }
}

impl TenantStore {
    /// The tenant.
    #[must_use]
    pub fn tenant(&self) -> &Tenant {
        &self.tenant
    }

    /// Whether the key may do what `scope` says. `admin` includes reading.
    #[must_use]
    pub fn allows(&self, scope: Scope) -> bool {
        self.key.scopes.contains(&scope) || (scope == Scope::Read && self.key.scopes.contains(&Scope::Admin))
    }

    /// The id by which people speak of the key.
    #[must_use]
    pub fn key_id(&self) -> Uuid {
        self.key.id
    }

    /// Writes events and answers after they are durable: one outcome per event, in the order given.
    ///
    /// `bytes` is their decoded size, which counts against the queue. Events without a time get the time of this
    /// call. Sending the same events again is always safe.
    pub async fn append(&self, events: Vec<Event>, bytes: usize) -> Result<Vec<Outcome>, AppendError> {
        self.inner.writers.append(&self.tenant, events, bytes, self.inner.now()).await
    }

    /// Connections of reads.
    pub(crate) fn reads(&self) -> &PgPool {
        &self.inner.reads
    }

    /// The tenant's id.
    pub(crate) fn id(&self) -> TenantId {
        self.tenant.id
    }
}
