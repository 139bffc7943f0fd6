//! The start: how long until the service is ready, where Postgres runs already and holds the data? And what does it hold
//! in memory, then and before?

use std::time::Duration;

use super::course::Bench;
use super::memory::{FULL, IDLE, mib};
use super::report::Line;
use super::timing::{Times, shown, thousands};

/// How long a service must have been left alone to be idle.
const LEFT_ALONE: Duration = Duration::from_secs(3);

impl Bench<'_> {
    /// Stops the service and starts it again, several times.
    pub(super) async fn start_again(&mut self, start: bool, memory: bool) -> anyhow::Result<()> {
        self.say("starting the service again");
        self.ground.measured(&self.tenant).await?;
        self.note_memory()?;
        tokio::time::sleep(LEFT_ALONE).await;
        let after_load = self.ground.service.memory()?.now;
        let mut times = Times::default();
        for _ in 0..5 {
            times.push(self.ground.service.restart(true).await?);
        }
        if start {
            let events = thousands(self.ground.stored(&self.tenant).await? as f64);
            self.lines.push(
                Line::new(&format!("cold start to ready, {events} events"), format!("p50 {}", shown(times.median())))
                    .target("<= 300 ms", times.median() <= Duration::from_millis(300)),
            );
        }
        if memory {
            tokio::time::sleep(LEFT_ALONE).await;
            let idle = self.ground.service.memory()?.now;
            self.lines.push(
                Line::new("memory, idle after a start", mib(idle)).target(&format!("<= {}", mib(IDLE)), idle <= IDLE),
            );
            self.lines.push(Line::new("memory, idle after everything above", mib(after_load)));
            let (ingest, most) = (self.ingest_memory.unwrap_or_default(), self.most_memory.unwrap_or_default());
            self.lines.push(
                Line::new("memory, the most at full ingest, with all that was posted", mib(ingest))
                    .target(&format!("<= {}", mib(FULL)), ingest <= FULL),
            );
            self.lines.push(Line::new("memory, the most during everything above", mib(most)));
        }
        Ok(())
    }
}
