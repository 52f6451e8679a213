#!/usr/bin/env python3
"""Measures how well custsync finds the limit of real servers that do not name it, and checks the figures against bounds.

usage: tests/servers/limits.py [--binary PATH] [--seconds 90] [--jobs 6] [--retries 0] [--only NAME]... [--json FILE]
       tests/servers/limits.py --fixed 95      the figures of a client that knows each limit, on this machine

needs a release build (cargo build --release --bin custsync), and these servers, as far as they are installed:
  nginx            apt-get install nginx-light      limit_req, limit_conn
  haproxy          apt-get install haproxy          a stick table, maxconn with a queue

Each case is a custsync that sends to one server for 90 s (--seconds) and is then stopped by SIGINT. Accepted and refused
requests are counted in the server's own log. The first third of the time, in which custsync searches for the limit, is counted
by itself; the bounds apply to the rest. Every row that custsync records as updated must be accepted in that log exactly once.
Several cases (--jobs) run at the same time, and all take about seven minutes. Nothing leaves the machine, and no process is left
running.

Exits 1 if a bound is missed (after --retries more attempts), or if a row was lost or applied twice (at once).
"""
import json, sys, time
from typing import NamedTuple

sys.dont_write_bytecode = True
import servers


class Bounds(NamedTuple):
    """The bounds of a case from the second third of the time on, in percent."""

    share_min: float
    refused_max: float


# The bounds allow for a busy machine. In no case may a row fail or be rejected.
BOUNDS = {
    "limit_req": Bounds(share_min=90, refused_max=3),
    # A request that comes early because of jitter is refused.
    "limit_req without burst": Bounds(share_min=75, refused_max=3),
    "limit_conn": Bounds(share_min=70, refused_max=3),
    "stick table": Bounds(share_min=90, refused_max=3),
    "maxconn": Bounds(share_min=70, refused_max=3),
}
# custsync's own limit for a server that does not name one.
AUTO_PER_SECOND = 20
LATENCY_MS = 50
# More than any case accepts.
ROWS_PER_SECOND = 400
REFUSALS = (429, 503)
STOPPED_BY_SIGINT = 130


class Case(NamedTuple):
    name: str
    server: str
    words: str
    bounds: Bounds
    per_second: float
    # A server block of nginx with its zone, or the sections of haproxy.
    block: str
    rate: str = "unlimited"


def nginx_request_limit(per_second, kind, status):
    name = f"nginx-{per_second}-{kind}-{status}"
    burst = {"none": "", "burst": " burst=20 nodelay", "queue": " burst=20"}[kind]
    words = {"none": "no burst", "burst": "burst 20", "queue": "burst 20 queued"}[kind]
    block = f"""
  limit_req_zone $binary_remote_addr zone={name}:1m rate={per_second}r/s;
  server {{
    listen 127.0.0.1:PORT;
    server_name NAME;
    limit_req zone={name}{burst};
    limit_req_status {status};
    location / {{ proxy_pass http://fast; }}
  }}"""
    bounds = BOUNDS["limit_req without burst" if kind == "none" else "limit_req"]
    return Case(name, "nginx", f"nginx `limit_req` {per_second}/s, {words}, {status}", bounds, per_second, block)


def nginx_connection_limit(status):
    name = f"nginx-conn-{status}"
    block = f"""
  limit_conn_zone $binary_remote_addr zone={name}:1m;
  server {{
    listen 127.0.0.1:PORT;
    server_name NAME;
    limit_conn {name} 5;
    limit_conn_status {status};
    location / {{ proxy_pass http://slow; }}
  }}"""
    words = f"nginx `limit_conn` 5, answers take {LATENCY_MS} ms, {status}"
    return Case(name, "nginx", words, BOUNDS["limit_conn"], 5 * 1000 / LATENCY_MS, block)


def haproxy_case(name, words, bounds, per_second, frontend="", backend="", server=""):
    block = f"""
frontend NAME
  bind 127.0.0.1:PORT
  {frontend}
  default_backend NAME-upstream
backend NAME-upstream
  {backend}
  server upstream 127.0.0.1:SANDBOX {server}
"""
    return Case(name, "haproxy", f"haproxy {words}", BOUNDS[bounds], per_second, block)


def with_auto(case):
    """The same server with custsync's default rate: the lower of the two limits counts."""
    block = case.block.replace(f"zone={case.name}", f"zone={case.name}-auto")
    return case._replace(name=f"{case.name}-auto", words=f"{case.words}, `--rate auto`", block=block, rate="auto",
                         per_second=min(case.per_second, AUTO_PER_SECOND))


def all_cases():
    cases = [nginx_request_limit(per_second, kind, status)
             for per_second in (10, 50) for kind in ("none", "burst", "queue") for status in (429, 503)]
    cases += [nginx_connection_limit(status) for status in (429, 503)]
    cases += [
        haproxy_case("haproxy-stick", "stick table, 100 in 2 s, 429", "stick table", 50, "\n  ".join([
            "stick-table type ip size 1k expire 10s store http_req_rate(2s)",
            "http-request track-sc0 src",
            "http-request deny deny_status 429 if { sc_http_req_rate(0) gt 100 }",
        ])),
        haproxy_case("haproxy-maxconn-5", f"`maxconn 5`, queue, answers take {LATENCY_MS} ms", "maxconn",
                     5 * 1000 / LATENCY_MS, server="maxconn 5"),
        haproxy_case("haproxy-maxconn-2", f"`maxconn 2`, queue of 100 ms, answers take {LATENCY_MS} ms, 503", "maxconn",
                     2 * 1000 / LATENCY_MS, backend="timeout queue 100ms", server="maxconn 2"),
    ]
    by_name = {case.name: case for case in cases}
    auto = ["nginx-10-none-429", "nginx-10-burst-503", "nginx-50-burst-429", "haproxy-stick"]
    return cases + [with_auto(by_name[name]) for name in auto]


def start_servers(bench, cases):
    """Starts the servers. Returns the cases whose server is installed, each with its port."""
    paths = {server: servers.installed(server) for server in sorted({case.server for case in cases})}
    cases = [case for case in cases if paths[case.server]]
    ports = dict(zip([case.name for case in cases], servers.free_ports(len(cases))))
    if not cases:
        return {}
    sandbox_port = bench.start_sandbox(LATENCY_MS)
    for server in sorted({case.server for case in cases}):
        own = [case for case in cases if case.server == server]
        blocks = [case.block.replace("PORT", str(ports[case.name])).replace("NAME", case.name)
                  .replace("SANDBOX", str(sandbox_port)) for case in own]
        own_ports = [ports[case.name] for case in own]
        if server == "nginx":
            bench.start_nginx(paths[server], blocks, own_ports, sandbox_port)
        else:
            bench.start_haproxy(paths[server], blocks, own_ports)
    return {case: ports[case.name] for case in cases}


def run_cases(bench, cases, rows, options):
    """Runs cases, several at a time, and returns the figures of each by its name."""
    waiting, running, figures = list(cases.items()), [], {}
    while waiting or running:
        while waiting and len(running) < options.jobs:
            case, port = waiting.pop(0)
            # Otherwise many failed rows would end the run early. They are counted instead.
            rate = f"{case.per_second * 60 * options.fixed // 100:.0f}/m" if options.fixed else case.rate
            sending = ["--rate", rate, "--max-errors", "none"]
            running.append((case, servers.Run(bench, case.name, rows, port, options.seconds, sending)))
        time.sleep(0.05)
        for case, run in [pair for pair in running if pair[1].ended()]:
            running.remove((case, run))
            found = figures[case.name] = measure(bench, case, run)
            missed = "; ".join(found["missed"])
            print(f"{case.name}: {found['share']:.0f} %, {found['refused']:.1f} % refused{missed and ': ' + missed}",
                  file=sys.stderr)
    return figures


def measure(bench, case, run):
    requests = servers.read_log(bench.work / f"{case.server}.log", case.name, run.since)
    third = run.since + (run.until - run.since) / 3
    first = shares(requests, run.since, third, case.per_second)
    rest = shares(requests, third, run.until, case.per_second)
    entries, summary = run.results(), run.summary()
    sending = summary.get("sending", {})
    outcomes = [entry.get("outcome") for entry in entries]
    found = {
        "name": case.name, "server": case.words, "limit_per_second": case.per_second,
        "share": rest["share"], "refused": rest["refused"], "first_share": first["share"], "first_refused": first["refused"],
        "updated": outcomes.count("updated"), "failed": len(outcomes) - outcomes.count("updated"),
        **servers.compare_with_log(entries, requests, sending.get("controls", 0)),
        "requests": len(requests),
        "other_statuses": sum(not 200 <= status < 300 and status not in REFUSALS for _, status, _ in requests),
        "outages": sending.get("outages"), "exit_code": run.process.returncode,
        "last_words": run.said().rpartition("\n")[2],
        "learned": learned(summary),
    }
    found["broken"] = [f"{found[key]} rows {words}" for key, words in [
        ("lost", "recorded as updated that the server did not accept"), ("twice", "accepted twice"),
        ("unrecorded", "accepted and not recorded as updated")] if found[key]]
    found["missed"] = found["broken"] + [words for _, words in misses(found, case.bounds)]
    return found


def misses(found, bounds):
    """The figures outside of their bounds, each with the reason."""
    # A run that stopped early, or reached the end of its rows, was not measured for the whole time.
    if found["exit_code"] != STOPPED_BY_SIGINT:
        yield "exit_code", f"ended with {found['exit_code']}: {found['last_words']}"
    if found["share"] < bounds.share_min:
        yield "share", f"{found['share']:.1f} % of the limit, less than {bounds.share_min} %"
    if found["refused"] > bounds.refused_max:
        yield "refused", f"{found['refused']:.1f} % refused, more than {bounds.refused_max} %"
    if found["failed"]:
        yield "failed", f"{found['failed']} rows failed or rejected"


def shares(requests, since, until, per_second):
    """The share of the limit that was accepted in a time, and the share of the requests that was refused, in percent."""
    statuses = [status for at, status, _ in requests if since <= at < until]
    accepted = sum(200 <= status < 300 for status in statuses)
    refused = sum(status in REFUSALS for status in statuses)
    return {"share": 100 * accepted / (until - since) / per_second, "refused": 100 * refused / max(1, len(statuses))}


def learned(value):
    """The learned limits in a summary: the values whose names contain the word."""
    found = {}
    if isinstance(value, dict):
        for key, inner in value.items():
            found.update({key: inner} if "learned" in key else learned(inner))
    return found


def print_table(cases, figures, options):
    print(f"\nShare of the limit and share refused over the last {options.seconds * 2 / 3:.0f} of {options.seconds} s\n")
    print(f"| server | limit | share of the limit | refused | in the first {options.seconds / 3:.0f} s | rows updated "
          "| rows failed | learned |")
    print("|---|---|---|---|---|---|---|---|")
    for case, found in zip(cases, figures):
        words = ", ".join(f"{key} {json.dumps(value)}" for key, value in found["learned"].items())
        cells = {"share": f"{found['share']:.1f} %", "refused": f"{found['refused']:.1f} %", "failed": str(found["failed"])}
        for key, _ in misses(found, case.bounds):
            cells[key] = f"**{cells.get(key)}**"
        print(f"| {case.words} | {case.per_second:.0f}/s | {cells['share']} | {cells['refused']} | {found['first_share']:.0f} %, "
              f"{found['first_refused']:.1f} % refused | {found['updated']:,} | {cells['failed']} | {words} |")


def main():
    parser = servers.arguments(__doc__)
    parser.add_argument("--seconds", type=int, default=90, help="how long each case sends")
    parser.add_argument("--jobs", type=int, default=6, help="how many cases run at once")
    parser.add_argument("--retries", type=int, default=0, help="how often a case that misses a bound is run again")
    parser.add_argument("--fixed", type=float, metavar="PERCENT",
                        help="send at this share of each limit instead of finding it: what this machine allows at best")
    options = servers.parse(parser)
    chosen = [case for case in all_cases() if servers.is_chosen(case.name, options)]
    if not chosen:
        parser.error("no case has such a name: " + ", ".join(case.name for case in all_cases()))
    with servers.Bench(options.binary) as bench:
        cases = start_servers(bench, chosen)
        if not cases:
            return
        rows = servers.write_rows(bench.work / "rows.csv", options.seconds * ROWS_PER_SECOND)
        figures = run_cases(bench, cases, rows, options)
        broken = {name: found["broken"] for name, found in figures.items() if found["broken"]}
        for _ in range(options.retries):
            again = {case: port for case, port in cases.items() if figures[case.name]["missed"]}
            if again:
                print(f"once more: {', '.join(case.name for case in again)}", file=sys.stderr)
            figures.update(run_cases(bench, again, rows, options))
    # A second attempt does not excuse these faults.
    for name, reasons in broken.items():
        figures[name]["missed"] = list(dict.fromkeys(reasons + figures[name]["missed"]))
    # The order is that of the cases, whichever ended first.
    figures = {case.name: figures[case.name] for case in cases}
    print_table(cases, figures.values(), options)
    if options.json:
        options.json.write_text(json.dumps(list(figures.values()), indent=2) + "\n", encoding="utf-8")
    missed = [f"{name}: {'; '.join(found['missed'])}" for name, found in figures.items() if found["missed"]]
    if missed:
        sys.exit("\nBounds missed:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
