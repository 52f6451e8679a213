#!/usr/bin/env python3
"""Measures the CPU time of `custsync check` for inputs of several shapes, a row and a byte, and prints the table of docs/speed.md.

usage: benches/shapes.py [--rounds N] [--binary PATH]

needs a release build (cargo build --release --bin custsync). Files of 0.6 GB are written to a temporary directory, which is removed.
"""
import argparse, os, resource, statistics, subprocess, tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release"
HEADER = "id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,identity_number,job,address\n"
USUAL = "{n},Zoe,Kowalski,+41791234567,zoe{n}@example.com,1985-04-12,female,4,ID{n},Surgeon,12 Main Street Springfield IL 62704\n"

parser = argparse.ArgumentParser()
parser.add_argument("--rounds", type=int, default=5)
parser.add_argument("--binary", default=str(TARGET / "custsync"))
options = parser.parse_args()


def write(path, header, row, count):
    with open(path, "w", encoding="utf-8") as file:
        file.write(header)
        file.writelines(row.format(n=number) for number in range(1, count + 1))
    return path


def many(folder, files, rows):
    folder.mkdir()
    for number in range(files):
        write(folder / f"{number:05}.csv", HEADER, USUAL, rows)
    return folder


def wide(path, count):
    others = [f"column{number}" for number in range(197)]
    flags = ["--ignore", ",".join(others)]
    cells = ",".join(f"value {number}" for number in range(197))
    return write(path, f"id,email,job,{','.join(others)}\n", f"{{n}},zoe{{n}}@example.com,Surgeon,{cells}\n", count), flags


def shapes(work):
    """Yields each shape's name, file or folder, rows and flags."""
    yield "usual rows", write(work / "usual.csv", HEADER, USUAL, 1_000_000), 1_000_000, []
    yield "the same in 2,000 files", many(work / "many", 2_000, 500), 1_000_000, []
    yield "short rows, `N,x`", write(work / "short.csv", "id,job\n", "{n},x\n", 1_000_000), 1_000_000, []
    path, flags = wide(work / "wide.csv", 100_000)
    yield "200 columns, 3 of them mapped", path, 100_000, flags
    long = "{n}," + "x" * 1_000_000 + "\n"
    yield "values of 1 MB", write(work / "long.csv", "id,identity_number\n", long, 200), 200, []


def measure(path, flags, run_dir):
    command = [options.binary, "check", path, *flags, "--run-dir", run_dir, "--progress", "off", "--quiet"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([str(part) for part in command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def size(path):
    return sum(file.stat().st_size for file in path.iterdir()) if path.is_dir() else path.stat().st_size


with tempfile.TemporaryDirectory() as work:
    work = Path(work)
    print("| input | MB | CPU a row | CPU a byte |\n|---|---:|---:|---:|")
    for name, path, rows, flags in shapes(work):
        # The first round warms up.
        rounds = [measure(path, flags, work / f"run-{name}-{turn}") for turn in range(options.rounds + 1)][1:]
        cpu = statistics.median(rounds)
        figures = f"{cpu / rows * 1e6:,.2f} µs | {cpu / size(path) * 1e9:.1f} ns"
        print(f"| {name} | {size(path) / 1e6:,.0f} | {figures} |", flush=True)
