//! Where does everything lie in the data directory, and who holds its lock?

use std::fs::{DirBuilder, File, OpenOptions, TryLockError};
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::account::Account;
use super::address::random_hex;

/// The name of the socket in its directory: Postgres derives it from the port, which nobody else shares there.
const SOCKET: &str = ".s.PGSQL.5432";
/// The longest socket path that every system accepts (macOS: 103 bytes and a zero).
const LONGEST_SOCKET: usize = 103;

/// The paths of one data directory.
#[derive(Debug, Clone)]
pub(super) struct Layout {
    root: PathBuf,
}

impl Layout {
    /// The layout of a directory that may or may not hold a server; `None` when there is no such directory.
    pub(super) fn existing(data_dir: &Path) -> anyhow::Result<Option<Self>> {
        match std::fs::canonicalize(data_dir) {
            Ok(root) => Ok(Some(Self { root })),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| format!("{} cannot be entered", data_dir.display())),
        }
    }

    /// Makes the data directory where it is absent.
    ///
    /// Others may enter it (the account that runs Postgres must), but each file and folder in it is closed by itself.
    pub(super) fn create(data_dir: &Path) -> anyhow::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o755).create(data_dir).with_context(|| {
            format!("the data directory {} cannot be made; choose another in JOURNEYLIFT_DATA_DIR", data_dir.display())
        })?;
        Self::existing(data_dir)?.with_context(|| format!("the data directory {} vanished", data_dir.display()))
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// The folder of the account that runs Postgres.
    pub(super) fn home(&self) -> PathBuf {
        self.root.join("postgres")
    }

    pub(super) fn cluster(&self) -> PathBuf {
        self.home().join("cluster")
    }

    /// Where a cluster is made before it gets its name, so that half a cluster is never mistaken for one.
    pub(super) fn unfinished_cluster(&self) -> PathBuf {
        self.home().join("cluster.new")
    }

    pub(super) fn log(&self) -> PathBuf {
        self.home().join("log")
    }

    pub(super) fn pid_file(&self) -> PathBuf {
        self.cluster().join("postmaster.pid")
    }

    pub(super) fn address_file(&self) -> PathBuf {
        self.root.join("postgres.json")
    }

    pub(super) fn settings_file(&self) -> PathBuf {
        self.root.join("postgres.conf")
    }

    pub(super) fn custom_settings_file(&self) -> PathBuf {
        self.root.join("postgres.custom.conf")
    }

    pub(super) fn access_file(&self) -> PathBuf {
        self.root.join("postgres.hba")
    }

    pub(super) fn start_log(&self) -> PathBuf {
        self.root.join("postgres.start.log")
    }

    /// The major version that made the cluster; `None` when there is no cluster yet.
    pub(super) fn cluster_major(&self) -> Option<u32> {
        std::fs::read_to_string(self.cluster().join("PG_VERSION")).ok()?.trim().parse().ok()
    }

    /// Makes the home of the account, closed to all others, and checks that the account can get there.
    pub(super) async fn make_home(&self, account: &Account) -> anyhow::Result<()> {
        make_private(&self.home(), account)?;
        // Again for a home that is there: an outage may have come between its making and its giving away.
        account.own(&self.home())?;
        // The system itself is asked, since modes, access lists and mounts all have a say.
        match account.command("true", self).status().await {
            Ok(status) if status.success() => Ok(()),
            _ => bail!(
                "{} cannot enter {}; choose a data directory in JOURNEYLIFT_DATA_DIR whose parents everyone may enter, such as /var/lib/journeylift",
                account.name(),
                self.home().display()
            ),
        }
    }

    /// The directory of the socket: the home, or where its path is too long a private one under `/tmp`: the `known` one
    /// while that can be had, else a new one.
    pub(super) fn socket_directory(&self, known: Option<&Path>, account: &Account) -> anyhow::Result<PathBuf> {
        let home = self.home();
        if home.join(SOCKET).as_os_str().len() <= LONGEST_SOCKET {
            return Ok(home);
        }
        if let Some(known) = known
            && known.parent() == Some(Path::new("/tmp"))
            && self.make_socket_directory(known, account).is_ok()
        {
            return Ok(known.to_path_buf());
        }
        let fresh = Path::new("/tmp").join(format!("journeylift-{}", random_hex::<8>()?));
        self.make_socket_directory(&fresh, account)?;
        Ok(fresh)
    }

    /// Makes a directory for the socket. One that is there already is taken only if it is the account's alone.
    fn make_socket_directory(&self, directory: &Path, account: &Account) -> anyhow::Result<()> {
        make_private(directory, account)?;
        let meta = std::fs::symlink_metadata(directory)?;
        let owner = std::fs::metadata(self.home())?.uid();
        if !meta.is_dir() || meta.uid() != owner || meta.permissions().mode() & 0o077 != 0 {
            bail!("{} belongs to somebody else; remove it", directory.display());
        }
        Ok(())
    }

    /// Removes the directory of the socket where it is not the home; the server has ended.
    pub(super) fn remove_socket_directory(&self, directory: &Path) {
        if directory != self.home() {
            // Not empty, or gone already: neither hinders anybody, since its name is random.
            let _ = std::fs::remove_dir(directory);
        }
    }

    /// Takes the lock of the supervisor; `None` while another process holds it. It is free again when that one ends,
    /// however it ends.
    pub(super) fn try_lock(&self) -> anyhow::Result<Option<File>> {
        let path = self.root.join("postgres.lock");
        let file =
            OpenOptions::new().create(true).truncate(false).write(true).mode(0o600).open(&path).with_context(|| {
                format!("{} cannot be opened; run this as the account that runs the service", path.display())
            })?;
        match file.try_lock() {
            Ok(()) => Ok(Some(file)),
            Err(TryLockError::WouldBlock) => Ok(None),
            Err(TryLockError::Error(error)) => Err(error).with_context(|| {
                format!("{} cannot be locked; the data directory must be on a file system with locks", path.display())
            }),
        }
    }
}

/// Makes a folder that only the account can enter; nothing happens to one that exists.
fn make_private(folder: &Path, account: &Account) -> anyhow::Result<()> {
    match DirBuilder::new().mode(0o700).create(folder) {
        Ok(()) => account.own(folder),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(error).with_context(|| format!("{} cannot be made", folder.display())),
    }
}
