#!/usr/bin/env bash
# Builds the released program without symbols, and beside it a file that holds the symbols. If both are in one folder,
# backtraces, gdb and perf have names and lines.
#
# usage: deploy/release.sh [FOLDER]      (default: target/dist)
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
folder=${1:-target/dist}
if ! command -v objcopy >/dev/null; then
    printf 'objcopy is missing: install binutils\n' >&2
    exit 1
fi
cargo build --profile profiling --locked --bin custsync
mkdir -p "$folder"
cp "${CARGO_TARGET_DIR:-target}/profiling/custsync" "$folder/custsync"
# The program must record the name of the symbol file without a folder, so the next commands run in that folder.
cd "$folder"
objcopy --only-keep-debug custsync custsync.debug
objcopy --strip-all --add-gnu-debuglink=custsync.debug custsync
chmod -x custsync.debug
ls -l custsync custsync.debug
