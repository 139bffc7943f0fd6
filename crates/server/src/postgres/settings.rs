//! How is the server configured? The text of its two configuration files, from the options and the machine's memory.

use std::fmt::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::Context as _;

use super::EmbeddedOptions;
use super::layout::Layout;

/// Who may connect: every role over the socket, with its password. There is no line for the network.
const ACCESS: &str = "# Written by journeylift at each start.\nlocal all all scram-sha-256\n";

/// Writes the configuration files of the data directory.
pub(super) fn write(layout: &Layout, options: &EmbeddedOptions, socket_directory: &Path) -> anyhow::Result<()> {
    let memory = options.shared_buffers_mib.unwrap_or_else(|| pages_mib(memory_mib()));
    for (path, text) in [
        (layout.settings_file(), text(layout, options, socket_directory, memory)),
        (layout.access_file(), ACCESS.to_owned()),
    ] {
        let fresh = path.with_extension("new");
        std::fs::write(&fresh, text)
            // No secret inside, and the account of Postgres must be able to read it whatever our umask is.
            .and_then(|()| std::fs::set_permissions(&fresh, std::fs::Permissions::from_mode(0o644)))
            .and_then(|()| std::fs::rename(&fresh, &path))
            .with_context(|| format!("{} cannot be written", path.display()))?;
    }
    Ok(())
}

/// The text of `postgres.conf`.
fn text(layout: &Layout, options: &EmbeddedOptions, socket_directory: &Path, shared_buffers_mib: u64) -> String {
    let switch = if options.fsync { "on" } else { "off" };
    let own = [
        // Reached through the socket alone, in a directory that is closed to other accounts.
        ("listen_addresses", String::new()),
        ("port", "5432".into()),
        ("unix_socket_directories", socket_directory.display().to_string()),
        ("unix_socket_permissions", "0600".into()),
        ("hba_file", layout.access_file().display().to_string()),
        ("password_encryption", "scram-sha-256".into()),
        ("max_connections", options.max_connections.to_string()),
        // A query whose client is gone ends soon, and never outlives a killed postmaster by much.
        ("client_connection_check_interval", "5s".into()),
        // What was acknowledged survives an outage.
        ("fsync", switch.into()),
        ("full_page_writes", switch.into()),
        ("synchronous_commit", "on".into()),
        // Rare checkpoints: each is followed by whole-page images, which double the log.
        ("max_wal_size", "8GB".into()),
        ("min_wal_size", "256MB".into()),
        ("checkpoint_timeout", "30min".into()),
        ("shared_buffers", format!("{shared_buffers_mib}MB")),
        ("maintenance_work_mem", "128MB".into()),
        ("random_page_cost", "1.1".into()),
        // Compiling a statement takes longer than running ours.
        ("jit", "off".into()),
        ("timezone", "UTC".into()),
        ("log_timezone", "UTC".into()),
        ("datestyle", "ISO, YMD".into()),
        ("lc_messages", "C".into()),
        // A week of logs in seven files.
        ("logging_collector", "on".into()),
        ("log_directory", layout.log().display().to_string()),
        ("log_filename", "postgres-%a.log".into()),
        ("log_rotation_age", "1d".into()),
        ("log_rotation_size", "0".into()),
        ("log_truncate_on_rotation", "on".into()),
        ("log_line_prefix", "%m [%p] %q%u@%d ".into()),
        ("log_checkpoints", "off".into()),
        // Neither statements nor the values in an error's detail: they hold personal data.
        ("log_min_error_statement", "panic".into()),
        ("log_error_verbosity", "terse".into()),
        ("log_parameter_max_length_on_error", "0".into()),
    ];
    let mut text =
        String::from("# Written by journeylift at each start. Your own settings go to postgres.custom.conf.\n");
    let given = options.settings.iter().map(|(name, value)| (name.as_str(), value));
    for (name, value) in own.iter().map(|(name, value)| (*name, value)).chain(given) {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{name} = {}", quoted(value));
    }
    let _ = writeln!(text, "include_if_exists = {}", quoted(&layout.custom_settings_file().display().to_string()));
    text
}

/// A value in the quotes of a configuration file.
fn quoted(value: &str) -> String {
    format!("'{}'", value.replace('\\', "\\\\").replace('\'', "''"))
}

/// Memory for pages: an eighth, so that the service, the sorts and the file cache have the rest.
fn pages_mib(memory_mib: u64) -> u64 {
    (memory_mib / 8).clamp(128, 2048)
}

/// The memory of the machine, or of the container where that is less; 1 GiB where neither is known.
fn memory_mib() -> u64 {
    let machine = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find_map(|line| line.strip_prefix("MemTotal:"))?;
        Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? / 1024)
    });
    let container = std::fs::read_to_string("/sys/fs/cgroup/memory.max")
        .ok()
        .and_then(|text| Some(text.trim().parse::<u64>().ok()? / (1024 * 1024)));
    [machine, container].into_iter().flatten().min().unwrap_or(1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_for_pages_stays_within_bounds() {
        assert_eq!(pages_mib(0), 128);
        assert_eq!(pages_mib(8 * 1024), 1024);
        assert_eq!(pages_mib(1024 * 1024), 2048);
    }

    #[test]
    fn a_path_with_quotes_stays_one_value() {
        assert_eq!(quoted(r"/it's/a\b"), r"'/it''s/a\\b'");
    }

    #[test]
    fn the_durable_settings_are_on_unless_told_otherwise() {
        let layout = Layout::existing(Path::new("/")).unwrap().unwrap();
        let mut options = EmbeddedOptions::new("/");
        options.settings.push(("work_mem".into(), "7MB".into()));
        let durable = text(&layout, &options, Path::new("/run"), 128);
        for line in [
            "fsync = 'on'",
            "full_page_writes = 'on'",
            "synchronous_commit = 'on'",
            "listen_addresses = ''",
            "max_wal_size = '8GB'",
            "checkpoint_timeout = '30min'",
            "work_mem = '7MB'",
        ] {
            assert!(durable.lines().any(|found| found == line), "{line} is missing in:\n{durable}");
        }
        options.fsync = false;
        assert!(text(&layout, &options, Path::new("/run"), 128).contains("fsync = 'off'\nfull_page_writes = 'off'\n"));
    }
}
