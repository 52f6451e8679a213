#!/usr/bin/env python3
"""Reads custsync's metrics with the parser of Prometheus's own Python library, which knows nothing of custsync.

usage: tests/servers/metrics.py [--binary PATH]

needs a release build (cargo build --release --bin custsync) and python3-venv (apt-get install python3-venv). The library is
installed from PyPI into a virtual environment, which is kept beside other caches. If it cannot be installed, the script prints
one line "not run: …", and exits 0.

A run sends a few rows to the sandbox in its own process. Its metrics are scraped while it runs, and read from its file after its
end. Each family must have the type and the help that the text says, and each series must be there once. Nothing but the library
comes over the network, and no process is left running.

Exits 1 if the text cannot be parsed, or does not agree with itself.
"""
import argparse, re, subprocess, sys, tempfile, time, urllib.request
from pathlib import Path

sys.dont_write_bytecode = True
import servers

LIBRARY = "prometheus-client==0.26.0"
ROWS = 20
SECONDS_MAX = 60
# The types of all families of a run that has ended.
TYPES = {
    "custsync_rows": "counter", "custsync_run_rows": "gauge", "custsync_bytes_read": "counter", "custsync_requests": "counter",
    "custsync_request_duration_seconds": "histogram", "custsync_requests_in_flight": "gauge",
    "custsync_requests_in_flight_limit": "gauge", "custsync_waiting_seconds": "counter", "custsync_token_refreshes": "counter",
    "custsync_running": "gauge", "custsync_last_completion_timestamp_seconds": "gauge", "custsync_exit_code": "gauge",
    "custsync_last_success_timestamp_seconds": "gauge", "custsync_build_info": "gauge",
}
# They are there only after the end of a process.
OF_THE_END = {"custsync_last_completion_timestamp_seconds", "custsync_exit_code", "custsync_last_success_timestamp_seconds"}


def families(text):
    """The families of a text by name, as the library reads them."""
    from prometheus_client.parser import text_string_to_metric_families

    found = {}
    for family in text_string_to_metric_families(text):
        if family.name in found:
            sys.exit(f"{family.name} is there twice")
        series = [(sample.name, tuple(sorted(sample.labels.items()))) for sample in family.samples]
        if not series or len(series) != len(set(series)):
            sys.exit(f"{family.name} has no series, or one twice: {series}")
        if not family.documentation:
            sys.exit(f"{family.name} has no help")
        found[family.name] = family
    return found


def check(text, types):
    found = families(text)
    if {name: family.type for name, family in found.items()} != types:
        sys.exit(f"the families differ from {types}: {found}")
    samples = found["custsync_request_duration_seconds"].samples
    buckets = [sample for sample in samples if sample.name.endswith("_bucket")]
    counts = [sample.value for sample in buckets]
    bounds = [float(sample.labels["le"]) for sample in buckets]
    (count,) = [sample.value for sample in samples if sample.name.endswith("_count")]
    if counts != sorted(counts) or bounds != sorted(bounds) or counts[-1] != count or bounds[-1] != float("inf"):
        sys.exit(f"the buckets do not add up: {samples}")
    return found


def value(found, name, **labels):
    (sample,) = [sample for sample in found[name].samples if labels.items() <= sample.labels.items()]
    return sample.value


def scrape(process, log):
    """The metrics of the running process, at the address that its log names."""
    end = time.monotonic() + SECONDS_MAX
    while (address := re.search(r"the metrics are at (http://\S+)", log.read_text(encoding="utf-8"))) is None:
        if process.poll() is not None or time.monotonic() > end:
            sys.exit(f"no metrics are served: {log.read_text(encoding='utf-8')}")
        time.sleep(0.01)
    # An address on this machine needs no proxy.
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(address[1], timeout=10) as answer:
        return answer.headers["content-type"], answer.read().decode("utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=servers.BINARY, help="the custsync that runs; default: the release build")
    options = servers.parse(parser)
    servers.run_with_packages(LIBRARY)
    with tempfile.TemporaryDirectory(prefix="custsync-metrics-") as work:
        work = Path(work)
        rows = servers.write_rows(work / "rows.csv", ROWS)
        log, file = work / "log", work / "custsync.prom"
        # Long enough for a scrape.
        command = [options.binary, "run", rows, "--sandbox", "--sandbox-latency", "2s", "--left-out", "trust", "--run-dir",
                   work / "run", "--metrics-addr", "127.0.0.1:0", "--metrics-file", file]
        with open(log, "wb") as stderr:
            process = subprocess.Popen(command, cwd=work, stdout=subprocess.DEVNULL, stderr=stderr)
            try:
                content_type, text = scrape(process, log)
                code = process.wait(SECONDS_MAX)
            finally:
                process.kill()
                process.wait()
        if code != 0 or not content_type.startswith("text/plain; version=0.0.4"):
            sys.exit(f"exit code {code}, content type {content_type}: {log.read_text(encoding='utf-8')}")
        running = check(text, {name: kind for name, kind in TYPES.items() if name not in OF_THE_END})
        ended = check(file.read_text(encoding="utf-8"), TYPES)
    if not time.time() - 120 < value(running, "custsync_running") < time.time() + 1 or value(ended, "custsync_running") != 0:
        sys.exit("custsync_running is neither the time nor 0")
    if value(ended, "custsync_run_rows", outcome="updated") != ROWS or value(ended, "custsync_exit_code") != 0:
        sys.exit(f"not the metrics of this run: {ended}")
    print(f"{len(ended)} families are as Prometheus's library reads them, at an address and in a file")


if __name__ == "__main__":
    main()
