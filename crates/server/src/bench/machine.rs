//! On what was it measured? The machine and the commit, for the head of the results.

use std::path::Path;

use crate::clock;

/// Facts by their names.
pub(super) fn describe(directory: &Path) -> Vec<(&'static str, String)> {
    let cores = std::thread::available_parallelism().map_or(0, std::num::NonZero::get);
    let read = |path: &str| std::fs::read_to_string(path).unwrap_or_default();
    let after = |text: &str, name: &str, mark: char| {
        let line = text.lines().find(|line| line.starts_with(name))?;
        Some(line.split_once(mark)?.1.trim().trim_matches('"').to_owned())
    };
    let unknown = || "unknown".to_owned();
    let memory = after(&read("/proc/meminfo"), "MemTotal", ':')
        .and_then(|text| text.strip_suffix(" kB")?.parse::<u64>().ok())
        .map_or_else(unknown, |kib| format!("{:.1} GiB", kib as f64 / f64::from(1 << 20)));
    let system = after(&read("/etc/os-release"), "PRETTY_NAME", '=').unwrap_or_else(|| std::env::consts::OS.to_owned());
    let load = read("/proc/loadavg");
    vec![
        ("date", clock::now().to_string()),
        ("commit", commit()),
        ("build", if cfg!(debug_assertions) { "debug: the figures mean little".into() } else { "release".into() }),
        ("processor", after(&read("/proc/cpuinfo"), "model name", ':').unwrap_or_else(unknown)),
        ("cores", cores.to_string()),
        ("memory", memory),
        ("system", format!("{system}, {} {}", std::env::consts::ARCH, read("/proc/sys/kernel/osrelease").trim())),
        ("file system", file_system(directory).unwrap_or_else(unknown)),
        ("load before", load.split(' ').take(3).collect::<Vec<_>>().join(" ")),
    ]
}

/// The commit of the working directory, which `make bench` builds from; results of an earlier run are no change to it.
fn commit() -> String {
    let git = |arguments: &[&str]| {
        let output = std::process::Command::new("git").args(arguments).output().ok().filter(|out| out.status.success());
        output.map(|output| String::from_utf8_lossy(&output.stdout).trim().to_owned())
    };
    match git(&["rev-parse", "--short=12", "HEAD"]) {
        Some(commit) => {
            let changed = git(&["status", "--porcelain", "--untracked-files=no", "--", ":/", ":!/benches"])
                .is_some_and(|text| !text.is_empty());
            commit + if changed { " with changes" } else { "" }
        }
        None => "unknown".into(),
    }
}

/// The type of the file system that holds a directory.
fn file_system(directory: &Path) -> Option<String> {
    let mounts = std::fs::read_to_string("/proc/mounts").ok()?;
    let directory = directory.canonicalize().ok()?;
    let fields = mounts.lines().filter_map(|line| {
        let mut fields = line.split(' ').skip(1);
        Some((fields.next()?, fields.next()?))
    });
    let holding = fields.filter(|(place, _)| directory.starts_with(place)).max_by_key(|(place, _)| place.len());
    holding.map(|(_, kind)| kind.to_owned())
}
