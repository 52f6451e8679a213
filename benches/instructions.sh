#!/usr/bin/env bash
# Counts the instructions of one fixed `check`, with valgrind. The count does not depend on the load of the machine, so
# it shows a change that makes the program slower. It is a figure to compare, not a test.
#
# To see which functions use the instructions: valgrind --tool=callgrind custsync check …, then callgrind_annotate. The release build has the
# names of functions; `cargo build --profile profiling` builds one with lines and inlined functions as well.
#
# usage: benches/instructions.sh CUSTSYNC ROWS_FILE      (rows: cargo run --release --example customers -- 100000 --bad-percent 1)
set -euo pipefail
bin=$(realpath "$1") rows=$(realpath "$2")
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"
code=0
valgrind --tool=callgrind --callgrind-out-file=out "$bin" check "$rows" --run-dir run --progress off >/dev/null 2>log || code=$?
# 0: all rows are valid; 1: some are not.
if ((code > 1)); then
    cat log >&2
    exit "$code"
fi
instructions=$(sed -n 's/.*Collected : //p' log)
records=$(sed -n 's/.*"records": \([0-9]*\),.*/\1/p' run/summary.json)
printf 'check of %d rows: %d instructions, %d a row\n' "$records" "$instructions" "$((instructions / records))"
