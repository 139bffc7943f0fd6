#!/usr/bin/env bash
# Makes sure that the workspace can be built: a C compiler and make (some crates compile C), rustfmt and clippy.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

if ! command -v cargo >/dev/null && [ -x "${CARGO_HOME:-$HOME/.cargo}/bin/cargo" ]; then
    say "cargo is installed but not on the PATH: add ${CARGO_HOME:-$HOME/.cargo}/bin to it."
    exit 1
fi
command -v cargo >/dev/null || { say "Rust is missing: install the toolchain with rustup"; exit 1; }

if ! command -v cc >/dev/null || ! command -v make >/dev/null; then
    say "Installing a C compiler and make ..."
    if command -v apt-get >/dev/null; then
        apt_install gcc libc6-dev make
    elif command -v dnf >/dev/null; then
        as_root dnf install -y -q gcc glibc-devel make
    elif command -v xcode-select >/dev/null; then
        xcode-select --install
    else
        say "Install a C compiler and make with this system's package manager."
        exit 1
    fi
fi

for part in rustfmt clippy; do
    case $part in rustfmt) probe="cargo fmt --version" ;; clippy) probe="cargo clippy --version" ;; esac
    $probe >/dev/null 2>&1 || rustup component add "$part"
done
