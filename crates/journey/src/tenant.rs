//! Tenants and what their keys may do.

use crate::channel::words;
use crate::currency::Currency;
use crate::day::Zone;
use crate::text::Name;

/// The id of a tenant: sixteen bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TenantId(pub uuid::Uuid);

/// An isolated customer of the service. Its currency and its time zone never change.
#[derive(Debug, Clone, PartialEq)]
pub struct Tenant {
    /// The id.
    pub id: TenantId,
    /// The name that people see.
    pub name: Name,
    /// Money metrics count amounts in this currency.
    pub currency: Currency,
    /// Days are cut in this zone.
    pub zone: Zone,
}

words! {
    /// What a key may do.
    Scope {
        /// Post events.
        Ingest = "ingest",
        /// Read definitions and results.
        Read = "read",
        /// Define experiments and metrics, manage keys; reading is included.
        Admin = "admin",
    }
}
