#!/usr/bin/env python3
"""Measures custsync and comparable programs on this machine, in turn, and prints the tables of docs/speed.md.

usage: benches/compare.py [--binary FILE] [--rows N] [--rounds N] [--growth] [check] [send]      (default: both)

needs a release build (cargo build --release --examples --bin custsync). Another custsync is measured with --binary, such as that of
deploy/release.sh (target/dist/custsync). Of the other programs, it uses those that are installed:
  check   DuckDB           pip install duckdb
  send    nginx            apt-get install nginx-light      (the server; required for send)
          oha              cargo install oha
          curl             apt-get install curl

Nothing leaves the machine. Server and client have one core each, if the machine has two. Compare ratios and medians: machines differ, and
most are busy.
"""
import argparse, json, os, resource, shutil, statistics, subprocess, sys, tempfile, time
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release"
CUSTOMERS = TARGET / "examples" / "customers"
BINARY = TARGET / "custsync"
PORT = int(os.environ.get("BENCH_PORT", "18090"))
QUIET = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}

DUCKDB = """
import sys, time, duckdb
path, threads = sys.argv[1], int(sys.argv[2])
columns = ("id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,identity_number,job,address,"
           "default_channel_id,user_id").split(",")
types = ",".join(f"'{column}':'VARCHAR'" for column in columns)
source = (f"read_ndjson('{path}', columns={{{types}}})" if path.endswith("ndjson") else
          f"read_csv('{path}', header=true, auto_detect=false, delim=',', quote='\\"', escape='\\"', columns={{{types}}})")
db = duckdb.connect()
db.execute(f"set threads={threads}")
db.execute("set preserve_insertion_order=false")
db.execute("set enable_progress_bar=false")
whole = lambda column: f"({column} is null or try_cast({column} as bigint) is not null)"
text = lambda column, most: f"({column} is not null and length({column}) <= {most})"
rules = [
    "id is not null", whole("id"), text("first_name", 255), text("last_name", 255), text("phone_number", 20),
    "(email is null or (length(email) <= 255 and regexp_full_match(email, '[^@\\\\s]+@[^@\\\\s]+\\\\.[^@\\\\s]+')))",
    "(date_of_birth is null or try_cast(date_of_birth as timestamptz) is not null)",
    "(gender is null or gender in ('male', 'female', 'other'))",
    whole("country_id"), "(job is null or length(job) <= 255)", "(address is null or length(address) <= 1000)",
    whole("default_channel_id"), whole("user_id"),
]
start = time.time()
db.execute(f"select count(*), count(*) filter (where not ({' and '.join(rules)})) from {source}").fetchone()
print(time.time() - start)
"""

NGINX = """
worker_processes 1;
pid {work}/nginx.pid;
error_log {work}/error.log crit;
events {{ worker_connections 4096; }}
http {{
  access_log off; keepalive_requests 100000000; keepalive_timeout 300s;
  client_body_temp_path {work}/body; proxy_temp_path {work}/p; fastcgi_temp_path {work}/f; uwsgi_temp_path {work}/u;
  scgi_temp_path {work}/s;
  server {{
    listen 127.0.0.1:{port} backlog=4096;
    location ~ ^/api/v1/customers/([0-9]+)$ {{
      default_type application/json;
      add_header X-RateLimit-Limit 100000000;
      add_header X-RateLimit-Remaining 99999999;
      return 200 '{answer}';
    }}
  }}
}}
"""
# Rows that set what each answer shows, as an API does that keeps what it is sent.
SHOWN_ROW = ('José,García,+10207388624,user1@example.com,1943-11-14,male,49,ID891077985,Engineer,'
             '"2744 Main Street, Springfield, IL 18990",1,1')
# The answer shows the customer of the path, because only an answer with the right customer proves an update.
ANSWER = json.dumps({"success": "Customer updated", "data": {
    "id": "$1", "first_name": "José", "last_name": "García", "phone_number": "+10207388624", "email": "user1@example.com",
    "date_of_birth": "1943-11-14T00:00:00Z", "gender": "male", "country_name": "X", "identity_number": "ID891077985",
    "job": "Engineer", "address": "2744 Main Street, Springfield, IL 18990", "default_channel_id": 1, "avatar_url": None,
    "related_user": {"id": 1, "name": "n"}, "created_at": "2023-11-07T05:31:56Z", "updated_at": "2023-11-07T05:31:56Z",
    "deleted_at": None}}, ensure_ascii=False).replace('"$1"', "$1")


def rows_file(work, rows, bad_percent, kind):
    path = work / f"{rows}-{bad_percent}.{kind}"
    if not path.exists():
        command = [CUSTOMERS, str(rows), "--bad-percent", str(bad_percent)]
        with open(path, "wb") as out:
            subprocess.run(command + (["--ndjson"] if kind == "ndjson" else []), stdout=out, check=True)
    return path


def shown_rows_file(work, rows):
    path = work / f"{rows}-shown.csv"
    if not path.exists():
        with open(rows_file(work, 1, 0, "csv"), encoding="utf-8") as usual, open(path, "w", encoding="utf-8") as out:
            out.write(next(usual))
            out.writelines(f"{customer},{SHOWN_ROW}\n" for customer in range(1, rows + 1))
    return path


def measure(command, pinned=False):
    """Returns the wall seconds, CPU seconds and peak memory in MiB of a command."""
    command = [str(part) for part in command]
    if pinned and os.cpu_count() > 1 and shutil.which("taskset"):
        command = ["taskset", "-c", "1", *command]
    start = time.time()
    process = subprocess.Popen(command, **QUIET)
    _, _, used = os.wait4(process.pid, 0)
    return time.time() - start, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024


def fresh(work):
    shutil.rmtree(work / "run", ignore_errors=True)
    return ["--run-dir", work / "run", "--progress", "off"]


def compare_check(work, rows, rounds):
    print(f"\n`check` of {rows:,} rows, 1 % of them bad; median of {rounds} rounds\n")
    print("| | custsync | DuckDB | ratio | memory |\n|---|---|---|---|---|")
    for kind in ["csv", "ndjson"]:
        path, ours, theirs, memory = rows_file(work, rows, 1, kind), [], [], 0
        for turn in range(rounds + 1):
            seconds, _, used = measure([BINARY, "check", path, *fresh(work)])
            command = [sys.executable, "-c", DUCKDB, path, str(os.cpu_count())]
            peer = subprocess.run([str(part) for part in command], capture_output=True, text=True)
            if peer.returncode:
                sys.exit("DuckDB is missing, or refuses the file: pip install duckdb\n" + peer.stderr)
            if turn:  # The first round warms up.
                ours.append(seconds)
                theirs.append(float(peer.stdout))
                memory = max(memory, used)
        ratio = statistics.median(a / b for a, b in zip(ours, theirs))
        print(f"| {kind.upper()} | {statistics.median(ours):.2f} s | {statistics.median(theirs):.2f} s | {ratio:.2f} | {memory:.0f} MiB |")


class Nginx:
    def __init__(self, work):
        self.work = work / "nginx"
        self.work.mkdir(exist_ok=True)
        self.conf = self.work / "nginx.conf"
        self.conf.write_text(NGINX.format(work=self.work, port=PORT, answer=ANSWER))

    def __enter__(self):
        pinned = ["taskset", "-c", "0"] if os.cpu_count() > 1 and shutil.which("taskset") else []
        subprocess.run([*pinned, "nginx", "-p", str(self.work), "-c", str(self.conf)], check=True)
        time.sleep(0.5)

    def __exit__(self, *_):
        os.kill(int((self.work / "nginx.pid").read_text()), 15)


def run_command(work, path, url, in_flight=64, token="any"):
    token_file = work / "token"
    token_file.write_text(token)
    token_file.chmod(0o600)
    return [BINARY, "run", path, "--base-url", url, "--token-file", token_file, "--rate", "unlimited",
            "--max-in-flight", str(in_flight), *fresh(work)]


def curl_config(work, rows, url):
    path = work / "curl.cfg"
    with open(rows_file(work, rows, 0, "ndjson"), encoding="utf-8") as lines, open(path, "w", encoding="utf-8") as out:
        for number, line in enumerate(lines):
            customer = json.loads(line)
            name = customer.pop("id")
            body = json.dumps(customer, ensure_ascii=False).replace("\\", "\\\\").replace('"', '\\"')
            out.write(("next\n" if number else "") + f'url = "{url}/v1/customers/{name}"\nrequest = "PUT"\n'
                      'header = "Content-Type: application/json"\nheader = "Authorization: Bearer x"\n'
                      f'data = "{body}"\noutput = "/dev/null"\n')
    return path


def compare_send(work, rows, rounds):
    url, few = f"http://127.0.0.1:{PORT}/api", min(rows, 20_000)
    path = rows_file(work, rows, 0, "csv")
    # Against nginx, whose answers are all the same, usual rows differ from what is shown: that is no update to compare.
    clients = {"custsync, --echo off": (rows, lambda: [*run_command(work, path, url), "--echo", "off"]),
               "custsync": (rows, lambda: run_command(work, shown_rows_file(work, rows), url))}
    if shutil.which("oha"):
        body = '{"first_name":"José","last_name":"García","phone_number":"+10207388624","email":"user1@example.com"}'
        oha = ["oha", "--no-tui", "-n", str(rows), "-c", "64", "-m", "PUT", "-H", "Content-Type: application/json", "-H",
               "Authorization: Bearer x", "-d", body, f"{url}/v1/customers/1"]
        clients["oha (requests only)"] = (rows, lambda: oha)
    if shutil.which("curl"):
        config = curl_config(work, few, url)
        curl = ["curl", "-s", "--parallel", "--parallel-max", "64", "--parallel-immediate", "-K", config]
        clients["curl --parallel (ready-made requests)"] = (few, lambda: curl)
    found = {name: [] for name in clients}
    with Nginx(work):
        for turn in range(rounds + 1):
            for name, (count, command) in clients.items():
                wall, cpu, _ = measure(command(), pinned=True)
                if turn:
                    found[name].append((count / wall, cpu / count * 1e6))
    print(f"\n`run` of {rows:,} rows against nginx, server and client a core each; median of {rounds} rounds\n")
    print("| client | rows/s | CPU a row |\n|---|---|---|")
    for name, rounds_of in found.items():
        rate, cpu = (statistics.median(values) for values in zip(*rounds_of))
        print(f"| {name} | {rate:,.0f} | {cpu:.1f} µs |")


def growth(work):
    url = f"http://127.0.0.1:{PORT}/api"
    print("\nHow cost grows\n\n| rows | `check` | memory | `run` | CPU a row | memory |\n|---|---|---|---|---|---|")
    with Nginx(work):
        for rows in [10_000, 100_000, 1_000_000, 10_000_000]:
            path = rows_file(work, rows, 0, "csv")
            checked, _, check_memory = measure([BINARY, "check", path, *fresh(work)])
            sent, cpu, memory = measure(run_command(work, path, url), pinned=True)
            print(f"| {rows:,} | {checked:.2f} s | {check_memory:.0f} MiB | {rows / sent:,.0f} rows/s | {cpu / rows * 1e6:.1f} µs | {memory:.0f} MiB |")
            if rows > 1_000_000:
                path.unlink()
    print("\n| answers take | in flight | rows/s | CPU a row | memory |\n|---|---|---|---|---|")
    for latency_ms in [0, 20, 200]:
        for in_flight in [1, 8, 64, 512]:
            with Sandbox(latency_ms) as (token, sandbox_url):
                # About 20 s of rows: the number in flight begins at 4 and grows.
                rows = 100_000 if latency_ms == 0 else min(100_000, in_flight * 20_000 // latency_ms)
                path = rows_file(work, rows, 0, "csv")
                sent, cpu, memory = measure(run_command(work, path, sandbox_url, in_flight, token), pinned=True)
            print(f"| {latency_ms} ms | {in_flight} | {rows / sent:,.0f} | {cpu / rows * 1e6:.1f} µs | {memory:.0f} MiB |")


class Sandbox:
    """custsync's own double of the API, with a given latency."""

    def __init__(self, latency_ms):
        pinned = ["taskset", "-c", "0"] if os.cpu_count() > 1 and shutil.which("taskset") else []
        self.command = [*pinned, str(BINARY), "sandbox", "--listen", f"127.0.0.1:{PORT + 1}",
                        "--window", "none", "--latency", f"{latency_ms}ms"]

    def __enter__(self):
        self.process = subprocess.Popen(self.command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        # The sandbox prints the command that sends to it.
        command = next(line for line in self.process.stdout if "CUSTSYNC_TOKEN=" in line)
        return command.split()[0].removeprefix("CUSTSYNC_TOKEN="), f"http://127.0.0.1:{PORT + 1}/api"

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait()


def main():
    global BINARY
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("what", nargs="*", metavar="check|send", help="what to compare (default: both)")
    arguments.add_argument("--rows", type=int, default=2_000_000, help="rows to check; a tenth of them is sent")
    arguments.add_argument("--rounds", type=int, default=5)
    arguments.add_argument("--growth", action="store_true", help="measure the growth of costs, up to 10,000,000 rows")
    arguments.add_argument("--binary", type=Path, default=BINARY, help="the custsync to measure")
    options = arguments.parse_args()
    BINARY = options.binary
    for needed in [BINARY, CUSTOMERS]:
        if not needed.exists():
            sys.exit(f"{needed} is missing: cargo build --release --examples --bin custsync")
    work = Path(os.environ.get("BENCH_DIR", Path(tempfile.gettempdir()) / "custsync-bench"))
    work.mkdir(exist_ok=True)
    if options.growth:
        growth(work)
        return
    what = options.what or ["check", "send"]
    if "check" in what:
        compare_check(work, options.rows, options.rounds)
    if "send" in what:
        compare_send(work, options.rows // 10, options.rounds)


main()
