//! The vendors' client libraries, unmodified, with only their host set.
//!
//! They are installed once, in the versions named here, under `target/clients`; `scripts/ensure-clients.sh` brings
//! Python and Node.js themselves.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::json;
use sqlx::Row;
use tests::events::{arm, experiment, exposure};
use tests::moment::days_ago;
use tests::{Tenant, World};
use tokio::sync::OnceCell;

tests::cases![segment_for_python, rudder_for_python, segment_for_node];

const SEGMENT_PYTHON: &str = "segment-analytics-python==2.4.0";
const RUDDER_PYTHON: &str = "rudder-sdk-python==2.1.9";
const SEGMENT_NODE: &str = "@segment/analytics-node@3.1.0";

fn folder() -> PathBuf {
    tests::contract::repository().join("target/clients")
}

fn run(command: &mut Command) -> Output {
    let output = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}; run scripts/ensure-clients.sh"));
    let said = format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{command:?}:\n{said}");
    output
}

/// Runs `install` unless `packages` are in `folder` already; a note written last tells.
fn once(folder: &Path, packages: &str, install: impl FnOnce()) {
    let note = folder.join("installed");
    if std::fs::read_to_string(&note).is_ok_and(|known| known == packages) {
        return;
    }
    if folder.exists() {
        std::fs::remove_dir_all(folder).unwrap();
    }
    std::fs::create_dir_all(folder).unwrap();
    install();
    std::fs::write(note, packages).unwrap();
}

/// A Python with one of the libraries: they bring different versions of what they share.
fn python(name: &str, package: &str) -> PathBuf {
    let folder = folder().join(name);
    let python = folder.join("venv/bin/python");
    once(&folder, package, || {
        run(Command::new("python3").args(["-m", "venv"]).arg(folder.join("venv")));
        run(Command::new(&python).args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", package]));
    });
    python
}

async fn node() -> PathBuf {
    static INSTALLED: OnceCell<PathBuf> = OnceCell::const_new();
    INSTALLED
        .get_or_init(|| async {
            let folder = folder().join("node");
            once(&folder, SEGMENT_NODE, || {
                let install = ["install", "--no-audit", "--no-fund", "--ignore-scripts", "--prefix"];
                run(Command::new("npm").args(install).arg(&folder).arg(SEGMENT_NODE));
            });
            folder
        })
        .await
        .clone()
}

/// A tenant whose experiment `e` measures what the scripts send.
async fn tenant(world: &World) -> Tenant {
    let tenant = world.tenant_in("USD", "UTC").await;
    tenant.metric("revenue", &json!({"kind": "sum", "event": "Order Completed"})).await;
    tenant.metric("pages", &json!({"kind": "count", "event": "Page Viewed"})).await;
    tenant.metric("orders", &json!({"kind": "count", "event": "Order Completed"})).await;
    tenant.experiment("e", &experiment(&["revenue", "pages", "orders"])).await;
    // The browser was shown the arm before anybody knew whose it is.
    let mut shown = exposure("shown", "", "e", "on", days_ago(1));
    shown["user_id"] = json!(null);
    shown["anonymous_id"] = json!("browser-1");
    tenant.accept(&[shown]).await;
    tenant
}

/// What every script sends: identify, page, 60 orders of 1.25 as a batch, an alias, and a group and a screen.
async fn judge(world: &World, tenant: &Tenant, library: &str) {
    let results = tenant.results("e", "maturity=live").await;
    let tally = |metric: &str| &arm(&results, metric, "on")["tally"];
    assert_eq!(
        (&tally("revenue")["count"], &tally("revenue")["sum"]),
        (&json!(1), &json!("75")),
        "{library}: {results}"
    );
    assert_eq!((&tally("pages")["sum"], &tally("orders")["sum"]), (&json!("1"), &json!("60")), "{library}");
    let rows = sqlx::query(
        "SELECT name, count(*) AS n, count(DISTINCT event_id) AS ids FROM event GROUP BY name ORDER BY name",
    )
    .fetch_all(&world.superuser().await)
    .await
    .unwrap();
    let counts: Vec<(String, i64)> = rows.iter().map(|row| (row.get("name"), row.get("n"))).collect();
    let wanted = [
        ("Aliased", 1),
        ("Experiment Viewed", 1),
        ("Grouped", 1),
        ("Identified", 1),
        ("Order Completed", 60),
        ("Page Viewed", 1),
        ("Screen Viewed", 1),
    ];
    assert_eq!(counts, wanted.map(|(name, n)| (name.to_owned(), n)), "{library}");
    let plan: Option<String> =
        sqlx::query_scalar("SELECT coalesce(data #>> '{traits,plan}', '') FROM event WHERE name = 'Identified'")
            .fetch_one(&world.superuser().await)
            .await
            .unwrap();
    assert_eq!(plan.as_deref(), Some("pro"), "{library}");
}

fn script(name: &str) -> PathBuf {
    tests::contract::repository().join("tests/suite/clients").join(name)
}

async fn segment_for_python() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let python = tokio::task::spawn_blocking(|| python("segment-python", SEGMENT_PYTHON)).await.unwrap();
    send(Command::new(python).arg(script("send_with_segment.py")), &tenant).await;
    judge(&world, &tenant, SEGMENT_PYTHON).await;
}

async fn rudder_for_python() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let python = tokio::task::spawn_blocking(|| python("rudder-python", RUDDER_PYTHON)).await.unwrap();
    send(Command::new(python).arg(script("send_with_rudder.py")), &tenant).await;
    judge(&world, &tenant, RUDDER_PYTHON).await;
}

async fn segment_for_node() {
    let world = World::new().await;
    let tenant = tenant(&world).await;
    let folder = node().await;
    // A module is looked for beside the script.
    let copy = folder.join("send_with_segment.mjs");
    std::fs::copy(script("send_with_segment.mjs"), &copy).unwrap();
    send(Command::new("node").arg(copy), &tenant).await;
    judge(&world, &tenant, SEGMENT_NODE).await;
}

/// Runs a script that finds the host and the key in its arguments.
async fn send(command: &mut Command, tenant: &Tenant) {
    command.arg(tenant.ingest.address()).arg(tenant.ingest.key().unwrap());
    let mut command = std::mem::replace(command, Command::new("true"));
    tokio::task::spawn_blocking(move || run(&mut command)).await.unwrap();
}
