//! When is what slices noted entered into the tallies? Where there is enough of it: less is enough while little comes.
//!
//! Entries go on beside slices. They never keep anybody from being measured: what can't be entered now stays noted.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use journey::TenantId;
use tokio::time::Instant;

use super::Measurer;
use super::agenda::Gate;
use super::slice;
use super::tallies::Enough;
use crate::error::StoreError;

/// While slices note as many changes as there may be, it is looked so often whether these are to be entered.
pub(super) const LOOKS: u32 = 4;
/// Changes of so many bytes, which an answer whose rows are not kept reads in milliseconds, are entered however few they are.
const READ_BUSY: i64 = 256 << 10;
/// The same while little comes.
const READ_AT_REST: i64 = 16 << 10;
/// After so long nothing more is entered until it is looked again.
const LONGEST_ENTRY: Duration = Duration::from_millis(200);

impl Measurer {
    /// Begins to enter what slices noted while much comes, unless somebody does so already.
    pub(super) fn begin_to_enter(self: &Arc<Self>, tenant: TenantId) {
        let (measurer, gate) = (self.clone(), self.gate(tenant));
        // A task of its own: beside a slice that folds, a part of the same task would stand still.
        tokio::spawn(async move {
            if let Ok(_entering) = gate.entering.try_lock() {
                measurer.enter(tenant, &gate, true).await;
            }
        });
    }

    /// Enters what slices noted while little comes. Returns whether there may be more.
    pub(super) async fn enter_at_rest(&self, tenant: TenantId) -> bool {
        let gate = self.gate(tenant);
        let _entering = gate.entering.lock().await;
        self.enter(tenant, &gate, false).await
    }

    async fn enter(&self, tenant: TenantId, gate: &Gate, busy: bool) -> bool {
        let (slices, enough) = if busy {
            (self.noted / LOOKS, Enough { pieces: self.noted, bytes: READ_BUSY })
        } else {
            (1, Enough { pieces: (self.noted / LOOKS).max(1), bytes: READ_AT_REST })
        };
        let begun = Instant::now();
        loop {
            // Slices go on noting: what they note from here on is looked at again.
            let noted = gate.noted.load(Ordering::Relaxed);
            if noted < slices {
                return false;
            }
            if begun.elapsed() >= LONGEST_ENTRY {
                return true;
            }
            match self.enter_some(tenant, gate, enough, begun).await {
                Ok(true) => {}
                Ok(false) => {
                    // What is too little while much comes may be enough at rest.
                    gate.noted.fetch_sub(noted.saturating_sub(u32::from(busy)), Ordering::Relaxed);
                    return false;
                }
                Err(error) => {
                    tracing::warn!(tenant = %tenant.0, ?error, "changes of tallies can't be entered and stay noted");
                    // Enough for another look at rest, and for none before slices have noted more while much comes.
                    gate.noted.fetch_sub(noted.saturating_sub(1), Ordering::Relaxed);
                    if error.may_be_its_own() {
                        gate.enter_less();
                    }
                    return false;
                }
            }
        }
    }

    /// Looks what is enough, and enters it as far as there is time. Returns whether anything was.
    async fn enter_some(
        &self,
        tenant: TenantId,
        gate: &Gate,
        enough: Enough,
        begun: Instant,
    ) -> Result<bool, StoreError> {
        let all = slice::due(&self.pool, tenant, enough).await?;
        let (is_any, mut failed) = (!all.is_empty(), None);
        for due in all {
            if begun.elapsed() >= LONGEST_ENTRY {
                break;
            }
            match slice::enter(&self.pool, tenant, due, gate.bytes.load(Ordering::Relaxed)).await {
                Ok(()) => gate.enter_more(),
                // What is wrong with one must not keep the others from being entered.
                Err(error) if error.may_be_its_own() => failed = Some(error),
                Err(error) => return Err(error),
            }
        }
        failed.map_or(Ok(is_any), Err)
    }
}
