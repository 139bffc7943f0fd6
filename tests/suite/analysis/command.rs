//! The command line.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};
use tests::World;
use tests::service::program;

use super::{analyze, body, revenue};

tests::cases![the_command_line_needs_no_database,];

/// Runs `journeylift analyze` without any variable that would lead to a database.
fn run(arguments: &[&str], input: &[u8]) -> Output {
    let mut command = Command::new(program());
    command.args(arguments).env_clear().stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap();
    // A program that refuses early reads no more.
    let _ = child.stdin.take().unwrap().write_all(input);
    child.wait_with_output().unwrap()
}

async fn the_command_line_needs_no_database() {
    let world = World::new().await;
    let tenant = world.tenant().await;
    let asked = body("sum", &revenue(), &json!({"method": "frequentist", "metric": "revenue", "unit": "EUR"}));
    let text = asked.to_string();
    // The same answer as over HTTP.
    let printed = run(&["analyze", "-", "--json"], text.as_bytes());
    assert!(printed.status.success(), "{}", String::from_utf8_lossy(&printed.stderr));
    let printed: Value = serde_json::from_slice(&printed.stdout).unwrap();
    assert_eq!(printed, analyze(&tenant, &asked).await);
    // A table and a sentence for people, from a file.
    let file = std::env::temp_dir().join(format!("journeylift-tests-sums-{}.json", std::process::id()));
    std::fs::write(&file, &text).unwrap();
    let shown = run(&["analyze", file.to_str().unwrap()], b"");
    std::fs::remove_file(&file).unwrap();
    let shown = String::from_utf8(shown.stdout).unwrap();
    for part in [
        "14.856464 EUR",
        "+3.86 %",
        "0.0135",
        "better",
        "b: Between +0.74 % and +7.0 % on revenue (frequentist, 95 %): better.",
    ] {
        assert!(shown.contains(part), "{part} in\n{shown}");
    }
    // What is wrong is said with its place, and the program fails.
    let wrong = text.replace("1777100.9728", "1000");
    for (arguments, input, told) in [
        (&["analyze", "-"][..], wrong.as_str(), "- at /arms/0/sum_of_squares: 1000 is too small"),
        (&["analyze", "-"], "{", "the JSON breaks at line 1"),
        (&["analyze", "/nothing/there.json"], "", "cannot be read"),
    ] {
        let failed = run(arguments, input.as_bytes());
        let said = String::from_utf8_lossy(&failed.stderr).into_owned();
        assert!(!failed.status.success() && failed.stdout.is_empty(), "{said}");
        assert!(said.contains(told), "{told} in {said}");
    }
    let failed = run(&["--json", "analyze", "-"], wrong.as_bytes());
    let said: Value = serde_json::from_slice(&failed.stderr).unwrap();
    assert!(said["error"].as_str().unwrap().contains("/arms/0/sum_of_squares"), "{said}");
}
