//! How do we connect? The roles, their passwords and the socket, kept in `postgres.json`.

use std::fmt;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use serde::{Deserialize, Serialize};

use super::DATABASE;
use super::layout::Layout;

/// Who connects. Each role has its own password; none is shared with another data directory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// Makes roles and databases. Nothing but the supervisor and the test harness needs it.
    Superuser,
    /// Owns the database and its tables, and runs migrations.
    Owner,
    /// The login of the service: a member of [`Role::App`] and [`Role::Maintenance`] that may nothing by itself.
    Service,
    /// The service's requests: no definitions, under row-level security.
    App,
    /// Retention and other work across tenants, under policies of its own.
    Maintenance,
}

impl Role {
    /// Every role.
    pub const ALL: [Self; 5] = [Self::Superuser, Self::Owner, Self::Service, Self::App, Self::Maintenance];

    /// The role's name in Postgres.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Superuser => "postgres",
            Self::Owner => "journeylift_owner",
            Self::Service => "journeylift_service",
            Self::App => "journeylift_app",
            Self::Maintenance => "journeylift_maintenance",
        }
    }
}

/// Where an embedded Postgres listens, and the passwords of its roles.
#[derive(Clone, Serialize, Deserialize)]
pub struct Address {
    socket_directory: PathBuf,
    superuser_password: String,
    owner_password: String,
    service_password: String,
    app_password: String,
    maintenance_password: String,
}

impl fmt::Debug for Address {
    /// Without the passwords, so that no log ever holds one.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Address").field("socket_directory", &self.socket_directory).finish_non_exhaustive()
    }
}

impl Address {
    /// The URL of a role to the database [`DATABASE`]. It contains a password: never log it.
    #[must_use]
    pub fn url(&self, role: Role) -> String {
        self.url_to(role, DATABASE)
    }

    /// The URL of a role to a database of that name (letters, digits, `_` and `-`), understood by sqlx and by libpq.
    #[must_use]
    pub fn url_to(&self, role: Role, database: &str) -> String {
        let host = percent_encoded(&self.socket_directory.to_string_lossy());
        format!("postgres://{}:{}@localhost/{database}?host={host}", role.name(), self.password(role))
    }

    /// The directory of the Unix socket.
    #[must_use]
    pub fn socket_directory(&self) -> &Path {
        &self.socket_directory
    }

    pub(super) fn password(&self, role: Role) -> &str {
        match role {
            Role::Superuser => &self.superuser_password,
            Role::Owner => &self.owner_password,
            Role::Service => &self.service_password,
            Role::App => &self.app_password,
            Role::Maintenance => &self.maintenance_password,
        }
    }

    /// An address with fresh passwords of 256 random bits.
    pub(super) fn random(socket_directory: PathBuf) -> anyhow::Result<Self> {
        Ok(Self {
            socket_directory,
            superuser_password: random_hex::<32>()?,
            owner_password: random_hex::<32>()?,
            service_password: random_hex::<32>()?,
            app_password: random_hex::<32>()?,
            maintenance_password: random_hex::<32>()?,
        })
    }

    /// The same passwords at another socket.
    pub(super) fn moved_to(&self, socket_directory: PathBuf) -> Self {
        Self { socket_directory, ..self.clone() }
    }

    /// Reads the address that a data directory keeps; `None` when it has none yet.
    pub(super) fn read(layout: &Layout) -> anyhow::Result<Option<Self>> {
        let path = layout.address_file();
        match std::fs::read(&path) {
            Ok(bytes) => {
                let address = serde_json::from_slice(&bytes).with_context(|| {
                    format!(
                        "{} is damaged; it holds the passwords of the embedded Postgres: restore it from a backup",
                        path.display()
                    )
                })?;
                Ok(Some(address))
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error).with_context(|| {
                format!("{} cannot be read; run this as the account that runs the service", path.display())
            }),
        }
    }

    /// Writes the address where [`Address::read`] finds it: whole or not at all, readable by this account only.
    pub(super) fn write(&self, layout: &Layout) -> anyhow::Result<()> {
        let path = layout.address_file();
        let fresh = path.with_extension("json.new");
        let write = || -> std::io::Result<()> {
            match std::fs::remove_file(&fresh) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(error),
                _ => {}
            }
            let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(&fresh)?;
            file.write_all(&serde_json::to_vec_pretty(self)?)?;
            file.sync_all()?;
            std::fs::rename(&fresh, &path)?;
            // The rename itself must survive an outage: the cluster that follows knows these passwords only.
            std::fs::File::open(layout.root())?.sync_all()
        };
        write().with_context(|| format!("{} cannot be written", path.display()))
    }
}

/// `N` random bytes as lower-case hexadecimal text.
pub(super) fn random_hex<const N: usize>() -> anyhow::Result<String> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("the system has no random bytes")?;
    Ok(hex::encode(bytes))
}

/// Everything but unreserved characters as `%XX` (RFC 3986).
fn percent_encoded(text: &str) -> String {
    use std::fmt::Write as _;
    text.bytes().fold(String::with_capacity(text.len()), |mut encoded, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            encoded.push(char::from(byte));
        } else {
            // Writing to a String cannot fail.
            let _ = write!(encoded, "%{byte:02X}");
        }
        encoded
    })
}
