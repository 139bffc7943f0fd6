//! Where the data directory is when nobody says: where the system keeps such data for the account.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

/// Where a service of the system keeps its data.
const SYSTEM: &str = "/var/lib/journeylift";

/// Root keeps its data in `/var/lib/journeylift`; everyone else where their data lives: `$XDG_DATA_HOME/journeylift`,
/// else `~/Library/Application Support/journeylift` on macOS and `~/.local/share/journeylift` elsewhere.
#[must_use]
pub fn default_data_dir() -> PathBuf {
    choose(is_root(), |name| std::env::var_os(name), cfg!(target_os = "macos"))
}

fn choose(root: bool, variable: impl Fn(&str) -> Option<OsString>, macos: bool) -> PathBuf {
    let absolute = |name| variable(name).map(PathBuf::from).filter(|path| path.is_absolute());
    if root {
        return SYSTEM.into();
    }
    if let Some(data) = absolute("XDG_DATA_HOME") {
        return data.join("journeylift");
    }
    let home = absolute("HOME");
    match home {
        Some(home) if macos => home.join("Library/Application Support/journeylift"),
        Some(home) => home.join(".local/share/journeylift"),
        // An account without a home is a service's.
        None => SYSTEM.into(),
    }
}

/// Whether this process runs as root.
fn is_root() -> bool {
    use std::os::unix::fs::MetadataExt as _;
    if let Ok(own) = std::fs::metadata(Path::new("/proc/self")) {
        return own.uid() == 0;
    }
    // Systems without /proc.
    std::process::Command::new("id").arg("-u").output().is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_account_has_a_place_of_its_own() {
        let none = |_: &str| None;
        let home = |name: &str| (name == "HOME").then(|| OsString::from("/home/ada"));
        let xdg = |name: &str| Some(OsString::from(if name == "HOME" { "/home/ada" } else { "/data" }));
        let relative = |_: &str| Some(OsString::from("data"));
        assert_eq!(choose(true, home, false), Path::new("/var/lib/journeylift"));
        assert_eq!(choose(false, home, false), Path::new("/home/ada/.local/share/journeylift"));
        assert_eq!(choose(false, home, true), Path::new("/home/ada/Library/Application Support/journeylift"));
        assert_eq!(choose(false, xdg, false), Path::new("/data/journeylift"));
        assert_eq!(choose(false, relative, false), Path::new("/var/lib/journeylift"));
        assert_eq!(choose(false, none, false), Path::new("/var/lib/journeylift"));
    }
}
