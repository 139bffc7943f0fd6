//! Is there a cluster of our own? Made once, whole or not at all.

use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use anyhow::{Context as _, bail};

use super::EmbeddedOptions;
use super::account::Account;
use super::address::{Address, Role};
use super::binaries::Binaries;
use super::layout::Layout;

/// The address of the cluster, which is made first where there is none. The caller holds the lock.
pub(super) async fn ensure(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    options: &EmbeddedOptions,
) -> anyhow::Result<Address> {
    let known = Address::read(layout)?;
    match (known, layout.cluster_major()) {
        (Some(address), Some(_)) => Ok(address),
        (None, Some(_)) => bail!(
            "{} is missing, and without its passwords the data in {} cannot be reached: restore the file from a backup",
            layout.address_file().display(),
            layout.cluster().display()
        ),
        (known, None) => {
            let address = match known {
                Some(address) => address,
                None => Address::random(layout.socket_directory(None, account)?)?,
            };
            // The passwords first: a cluster whose passwords nobody has would be lost.
            address.write(layout)?;
            make(layout, account, binaries, options, address.password(Role::Superuser)).await?;
            Ok(address)
        }
    }
}

/// Runs `initdb` beside the final place, then moves the result there.
async fn make(
    layout: &Layout,
    account: &Account,
    binaries: &Binaries,
    options: &EmbeddedOptions,
    password: &str,
) -> anyhow::Result<()> {
    let (fresh, secret) = (layout.unfinished_cluster(), layout.home().join("initdb.password"));
    for leftover in [&fresh, &secret] {
        remove(leftover).with_context(|| format!("{} cannot be removed", leftover.display()))?;
    }
    write_secret(&secret, password).with_context(|| format!("{} cannot be written", secret.display()))?;
    account.own(&secret)?;

    let mut initdb = account.command(binaries.program("initdb"), layout);
    initdb
        .arg("--pgdata")
        .arg(&fresh)
        .arg("--pwfile")
        .arg(&secret)
        .args(["--username", Role::Superuser.name(), "--auth", "scram-sha-256", "--data-checksums"])
        // The order of text is that of its bytes, here as in Rust, and no update of the system's collations can break an index.
        .args(["--encoding", "UTF8", "--locale", "C"]);
    if !options.fsync {
        initdb.arg("--no-sync");
    }
    let output = initdb.output().await;
    remove(&secret).with_context(|| format!("{} cannot be removed", secret.display()))?;
    let output = output.context("initdb cannot be run")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("initdb could not make a cluster in {} ({}): {}", layout.home().display(), output.status, said.trim());
    }
    std::fs::rename(&fresh, layout.cluster())
        .and_then(|()| std::fs::File::open(layout.home())?.sync_all())
        .with_context(|| format!("{} cannot be moved to its place", fresh.display()))
}

/// Removes a file or a folder with all that is in it; nothing happens where there is none.
fn remove(path: &Path) -> std::io::Result<()> {
    let removed = match std::fs::symlink_metadata(path) {
        Ok(meta) if meta.is_dir() => std::fs::remove_dir_all(path),
        Ok(_) => std::fs::remove_file(path),
        Err(error) => Err(error),
    };
    match removed {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// Writes a new file that only its owner can read.
fn write_secret(path: &Path, secret: &str) -> std::io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)?;
    file.write_all(secret.as_bytes())
}
