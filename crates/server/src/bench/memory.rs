//! Memory: how much does the service hold, idle and at its most?

use super::course::Bench;

/// Bytes in the unit in which memory is counted.
pub(super) fn mib(bytes: u64) -> String {
    format!("{:.1} MiB", bytes as f64 / f64::from(1 << 20))
}

/// What an idle service may hold, and one at full ingest, in bytes.
pub(super) const IDLE: u64 = 64 << 20;
pub(super) const FULL: u64 = 256 << 20;

impl Bench<'_> {
    /// Looks at the most that the service held so far.
    pub(super) fn note_memory(&mut self) -> anyhow::Result<()> {
        let peak = self.ground.service.memory()?.peak;
        self.most_memory = Some(self.most_memory.unwrap_or_default().max(peak));
        Ok(())
    }
}
