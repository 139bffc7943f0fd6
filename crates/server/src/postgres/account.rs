//! Which account runs Postgres? PostgreSQL refuses to run as root, so root hands it to another account.

use std::ffi::OsStr;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, bail};
use tokio::process::Command;

use super::layout::Layout;

/// The account that owns the cluster and runs the server.
#[derive(Debug, Clone)]
pub(super) struct Account {
    /// User and group to change to; `None` when this process already is that account.
    switch: Option<(u32, u32)>,
    name: String,
}

impl Account {
    /// Root takes the owner of an existing cluster, else `postgres`, else `nobody`; anyone else is their own account.
    pub(super) async fn choose(layout: &Layout) -> anyhow::Result<Self> {
        let me = id(&["-u"]).await?.context("`id -u` failed")?;
        let owner = std::fs::metadata(layout.cluster()).ok().map(|meta| (meta.uid(), meta.gid()));
        if me != 0 {
            return match owner {
                Some((uid, _)) if uid != me => bail!(
                    "{} belongs to another account (user id {uid}); run the service as that account or as root",
                    layout.cluster().display()
                ),
                _ => Ok(Self { switch: None, name: format!("user id {me}") }),
            };
        }
        if let Some((uid, gid)) = owner
            && uid != 0
        {
            return Ok(Self { switch: Some((uid, gid)), name: format!("user id {uid}") });
        }
        for name in ["postgres", "nobody"] {
            if let (Some(uid), Some(gid)) = (id(&["-u", name]).await?, id(&["-g", name]).await?) {
                return Ok(Self { switch: Some((uid, gid)), name: format!("user `{name}`") });
            }
        }
        bail!(
            "PostgreSQL refuses to run as root, and this system has neither a user `postgres` nor a user `nobody`; create one, or run the service as another user"
        )
    }

    /// A command that runs as this account, in the layout's directory, deaf to the terminal's Ctrl-C and to the `PG*`
    /// variables of its caller, and in English, because messages are compared.
    pub(super) fn command(&self, program: impl AsRef<OsStr>, layout: &Layout) -> Command {
        let mut command = Command::new(program);
        for (name, _) in std::env::vars_os() {
            if name.to_string_lossy().starts_with("PG") {
                command.env_remove(name);
            }
        }
        command.env("LC_ALL", "C").current_dir(layout.home()).process_group(0).stdin(Stdio::null());
        if let Some((uid, gid)) = self.switch {
            command.uid(uid).gid(gid);
        }
        command
    }

    /// Gives a file or folder to this account. A link is never followed.
    pub(super) fn own(&self, path: &Path) -> anyhow::Result<()> {
        if let Some((uid, gid)) = self.switch {
            std::os::unix::fs::lchown(path, Some(uid), Some(gid))
                .with_context(|| format!("{} cannot be given to {}", path.display(), self.name))?;
        }
        Ok(())
    }

    /// What to call the account in a sentence.
    pub(super) fn name(&self) -> &str {
        &self.name
    }
}

/// What `id` answers; `None` when it knows no such user.
async fn id(arguments: &[&str]) -> anyhow::Result<Option<u32>> {
    let output = Command::new("id")
        .args(arguments)
        .stdin(Stdio::null())
        .stderr(Stdio::null())
        .output()
        .await
        .context("the command `id` of the system is missing")?;
    Ok(String::from_utf8_lossy(&output.stdout).trim().parse().ok().filter(|_| output.status.success()))
}
