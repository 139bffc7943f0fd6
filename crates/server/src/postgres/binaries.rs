//! Where are PostgreSQL's programs? Found among those that are installed; nothing is downloaded.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Stdio;

use anyhow::{Context as _, bail};

/// The oldest PostgreSQL that the schema works with.
const OLDEST: u32 = 15;

/// What to do when there is none.
const INSTALL: &str = "install it (Debian and Ubuntu: `apt-get install postgresql`, Fedora: `dnf install postgresql-server`, \
     Homebrew: `brew install postgresql`), name its folder in JOURNEYLIFT_PG_BIN, or set DATABASE_URL to a server of your own";

/// The folder of one installed version.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Binaries {
    folder: PathBuf,
    major: u32,
}

impl Binaries {
    /// The programs to use: of the given folder, else of `JOURNEYLIFT_PG_BIN`, else the newest installed.
    ///
    /// A cluster that exists can only be served by the major version that made it, `cluster_major`.
    pub(super) fn find(given: Option<&Path>, cluster_major: Option<u32>) -> anyhow::Result<Self> {
        let named = given.map(Path::to_path_buf).or_else(|| std::env::var_os("JOURNEYLIFT_PG_BIN").map(PathBuf::from));
        let found = match named {
            Some(folder) => vec![Self::in_folder(&folder).with_context(|| {
                format!(
                    "{} does not hold PostgreSQL's programs `initdb`, `postgres` and `pg_ctl`; correct JOURNEYLIFT_PG_BIN or unset it",
                    folder.display()
                )
            })?],
            None => candidates().iter().filter_map(|folder| Self::in_folder(folder)).collect(),
        };
        Self::choose(found, cluster_major)
    }

    /// The newest of what was found, or the one that the cluster needs.
    fn choose(mut found: Vec<Self>, cluster_major: Option<u32>) -> anyhow::Result<Self> {
        // Stable: of the same version, the first place in the list wins.
        found.sort_by_key(|binaries| std::cmp::Reverse(binaries.major));
        let versions = found.iter().map(|binaries| binaries.major.to_string()).collect::<Vec<_>>().join(", ");
        if let Some(major) = cluster_major {
            return found.into_iter().find(|binaries| binaries.major == major).with_context(|| {
                format!(
                    "the data directory was made by PostgreSQL {major}, and this machine has {}; install PostgreSQL {major}, or carry the data over with pg_upgrade",
                    if versions.is_empty() { "none".into() } else { versions }
                )
            });
        }
        match found.into_iter().next() {
            Some(binaries) if binaries.major >= OLDEST => Ok(binaries),
            Some(binaries) => {
                bail!("PostgreSQL {} is too old, {OLDEST} or newer is needed; {INSTALL}", binaries.major)
            }
            None => bail!("PostgreSQL is not installed; {INSTALL}"),
        }
    }

    /// The programs in one folder, if all that we need are there and say their version.
    fn in_folder(folder: &Path) -> Option<Self> {
        let binaries = Self { folder: folder.to_path_buf(), major: 0 };
        if !["initdb", "postgres", "pg_ctl"].iter().all(|name| binaries.program(name).is_file()) {
            return None;
        }
        let output = std::process::Command::new(binaries.program("postgres"))
            .arg("--version")
            .stdin(Stdio::null())
            .stderr(Stdio::null())
            .output()
            .ok()?;
        let major = major_of(&String::from_utf8_lossy(&output.stdout))?;
        Some(Self { major, ..binaries })
    }

    /// The path of one program.
    pub(super) fn program(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }
}

impl fmt::Display for Binaries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "PostgreSQL {} in {}", self.major, self.folder.display())
    }
}

/// The major version in `postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)`.
fn major_of(version: &str) -> Option<u32> {
    let (_, number) = version.split_once("(PostgreSQL) ")?;
    let digits = number.find(|c: char| !c.is_ascii_digit()).unwrap_or(number.len());
    number[..digits].parse().ok()
}

/// Every folder where systems put the server's programs. Debian keeps them off the PATH, one folder a version.
fn candidates() -> Vec<PathBuf> {
    let mut folders = Vec::new();
    for (parent, prefix, tail) in [
        ("/usr/lib/postgresql", "", "bin"),
        ("/usr/local/lib/postgresql", "", "bin"),
        ("/usr", "pgsql-", "bin"),
        ("/opt/homebrew/opt", "postgresql", "bin"),
        ("/usr/local/opt", "postgresql", "bin"),
    ] {
        let Ok(entries) = std::fs::read_dir(parent) else { continue };
        let mut here: Vec<_> = entries
            .flatten()
            .filter(|entry| entry.file_name().to_string_lossy().starts_with(prefix))
            .map(|entry| entry.path().join(tail))
            .collect();
        here.sort();
        folders.append(&mut here);
    }
    if let Some(path) = std::env::var_os("PATH") {
        folders.extend(std::env::split_paths(&path));
    }
    folders
}

#[cfg(test)]
mod tests {
    use super::*;

    fn installed(majors: &[u32]) -> Vec<Binaries> {
        majors.iter().map(|&major| Binaries { folder: format!("/pg/{major}").into(), major }).collect()
    }

    #[test]
    fn versions_are_read_from_what_the_server_prints() {
        assert_eq!(major_of("postgres (PostgreSQL) 15.8 (Debian 15.8-0+deb12u1)\n"), Some(15));
        assert_eq!(major_of("postgres (PostgreSQL) 18beta1\n"), Some(18));
        assert_eq!(major_of("postgres (PostgreSQL) 17\n"), Some(17));
        assert_eq!(major_of("bash: postgres: not found"), None);
    }

    #[test]
    fn a_new_cluster_takes_the_newest_and_an_old_one_its_own() {
        assert_eq!(Binaries::choose(installed(&[15, 17, 16]), None).unwrap().major, 17);
        assert_eq!(Binaries::choose(installed(&[15, 17, 16]), Some(16)).unwrap().major, 16);
    }

    #[test]
    fn what_is_missing_is_said_with_the_remedy() {
        let none = Binaries::choose(vec![], None).unwrap_err().to_string();
        assert!(none.contains("not installed") && none.contains("apt-get install postgresql"), "{none}");
        let old = Binaries::choose(installed(&[13, 14]), None).unwrap_err().to_string();
        assert!(old.contains("PostgreSQL 14 is too old"), "{old}");
        let other = Binaries::choose(installed(&[17]), Some(15)).unwrap_err().to_string();
        assert!(other.contains("made by PostgreSQL 15, and this machine has 17"), "{other}");
        let nowhere = Binaries::find(Some(Path::new("/nowhere")), None).unwrap_err().to_string();
        assert!(nowhere.contains("/nowhere") && nowhere.contains("JOURNEYLIFT_PG_BIN"), "{nowhere}");
    }
}
