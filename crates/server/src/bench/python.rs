//! The programs in Python that the service is measured against: an environment of their own, made where it is missing.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail, ensure};
use serde_json::Value;
use tokio::process::Command;

/// An environment with the pinned packages.
#[derive(Debug)]
pub(super) struct Python {
    interpreter: PathBuf,
    programs: PathBuf,
}

impl Python {
    /// Makes the environment; the reason in words where that cannot be.
    pub(super) async fn prepare(programs: &Path) -> Result<Self, String> {
        let script = programs.join("python.sh");
        if !script.exists() {
            return Err(format!("{} is missing", script.display()));
        }
        let made = Command::new("sh").arg(&script).stdin(Stdio::null()).stderr(Stdio::piped()).output().await;
        let made = made.map_err(|error| error.to_string())?;
        let last = |text: &[u8]| String::from_utf8_lossy(text).lines().last().unwrap_or_default().trim().to_owned();
        if !made.status.success() {
            return Err(last(&made.stderr));
        }
        Ok(Self { interpreter: last(&made.stdout).into(), programs: programs.to_owned() })
    }

    /// Runs a program, which prints JSON.
    pub(super) async fn run(&self, program: &str, arguments: &[&str]) -> anyhow::Result<Value> {
        let output = Command::new(&self.interpreter)
            .arg(self.programs.join(program))
            .args(arguments)
            .stdin(Stdio::null())
            .kill_on_drop(true)
            .output()
            .await
            .with_context(|| format!("{program} cannot be started"))?;
        if !output.status.success() {
            bail!("{program} failed: {}", String::from_utf8_lossy(&output.stderr));
        }
        let text = String::from_utf8_lossy(&output.stdout);
        let line = text.lines().last().unwrap_or_default();
        serde_json::from_str(line).with_context(|| format!("{program} printed {line:?}"))
    }
}

/// The seconds of the tries that a program reports.
pub(super) fn seconds(value: &Value) -> anyhow::Result<Vec<f64>> {
    let found: Vec<f64> = value.as_array().into_iter().flatten().filter_map(Value::as_f64).collect();
    ensure!(!found.is_empty(), "the program reports no times: {value}");
    Ok(found)
}
