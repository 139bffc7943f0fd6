//! Processor time: how much of it do the service and Postgres take for what they did? Unlike a rate it hardly depends on
//! what else the machine is doing.

use anyhow::Context as _;

use super::course::Bench;

/// The ticks of a second in `/proc`, on every system that Linux runs on.
const TICKS: f64 = 100.0;

/// Seconds of processor time since the start.
#[derive(Debug, Clone, Copy)]
pub(super) struct Cpu {
    service: f64,
    postgres: f64,
}

impl Cpu {
    /// What was taken since `before` for each of so many things, in words.
    pub(super) fn each(self, before: Self, things: u64) -> String {
        let micros = |now: f64, before: f64| (now - before) * 1e6 / things.max(1) as f64;
        let (service, postgres) = (micros(self.service, before.service), micros(self.postgres, before.postgres));
        format!("{service:.0} microseconds of the service, {postgres:.0} of Postgres")
    }
}

impl Bench<'_> {
    /// The processor time so far. A service that is started again begins anew.
    pub(super) async fn cpu(&self) -> anyhow::Result<Cpu> {
        let backend: i32 = sqlx::query_scalar("SELECT pg_backend_pid()").fetch_one(&self.ground.pool).await?;
        let (postmaster, _) = stat(&backend.to_string())?;
        let mut postgres = stat(&postmaster.to_string())?.1;
        for entry in std::fs::read_dir("/proc")? {
            let name = entry?.file_name();
            // Others come and go; only those that are there count, and the ended ones count with the postmaster.
            let found = name.to_str().filter(|name| name.bytes().all(|byte| byte.is_ascii_digit())).map(stat);
            if let Some(Ok((parent, seconds))) = found
                && parent == postmaster
            {
                postgres += seconds;
            }
        }
        Ok(Cpu { service: stat(&self.ground.service.id().to_string())?.1, postgres })
    }
}

/// The parent of a process, and the seconds that it and its ended children took.
fn stat(process: &str) -> anyhow::Result<(u32, f64)> {
    let text = std::fs::read_to_string(format!("/proc/{process}/stat"))?;
    parse(&text).with_context(|| format!("the state of process {process} cannot be read"))
}

/// The fields behind the name, which stands in brackets and may hold anything: see proc(5).
fn parse(stat: &str) -> Option<(u32, f64)> {
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = fields.get(11..15)?.iter().map(|field| field.parse::<f64>().ok()).sum::<Option<f64>>()?;
    Some((fields.get(1)?.parse().ok()?, ticks / TICKS))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_times_of_a_process_are_found_behind_its_name() {
        let text = "7 (a ) b) S 5 7 7 0 -1 4194560 1 2 3 4 100 50 25 25 20 0 1 0 9 9 9";
        assert_eq!(parse(text), Some((5, 2.0)));
        assert_eq!(parse("7 (a) S 5"), None);
    }
}
