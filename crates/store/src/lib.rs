//! All SQL: the batch writer, the measurement, definitions, tenants and keys.
//!
//! [`Store::authenticate`] is the only way to a tenant's data: it gives a [`TenantStore`], and every statement behind
//! that one runs in a transaction of its tenant, under row-level security. Each statement is a file in `sql/`.

mod connect;
mod definitions;
mod document;
mod error;
mod events;
mod fault;
mod id;
mod keys;
mod maintenance;
mod measure;
mod migrations;
mod options;
mod packed;
mod page;
mod population;
mod read;
mod ready;
mod recent;
mod rows;
mod tenant_store;
mod tenants;
mod transaction;
mod writer;

use std::sync::Arc;

use sqlx::PgPool;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

pub use definitions::{Change, DefinitionError, Fixed, Looking};
pub use error::StoreError;
pub use events::StoredEvent;
#[cfg(feature = "faults")]
pub use fault::inject;
pub use keys::{KeyDraft, KeyInfo, KeyRefused, NewKey};
pub use maintenance::Retained;
pub use measure::Fresh;
pub use measure::journal::{KEPT_DAYS as JOURNAL_DAYS, Since};
pub use migrations::{PendingMigration, migrate, pending_migrations};
pub use options::{Clock, StoreOptions};
pub use page::Page;
pub use population::{Found, Population};
pub use read::{ByValue, Detail, DetailRows, MAX_DIMENSION_VALUES, Measured, Measuring, Question};
pub use ready::Readiness;
pub use tenant_store::TenantStore;
pub use tenants::{NewKeys, OperatorStore};
pub use writer::{AppendError, Outcome};

/// The store of all tenants; clones share everything.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

/// What all clones of a store share.
pub(crate) struct Inner {
    /// Connections of writes, as `journeylift_app`.
    pub(crate) ingest: PgPool,
    /// Connections of reads, so that a dashboard can't stop ingest, as `journeylift_app`.
    pub(crate) reads: PgPool,
    /// A few connections as `journeylift_maintenance`.
    pub(crate) maintenance: PgPool,
    pub(crate) options: StoreOptions,
    pub(crate) keys: keys::KeyCache,
    pub(crate) writers: writer::Writers,
    /// What measures, on connections of its own.
    pub(crate) measurer: Arc<measure::Measurer>,
    pub(crate) measuring: PgPool,
    /// Rows of tallies that were read last.
    pub(crate) rows: rows::Rows,
    /// Background tasks; [`Store::close`] waits for them.
    pub(crate) tasks: TaskTracker,
    /// Cancelled when the store closes.
    pub(crate) closing: CancellationToken,
}

impl Inner {
    /// The instant that the clock shows.
    pub(crate) fn now(&self) -> journey::Instant {
        (self.options.clock)()
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").finish_non_exhaustive()
    }
}

impl Store {
    /// The store as the operator of the service sees it: tenants and their first keys.
    #[must_use]
    pub fn operator(&self) -> OperatorStore {
        OperatorStore { inner: self.inner.clone() }
    }

    /// Writes what is queued, stops the background tasks and closes the connections.
    pub async fn close(&self) {
        self.inner.writers.close();
        self.inner.writers.finished().await;
        self.inner.closing.cancel();
        self.inner.tasks.close();
        self.inner.tasks.wait().await;
        for pool in [&self.inner.ingest, &self.inner.measuring, &self.inner.reads, &self.inner.maintenance] {
            pool.close().await;
        }
    }
}
