//! The program `journeylift`.

use std::process::ExitCode;

/// Gives memory back after a burst, which the system's allocator keeps in pieces, and what threads that ended freed as well.
/// How soon stands in `.cargo/config.toml`.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

fn main() -> ExitCode {
    server::cli::run()
}
