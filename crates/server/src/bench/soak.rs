//! The soak: does the memory of the service stay flat under load?

use std::time::{Duration, Instant};

use anyhow::bail;

use super::course::Bench;
use super::lifts::read;
use super::load::{Load, Steady};
use super::memory::mib;
use super::report::Line;
use super::timing::{shown, thousands};

/// Growth that is no growth: the larger of this share and these bytes.
const FLAT: (f64, u64) = (0.05, 8 << 20);

impl Bench<'_> {
    /// A steady load with strong reads beside, and what the service holds meanwhile.
    pub(super) async fn soak(&mut self) -> anyhow::Result<()> {
        let (events_a_second, span) = (self.args.rate, self.sizes.span);
        self.say(&format!("soaking at {} events/s for {}", thousands(events_a_second as f64), shown(span)));
        let requests = Steady::new(&self.tenant, &self.journeys, self.stream(), events_a_second, span);
        let load = Load::default();
        let mut samples: Vec<u64> = Vec::new();
        let begun = Instant::now();
        let reads = async {
            let mut connection = self.ground.connect().await?;
            let trials = self.journeys.trials();
            for number in 0_usize.. {
                read(&mut connection, &self.tenant.reading(&trials[number % trials.len()].results())).await?;
                tokio::time::sleep(Duration::from_millis(200)).await;
                let due = span * u32::try_from(samples.len() + 1)? / 120;
                if begun.elapsed() >= due {
                    samples.push(self.ground.service.memory()?.now);
                }
            }
            anyhow::Ok(())
        };
        let loaded = tokio::select! {
            loaded = load.run(self.ground.service.address, requests) => loaded?,
            ended = reads => bail!("the reads ended: {ended:?}"),
        };
        self.stored += load.accepted();
        self.note_memory()?;
        // The first half warms caches up; then a quarter is held against the next one.
        let mean = |part: &[u64]| part.iter().sum::<u64>() / (part.len() as u64).max(1);
        let half = samples.len() / 2;
        let (third, last) = samples[half..].split_at((samples.len() - half) / 2);
        let (before, after) = (mean(third), mean(last));
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a share of what a process holds")]
        let allowed = ((before as f64 * FLAT.0) as u64).max(FLAT.1);
        self.lines.push(
            Line::new(
                &format!("memory over {} at {} events/s", shown(loaded.took), thousands(events_a_second as f64)),
                format!(
                    "{} in the third quarter, {} in the last; the most {}",
                    mib(before),
                    mib(after),
                    mib(samples.iter().copied().max().unwrap_or_default())
                ),
            )
            .target("flat", after <= before + allowed),
        );
        Ok(())
    }
}
