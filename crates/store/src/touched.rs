//! Word from the writer to the measurement: which tenants have touched subjects.
//!
//! Only a hint that saves a poll: the rows of `touched` are the truth, and a worker that starts finds them there.

use std::collections::{HashSet, VecDeque};
use std::sync::{Mutex, PoisonError};

use journey::TenantId;
use tokio::sync::Notify;

/// The tenants that wait for the measurement, each once, in the order in which they were first told.
#[derive(Debug, Default)]
pub(crate) struct TouchedTenants {
    waiting: Mutex<(VecDeque<TenantId>, HashSet<TenantId>)>,
    bell: Notify,
}

impl TouchedTenants {
    /// Tells that `tenant` has something to measure.
    pub(crate) fn tell(&self, tenant: TenantId) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.1.insert(tenant) {
            waiting.0.push_back(tenant);
            drop(waiting);
            self.bell.notify_one();
        }
    }

    /// Waits for a tenant with something to measure and takes it off the list. Several workers may wait.
    #[expect(dead_code, reason = "the worker of the measurement waits here")]
    pub(crate) async fn next(&self) -> TenantId {
        loop {
            if let Some(tenant) = self.take() {
                return tenant;
            }
            self.bell.notified().await;
        }
    }

    fn take(&self) -> Option<TenantId> {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let tenant = waiting.0.pop_front()?;
        waiting.1.remove(&tenant);
        if !waiting.0.is_empty() {
            // A second word may have been given while no one waited; it must not be lost on the other workers.
            self.bell.notify_one();
        }
        Some(tenant)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_tenant_waits_once_and_in_order() {
        let touched = TouchedTenants::default();
        let [a, b] = [1, 2].map(|n| TenantId(uuid::Uuid::from_u128(n)));
        for tenant in [a, b, a, a] {
            touched.tell(tenant);
        }
        assert_eq!(touched.take(), Some(a));
        touched.tell(a);
        assert_eq!([touched.take(), touched.take(), touched.take()], [Some(b), Some(a), None]);
    }
}
