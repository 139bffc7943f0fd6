//! The service as a process: the real program, started, killed, stopped and started again at the same address.
//!
//! The tests choose the port, outside the range that systems take for outgoing connections: a service that is started
//! again must come back where its clients look for it.

use std::fs::File;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::atomic::{AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use server::postgres::Role;

use crate::client::{Client, Place};
use crate::database::Database;

/// The key of the operator in all tests.
pub const OPERATOR_KEY: &str = "op_2c1743a391305fbf367df8e4f069f9f9";

/// The program, which the build left beside the tests; `JOURNEYLIFT_TESTS_PROGRAM` names another one.
///
/// # Panics
/// Where it is not there.
#[must_use]
pub fn program() -> PathBuf {
    if let Some(program) = std::env::var_os("JOURNEYLIFT_TESTS_PROGRAM") {
        return program.into();
    }
    let tests = std::env::current_exe().expect("the path of the tests");
    let profile = tests.parent().and_then(Path::parent).expect("target/PROFILE/deps/TESTS");
    let program = profile.join("journeylift");
    assert!(
        program.exists(),
        "{} is missing: build it with the tests, `cargo build --workspace --all-targets`",
        program.display()
    );
    program
}

fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    // Runs at the same time begin at different places.
    let start = (std::process::id() % 60) as u16 * 150;
    for _ in 0..9_000 {
        let port = 20_000 + (start + NEXT.fetch_add(1, Ordering::Relaxed)) % 9_000;
        if TcpListener::bind(("127.0.0.1", port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free between 20000 and 29000");
}

/// A service process and the means to start it again.
#[derive(Debug)]
pub struct Service {
    child: Mutex<Option<Child>>,
    place: Place,
    environment: Mutex<Vec<(String, String)>>,
    log: PathBuf,
}

impl Service {
    /// Starts a service on `database` with more variables of the environment, and waits until it is ready.
    pub async fn start(database: &Database, more: &[(&str, &str)]) -> Self {
        let service = Self::prepare(database, more);
        service.start_again().await;
        service
    }

    /// A service that is not started yet.
    #[must_use]
    pub fn prepare(database: &Database, more: &[(&str, &str)]) -> Self {
        static STARTED: AtomicUsize = AtomicUsize::new(0);
        let port = free_port();
        let log = std::env::temp_dir().join(format!(
            "journeylift-tests-{}-{}.log",
            std::process::id(),
            STARTED.fetch_add(1, Ordering::Relaxed)
        ));
        let own = [
            ("DATABASE_URL", database.url(Role::Service)),
            ("JOURNEYLIFT_OWNER_DATABASE_URL", database.url(Role::Owner)),
            ("JOURNEYLIFT_OPERATOR_KEY", OPERATOR_KEY.to_owned()),
            ("JOURNEYLIFT_LISTEN", format!("127.0.0.1:{port}")),
            // Other variables of whoever runs the tests don't reach the service.
            ("JOURNEYLIFT_LOG", std::env::var("JOURNEYLIFT_TESTS_LOG").unwrap_or_else(|_| "info".to_owned())),
        ];
        let more = more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let environment = own.into_iter().map(|(name, value)| (name.to_owned(), value)).chain(more).collect();
        let place = Arc::new(RwLock::new(format!("http://127.0.0.1:{port}")));
        Self { child: Mutex::new(None), place, environment: Mutex::new(environment), log }
    }

    /// Starts the process, and waits until it is ready.
    pub async fn start_again(&self) {
        self.spawn();
        let url = format!("{}/readyz", self.address());
        let began = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                panic!("the service ended at its start ({status}):\n{}", self.last_words());
            }
            let asked =
                reqwest::Client::builder().no_proxy().timeout(Duration::from_secs(2)).build().expect("a client");
            match asked.get(&url).send().await {
                Ok(response) if response.status().as_u16() == 200 => return,
                other => {
                    assert!(
                        began.elapsed() < Duration::from_secs(30),
                        "the service was not ready within 30 s ({other:?}):\n{}",
                        self.last_words()
                    );
                }
            }
            tokio::time::sleep(Duration::from_millis(25)).await;
        }
    }

    /// Starts the process without waiting.
    pub fn spawn(&self) {
        let log = File::options().create(true).append(true).open(&self.log).expect("a log");
        let mut command = Command::new(program());
        for (name, _) in std::env::vars_os() {
            let name = name.to_string_lossy().into_owned();
            if name.starts_with("JOURNEYLIFT_") || name.starts_with("PG") || name == "DATABASE_URL" {
                command.env_remove(name);
            }
        }
        let child = command
            .arg("serve")
            .envs(self.environment.lock().expect("nobody panics while holding it").iter().cloned())
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("a log"))
            .stderr(log)
            .spawn()
            .expect("the service starts");
        let before = self.child.lock().expect("nobody panics while holding it").replace(child);
        assert!(before.is_none(), "the service was running already");
    }

    /// Takes a variable out of the environment of its next start.
    pub fn forget(&self, name: &str) {
        self.environment.lock().expect("nobody panics while holding it").retain(|(known, _)| known != name);
    }

    /// `kill -9`, and waits until it is gone.
    pub fn kill(&self) {
        if let Some(mut child) = self.child.lock().expect("nobody panics while holding it").take() {
            child.kill().expect("the service can be killed");
            child.wait().expect("the service ended");
        }
    }

    /// Sends SIGTERM without waiting.
    pub fn terminate(&self) {
        if let Some(child) = &*self.child.lock().expect("nobody panics while holding it") {
            let done = Command::new("kill").args(["-TERM", &child.id().to_string()]).status();
            assert!(done.is_ok_and(|status| status.success()), "the service takes SIGTERM");
        }
    }

    /// Waits until the process has ended by itself.
    pub async fn ended(&self, patience: Duration) -> ExitStatus {
        let began = Instant::now();
        loop {
            if let Some(status) = self.has_ended() {
                self.child.lock().expect("nobody panics while holding it").take();
                return status;
            }
            assert!(began.elapsed() < patience, "the service did not end within {patience:?}:\n{}", self.last_words());
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }

    /// SIGTERM, and waits for the end.
    pub async fn stop(&self) -> ExitStatus {
        self.terminate();
        self.ended(Duration::from_secs(15)).await
    }

    fn has_ended(&self) -> Option<ExitStatus> {
        let mut child = self.child.lock().expect("nobody panics while holding it");
        child.as_mut()?.try_wait().expect("the service can be asked")
    }

    /// The process id.
    #[must_use]
    pub fn pid(&self) -> Option<u32> {
        self.child.lock().expect("nobody panics while holding it").as_ref().map(Child::id)
    }

    /// The most memory that the process has used, in KiB.
    #[must_use]
    pub fn peak_memory_kib(&self) -> u64 {
        let pid = self.pid().expect("the service runs");
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).expect("/proc");
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("VmHWM");
        line.trim().trim_end_matches("kB").trim().parse().expect("a number")
    }

    /// Where it listens.
    #[must_use]
    pub fn place(&self) -> &Place {
        &self.place
    }

    /// Its address.
    #[must_use]
    pub fn address(&self) -> String {
        self.place.read().expect("nobody panics while holding it").clone()
    }

    /// A client that shows `key`.
    #[must_use]
    pub fn client(&self, key: Option<&str>) -> Client {
        Client::new(Arc::clone(&self.place), key)
    }

    /// The end of what the process wrote.
    #[must_use]
    pub fn last_words(&self) -> String {
        let text = std::fs::read_to_string(&self.log).unwrap_or_default();
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(30)..].join("\n")
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        if let Some(mut child) = self.child.lock().ok().and_then(|mut child| child.take()) {
            // It may have ended already.
            let _ = child.kill();
            let _ = child.wait();
        }
        if std::thread::panicking() {
            eprintln!("the last words of the service at {}:\n{}", self.address(), self.last_words());
        }
        let _ = std::fs::remove_file(&self.log);
    }
}
