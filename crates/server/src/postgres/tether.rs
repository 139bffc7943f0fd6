//! How does a throw-away server go away when its process is killed? A watching shell reads a pipe that only the process
//! holds open; when the pipe closes, for whatever reason, it ends the server and removes its files.

use std::process::Stdio;

use anyhow::Context as _;
use tokio::process::{Child, Command};

use super::layout::Layout;

/// `$1` is the data directory. Only files of the supervisor are removed, and the directory when nothing else is in it.
const WATCH: &str = r#"
trap '' INT HUP TERM
cat >/dev/null
note="$1/postgres/cluster/postmaster.pid"
if pid=$(head -n 1 "$note" 2>/dev/null) && kill -QUIT "$pid" 2>/dev/null; then
    tries=100
    while kill -0 "$pid" 2>/dev/null && [ "$tries" -gt 0 ]; do
        sleep 0.05
        tries=$((tries - 1))
    done
fi
socket=$(sed -n 's|.*"socket_directory": "\(/tmp/journeylift-[0-9a-f]*\)".*|\1|p' "$1/postgres.json" 2>/dev/null)
[ -z "$socket" ] || rm -rf "$socket"
rm -rf "$1/postgres" "$1/postgres.json" "$1/postgres.lock" "$1/postgres.conf" "$1/postgres.hba" "$1/postgres.start.log"
rmdir "$1" 2>/dev/null
exit 0
"#;

/// The shell that watches this process.
#[derive(Debug)]
pub(super) struct Tether {
    shell: Child,
}

impl Tether {
    pub(super) fn new(layout: &Layout) -> anyhow::Result<Self> {
        let shell = Command::new("/bin/sh")
            .args(["-c", WATCH, "sh"])
            .arg(layout.root())
            .current_dir("/")
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("/bin/sh cannot be run")?;
        Ok(Self { shell })
    }

    /// Lets go, and waits until the files are gone. The server has been told to stop before.
    pub(super) async fn cut(mut self) -> anyhow::Result<()> {
        drop(self.shell.stdin.take());
        self.shell.wait().await.map(|_| ()).context("the watcher of the temporary Postgres cannot be waited for")
    }
}
