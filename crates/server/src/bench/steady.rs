//! The steady state: are events measured as fast as they come in?

use std::time::Instant;

use super::course::Bench;
use super::load::{Load, Steady};
use super::report::Line;
use super::timing::{rate, shown, thousands};

impl Bench<'_> {
    /// A steady load, and how far the measurement is behind when it ends.
    pub(super) async fn steady(&mut self) -> anyhow::Result<()> {
        let (wanted, span) = (self.args.rate, self.sizes.span);
        let requests = Steady::new(&self.tenant, &self.journeys, self.stream(), wanted, span);
        self.say(&format!("posting {} events a second", thousands(wanted as f64)));
        self.ground.checkpoint().await?;
        self.begin_profile().await?;
        let load = Load::default();
        let begun = Instant::now();
        let loaded = load.run(self.ground.service.address, requests).await?;
        let pending = self.ground.pending(&self.tenant).await?;
        self.ground.measured(&self.tenant).await?;
        let all = begun.elapsed();
        self.end_profile().await?;
        self.stored += load.accepted();
        self.note_memory()?;
        let (posted, measured) = (rate(load.accepted(), loaded.took), rate(load.accepted(), all));
        // What comes in the last moments cannot be measured before it came.
        let holds = posted >= 0.95 * wanted as f64 && measured >= 0.95 * posted;
        self.lines.push(
            Line::new(
                "steady state: events measured while they are ingested",
                format!(
                    "{} events/s, {pending} subjects behind at the end, none after {}",
                    thousands(measured),
                    shown(all.saturating_sub(loaded.took))
                ),
            )
            .against(
                format!(
                    "{} events/s posted for {}, {}",
                    thousands(posted),
                    shown(loaded.took),
                    loaded.times.quantiles()
                ),
                measured / posted,
            )
            .target(&format!("all at {} events/s", thousands(wanted as f64)), holds),
        );
        Ok(())
    }
}
