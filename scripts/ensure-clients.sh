#!/usr/bin/env bash
# Makes sure that Python (with venv and pip) and Node.js (with npm) are there: tests send events with the vendors' own client libraries.
set -euo pipefail
. "$(dirname "${BASH_SOURCE[0]}")/packages.sh"

python_works() { python3 -c 'import sys, venv, ensurepip; sys.exit(sys.version_info < (3, 9))' >/dev/null 2>&1; }
node_works() { command -v npm >/dev/null && node -e 'process.exit(Number(process.versions.node.split(".")[0]) < 18 ? 1 : 0)' >/dev/null 2>&1; }

python_works && node_works && exit 0
say "Installing Python and Node.js for the tests with client libraries ..."
if command -v apt-get >/dev/null; then
    wanted=()
    python_works || wanted+=(python3 python3-venv python3-pip)
    node_works || wanted+=(nodejs npm)
    apt_install "${wanted[@]}"
elif command -v dnf >/dev/null; then
    as_root dnf install -y -q python3 python3-pip nodejs npm
elif command -v brew >/dev/null; then
    brew install --quiet python3 node
fi
python_works || { say "Python 3.9 or newer with venv and pip is missing: install it with this system's package manager."; exit 1; }
node_works || { say "Node.js 18 or newer with npm is missing: install it with this system's package manager."; exit 1; }
