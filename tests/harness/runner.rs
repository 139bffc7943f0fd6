//! The runner: collects the tests, runs them on a few threads, and has the last word.
//!
//! After the last test it stops Postgres and removes its files, also when tests failed. When all tests ran (no filter),
//! it fails the run if an operation of `openapi.yaml` was never answered with success. The tests run on one runtime of
//! a few threads; a test that hangs is given up after [`PATIENCE`].

use std::panic::{AssertUnwindSafe, PanicHookInfo};
use std::pin::Pin;
use std::process::ExitCode;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use crate::{contract, database};

/// How long one test may take.
const PATIENCE: Duration = Duration::from_mins(4);

/// How many tests run at once: they mostly wait, for the disk and for each other's turn.
const THREADS: usize = 3;

static TOOK: Mutex<Vec<(Duration, String)>> = Mutex::new(Vec::new());

type Running = Pin<Box<dyn Future<Output = ()>>>;

/// A test: its name within its module, and what it does.
pub type Case = (&'static str, fn() -> Running);

/// Lists the tests of a module: `cases![first, second]` defines the function `cases`.
#[macro_export]
macro_rules! cases {
    ($($name:ident),+ $(,)?) => {
        pub fn cases() -> Vec<$crate::Case> {
            vec![$((stringify!($name), || Box::pin($name()))),+]
        }
    };
}

/// The runtime of the run.
pub fn runtime() -> &'static Runtime {
    static RUNTIME: OnceLock<Runtime> = OnceLock::new();
    RUNTIME.get_or_init(|| {
        tokio::runtime::Builder::new_multi_thread()
            .worker_threads(4)
            .enable_all()
            .build()
            .expect("a runtime for the tests")
    })
}

/// Runs the tests of the modules given, in that order of names.
pub fn run(modules: Vec<(&'static str, Vec<Case>)>) -> ExitCode {
    let mut arguments = Arguments::from_args();
    arguments.test_threads.get_or_insert(THREADS);
    std::panic::set_hook(Box::new(say_where));
    let everything = arguments.filter.is_none() && arguments.skip.is_empty() && !arguments.list && !arguments.ignored;
    let trials = modules.into_iter().flat_map(|(module, cases)| {
        cases
            .into_iter()
            .map(move |(name, start)| Trial::test(format!("{module}::{name}"), move || timed(module, name, start)))
    });
    let conclusion = libtest_mimic::run(&arguments, trials.collect());
    print_slowest();
    runtime().block_on(database::end());
    let failed = conclusion.has_failed();
    if everything {
        let missed = contract::never_succeeded();
        if !missed.is_empty() {
            eprintln!("no test was answered with success by these operations of openapi.yaml:");
            missed.iter().for_each(|operation| eprintln!("  {operation}"));
            return ExitCode::from(101);
        }
        println!("every operation of openapi.yaml was reached\n");
    }
    if failed { ExitCode::from(101) } else { ExitCode::SUCCESS }
}

/// Runs one test and remembers how long it took.
fn timed(module: &str, name: &str, start: fn() -> Running) -> Result<(), Failed> {
    let began = Instant::now();
    let outcome = attempt(start);
    TOOK.lock().unwrap_or_else(PoisonError::into_inner).push((began.elapsed(), format!("{module}::{name}")));
    outcome
}

/// The tests that took longest, so that the run stays short.
fn print_slowest() {
    let mut took = TOOK.lock().unwrap_or_else(PoisonError::into_inner);
    took.sort_unstable();
    for (duration, name) in took.iter().rev().take(5) {
        println!("{:>6.1} s  {name}", duration.as_secs_f64());
    }
}

/// Where a panic was; what it said comes with the failures, at the end.
fn say_where(panic: &PanicHookInfo<'_>) {
    let said: String = panic.payload_as_str().unwrap_or_default().chars().take(200).collect();
    eprintln!("panicked at {}: {said}", panic.location().map(ToString::to_string).unwrap_or_default());
}

/// Runs one test to its end; a panic is its failure.
fn attempt(start: fn() -> Running) -> Result<(), Failed> {
    match runtime().block_on(async { tokio::time::timeout(PATIENCE, caught(start())).await }) {
        Ok(Ok(())) => Ok(()),
        Ok(Err(said)) => Err(said.into()),
        Err(_) => Err(format!("it did not end within {} s", PATIENCE.as_secs()).into()),
    }
}

/// Runs something to its end; its panic is what it said.
pub async fn caught<T>(running: impl Future<Output = T>) -> Result<T, String> {
    AssertUnwindSafe(running).catch_unwind().await.map_err(|panic| {
        let text = panic.downcast_ref::<String>().cloned();
        let text = text.or_else(|| panic.downcast_ref::<&str>().map(|text| (*text).to_owned()));
        text.unwrap_or_else(|| "it panicked".into())
    })
}
