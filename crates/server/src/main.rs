//! The program `journeylift`.

use std::process::ExitCode;

fn main() -> ExitCode {
    server::cli::run()
}
