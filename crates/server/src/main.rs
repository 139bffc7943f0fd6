//! The program `journeylift`.

use std::process::ExitCode;

/// Gives memory back after a burst, which the system's allocator keeps in pieces.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    server::cli::run()
}
