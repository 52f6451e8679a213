#!/usr/bin/env python3
"""Compares custsync's HTTP/2 with its HTTP/1.1 against an nginx that closes connections after some requests.

usage: tests/servers/http2.py [--binary PATH] [--rows 20000] [--pairs 3] [--only NAME]... [--json FILE]

needs a release build (cargo build --release --bin custsync) and nginx (apt-get install nginx-light).

nginx ends a connection after `keepalive_requests` requests. Over HTTP/2 it sends a GOAWAY, while other requests are on the way.
The script measures three figures: how much faster the same rows are sent over HTTP/1.1 (in pairs of runs, one after the other),
how often custsync mistook the end of a connection for an outage, and how many rows it records as ambiguous. Nothing leaves the
machine, and no process is left running.

Exits 1 if a bound is missed, or if a row was lost.
"""
import json, statistics, sys, time

sys.dont_write_bytecode = True
import servers

KEEPALIVE_REQUESTS = (10, 100, 1000)
# The rows a second over HTTP/1.1, divided by those over HTTP/2.
RATIO_MAX = 1.5
OUTAGES_MAX = 0
IN_FLIGHT_MAX = 64
# A run that takes longer is stopped, and measured by the rows that it has sent.
SECONDS_MAX = 45


def block(name, port, keepalive_requests, is_http2):
    return f"""
  server {{
    listen 127.0.0.1:{port}{" http2" if is_http2 else ""};
    server_name {name};
    keepalive_requests {keepalive_requests};
    {servers.ANSWER}
  }}"""


def send(bench, name, rows, port, is_http2):
    """One run's figures."""
    options = ["--rate", "unlimited", "--max-in-flight", IN_FLIGHT_MAX, *(["--http2"] if is_http2 else [])]
    run = servers.Run(bench, name, rows, port, SECONDS_MAX, options)
    while not run.ended():
        time.sleep(0.01)
    if run.process.returncode not in (0, 130):
        sys.exit(f"{name}: custsync ended with {run.process.returncode}: {run.said()}")
    entries, sending = run.results(), run.summary()["sending"]
    requests = servers.read_log(bench.work / "nginx.log", name, run.since)
    found = {
        "rows_per_second": len(entries) / (run.until - run.since), "outages": sending["outages"],
        "ambiguous": sum(entry.get("ambiguous", False) for entry in entries), "retries": sending["retries"],
        "failed": sum(entry.get("outcome") != "updated" for entry in entries),
        **servers.compare_with_log(entries, requests, sending["controls"]),
    }
    print(f"{name}: {found}", file=sys.stderr)
    return found


def measure(bench, keepalive_requests, rows, ports, pairs):
    name = f"keepalive-{keepalive_requests}"
    found = [(send(bench, f"{name}-http1", rows, ports[0], False), send(bench, f"{name}-http2", rows, ports[1], True))
             for _ in range(pairs)]
    seconds = [second for _, second in found]
    figures = {
        "name": name,
        "http1_rows_per_second": statistics.median(first["rows_per_second"] for first, _ in found),
        "http2_rows_per_second": statistics.median(second["rows_per_second"] for second in seconds),
        "ratio": statistics.median(first["rows_per_second"] / second["rows_per_second"] for first, second in found),
        **{key: sum(second[key] for second in seconds) for key in ("outages", "ambiguous", "failed", "lost", "unrecorded", "twice")},
    }
    figures["missed"] = [f"{figures[key]} {words}" for key, words in [
        ("failed", "rows failed or rejected"), ("lost", "rows recorded as updated that the server did not accept"),
        ("unrecorded", "rows accepted and not recorded as updated")] if figures[key]]
    if figures["ratio"] > RATIO_MAX:
        figures["missed"].append(f"HTTP/1.1 is {figures['ratio']:.1f} times as fast, more than {RATIO_MAX}")
    if figures["outages"] > OUTAGES_MAX:
        figures["missed"].append(f"{figures['outages']} outages, more than {OUTAGES_MAX}")
    return figures


def print_table(figures, options):
    print(f"\n{options.rows:,} rows, {IN_FLIGHT_MAX} in flight; medians of {options.pairs} pairs, counts of all their HTTP/2 runs\n")
    print("| requests a connection | HTTP/1.1 | HTTP/2 | ratio | outages | ambiguous | rows failed | accepted twice |")
    print("|---|---|---|---|---|---|---|---|")
    for found in figures:
        print(f"| {found['name'].rsplit('-', 1)[1]} | {found['http1_rows_per_second']:,.0f} rows/s | "
              f"{found['http2_rows_per_second']:,.0f} rows/s | {found['ratio']:.2f} | {found['outages']} | {found['ambiguous']} "
              f"| {found['failed']} | {found['twice']} |")


def main():
    parser = servers.arguments(__doc__)
    parser.add_argument("--rows", type=int, default=20_000)
    parser.add_argument("--pairs", type=int, default=3)
    options = servers.parse(parser)
    chosen = [count for count in KEEPALIVE_REQUESTS if servers.is_chosen(f"keepalive-{count}", options)]
    if not chosen:
        parser.error("no case has such a name: " + ", ".join(f"keepalive-{count}" for count in KEEPALIVE_REQUESTS))
    path = servers.installed("nginx")
    if path is None:
        return
    with servers.Bench(options.binary) as bench:
        ports = {count: servers.free_ports(2) for count in chosen}
        blocks = [block(f"keepalive-{count}-http{number}", port, count, number == 2)
                  for count in chosen for number, port in zip((1, 2), ports[count])]
        bench.write_token("any")
        # The discard port, because this test sends nothing to the slow upstream.
        bench.start_nginx(path, blocks, [port for pair in ports.values() for port in pair], sandbox_port=9)
        rows = servers.write_rows(bench.work / "rows.csv", options.rows)
        figures = [measure(bench, count, rows, ports[count], options.pairs) for count in chosen]
    print_table(figures, options)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    missed = [f"{found['name']}: {'; '.join(found['missed'])}" for found in figures if found["missed"]]
    if missed:
        sys.exit("\nBounds missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
