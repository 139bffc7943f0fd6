#!/bin/sh
# Makes the environment of the programs that the benchmark compares with, once, and prints the path of its interpreter.
# What is wrong goes to the standard error, as one line.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
target=${CARGO_TARGET_DIR:-$here/../target}
environment=$target/bench-python
wanted=$here/requirements.txt
if ! cmp -s "$wanted" "$environment/installed.txt"; then
    command -v python3 >/dev/null 2>&1 || { echo "python3 is not installed" >&2; exit 1; }
    mkdir -p "$target"
    rm -rf "$environment"
    log=$target/bench-python.log
    python3 -m venv "$environment" >"$log" 2>&1 || { echo "python3 cannot make an environment (python3-venv)" >&2; exit 1; }
    "$environment/bin/python" -m pip install --quiet --disable-pip-version-check --requirement "$wanted" >>"$log" 2>&1 \
        || { echo "pip cannot install what $wanted names: $(tail -n 1 "$log")" >&2; exit 1; }
    cp "$wanted" "$environment/installed.txt"
fi
echo "$environment/bin/python"
