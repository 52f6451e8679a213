"""Starts nginx, haproxy and custsync for the scripts beside this file, and ends them all.

All servers listen on free ports of 127.0.0.1, keep their files in one temporary directory, and run in the foreground as the
caller.
"""
import argparse, json, os, random, re, shutil, signal, socket, subprocess, sys, tempfile, time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BINARY = Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "release" / "custsync"
# On Debian, the path of an ordinary user lacks these folders.
PATH = os.environ.get("PATH", "") + ":/usr/sbin:/usr/local/sbin"
START_SECONDS_MAX = 20
INSTALL_SECONDS_MAX = 300
STOPS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
# custsync's own --grace is 25 s.
GRACE_SECONDS_MAX = 35

# nginx runs as one process, so that no file has to be given to another user. The limits act on `proxy_pass`, but not on a
# `return` in the same block, which nginx runs earlier. So the answers come from a separate server block, through a socket.
NGINX = """
daemon off;
master_process off;
pid {work}/nginx.pid;
error_log {work}/nginx-error.log crit;
events {{ worker_connections 1024; }}
http {{
  log_format requests '$msec $server_name $status $request_method $uri';
  access_log {work}/nginx.log requests;
  client_body_temp_path {work}/body; proxy_temp_path {work}/proxy; fastcgi_temp_path {work}/fastcgi;
  uwsgi_temp_path {work}/uwsgi; scgi_temp_path {work}/scgi;
  proxy_http_version 1.1;
  proxy_set_header Connection "";
  upstream fast {{ server unix:{work}/fast.socket; keepalive 64; }}
  upstream slow {{ server 127.0.0.1:{sandbox_port}; keepalive 64; }}
  server {{
    listen unix:{work}/fast.socket;
    access_log off;
    keepalive_requests 100000000;
    {answer}
  }}
  {blocks}
}}
"""
# The answer shows the customer of the path, because an answer with another customer would prove nothing.
ANSWER = """location ~ ^/api/v1/customers/([0-9]+)$ {
      default_type application/json;
      return 200 '{"success": "Customer updated", "data": {"id": $1}}';
    }"""
HAPROXY = """
global
  nbthread 1
  maxconn 500
  log stdout format raw local0
defaults
  mode http
  log global
  option dontlognull
  log-format "%[date(0,ms)] %f %ST %HM %HP"
  timeout connect 5s
  timeout client 60s
  timeout server 60s
  timeout queue 30s
{blocks}
"""


def arguments(description):
    """A parser with the options that all scripts have."""
    parser = argparse.ArgumentParser(description=description, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=BINARY, help="the custsync that is measured; default: the release build")
    parser.add_argument("--only", action="append", metavar="NAME", help="only cases with this in their name; repeatable")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    return parser


def parse(parser):
    """The options. Ends the program if the binary is missing."""
    options = parser.parse_args()
    options.binary = options.binary.resolve()
    if not options.binary.exists():
        sys.exit(f"{options.binary} is missing: cargo build --release --bin custsync")
    return options


def is_chosen(name, options):
    return not options.only or any(part in name for part in options.only)


def installed(name):
    """A server's path, or None with a message if it is missing."""
    path = shutil.which(name, path=PATH)
    if path is None:
        print(f"{name} is not installed: its cases are skipped (apt-get install {'nginx-light' if name == 'nginx' else name})")
    return path


def run_with_packages(*packages):
    """Runs the script again with an interpreter that has these packages of PyPI, such as `name==1.0`. Returns only there.

    They are kept in a virtual environment beside other caches. If they cannot be installed, it prints one line that says so, and
    exits 0."""
    name = re.sub(r"\[[^]]*\]", "", "-".join(packages)).replace("==", "-")
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "custsync-ci" / name
    python = cache / "bin" / "python"
    if Path(sys.prefix) == cache:
        return
    try:
        if not (cache / "installed").exists():
            subprocess.run([sys.executable, "-m", "venv", "--clear", cache], check=True, stdout=sys.stderr)
            pip = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *packages]
            subprocess.run(pip, check=True, stdout=sys.stderr, timeout=INSTALL_SECONDS_MAX)
            (cache / "installed").touch()
    except (OSError, subprocess.SubprocessError) as error:
        print(f"not run: {', '.join(packages)} cannot be installed here: {error}")
        sys.exit(0)
    os.execv(python, [python, *sys.argv])


def free_ports(count):
    """Free ports below those that Linux gives to connections, because a connection could take such a port before its server."""
    ports = []
    for port in random.sample(range(20_000, 32_000), 1_000):
        if len(ports) < count:
            try:
                socket.create_server(("127.0.0.1", port)).close()
                ports.append(port)
            except OSError:
                continue
    if len(ports) < count:
        sys.exit("no free ports from 20000 to 32000")
    return ports


def write_rows(path, count):
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,first_name,last_name,phone_number\n")
        out.writelines(f"{row},Anna,Smith,+1{row:010}\n" for row in range(1, count + 1))
    return path


def read_log(path, name, since, until=float("inf")):
    """The PUTs that a server answered for a case, each with its time, its status and its customer."""
    requests = []
    with open(path, encoding="utf-8") as lines:
        for line in lines:
            parts = line.split()
            if len(parts) != 5 or parts[1] != name or parts[3] != "PUT":
                continue
            # nginx writes seconds with a fraction, haproxy milliseconds.
            at = float(parts[0]) if "." in parts[0] else int(parts[0]) / 1000
            if since <= at < until:
                requests.append((at, int(parts[2]), int(parts[4].rsplit("/", 1)[1])))
    return requests


class Bench:
    """A temporary directory, and every process that was started in it. Leaving the context ends the processes and removes the
    directory, and so do Ctrl-C and SIGTERM."""

    def __init__(self, binary):
        self.binary = binary
        self.processes = []
        self.is_starting = False
        self.signal = None

    def __enter__(self):
        for number in STOPS:
            signal.signal(number, self.stop)
        self.directory = tempfile.TemporaryDirectory(prefix="custsync-servers-", ignore_cleanup_errors=True)
        self.work = Path(self.directory.name)
        self.token_file = self.work / "token"
        return self

    def __exit__(self, *_):
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        for number, seconds in [(signal.SIGTERM, 3), (signal.SIGKILL, 3)]:
            for process in self.processes:
                end_group(process, number)
            deadline = time.monotonic() + seconds
            while time.monotonic() < deadline and any(process.poll() is None for process in self.processes):
                time.sleep(0.02)
        self.directory.cleanup()
        for number in STOPS:
            signal.signal(number, signal.SIG_DFL)

    def stop(self, number, _):
        self.signal = number
        # Otherwise a process that is just being started would be missed.
        if not self.is_starting:
            for other in STOPS:
                signal.signal(other, signal.SIG_IGN)
            print("stopping", file=sys.stderr)
            raise SystemExit(128 + number)

    def start(self, command, name):
        """Starts a command in its own process group. Its output goes to NAME.log and NAME.err."""
        command = [str(part) for part in command]
        # The caller's settings and proxies must not affect the measurement.
        environment = {key: value for key, value in os.environ.items()
                       if not key.startswith("CUSTSYNC_") and not key.lower().endswith("_proxy")}
        self.is_starting = True
        with open(self.work / f"{name}.log", "wb") as out, open(self.work / f"{name}.err", "wb") as err:
            process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=err, cwd=self.work,
                                       env=environment, start_new_session=True)
        self.processes.append(process)
        self.is_starting = False
        if self.signal is not None:
            self.stop(self.signal, None)
        return process

    def start_server(self, name, command, ports):
        process = self.start(command, name)
        deadline = time.monotonic() + START_SECONDS_MAX
        for port in ports:
            while True:
                try:
                    socket.create_connection(("127.0.0.1", port), timeout=1).close()
                    break
                except OSError:
                    pass
                if process.poll() is not None or time.monotonic() > deadline:
                    sys.exit(f"{name} does not start:\n" + (self.work / f"{name}.err").read_text(errors="replace"))
                time.sleep(0.05)

    def start_sandbox(self, latency_ms):
        """Starts custsync's sandbox as a slow upstream, and returns its port."""
        port, = free_ports(1)
        command = [self.binary, "sandbox", "--listen", f"127.0.0.1:{port}", "--window", "none", "--latency", f"{latency_ms}ms"]
        self.start_server("sandbox", command, [port])
        # The sandbox prints the command that sends to it.
        text = (self.work / "sandbox.log").read_text()
        token = next(word for word in text.split() if word.startswith("CUSTSYNC_TOKEN=")).partition("=")[2]
        self.write_token(token)
        return port

    def write_token(self, token):
        self.token_file.write_text(token)
        self.token_file.chmod(0o600)

    def start_nginx(self, path, blocks, ports, sandbox_port):
        conf = self.work / "nginx.conf"
        conf.write_text(NGINX.format(work=self.work, sandbox_port=sandbox_port, answer=ANSWER, blocks="\n".join(blocks)))
        self.start_server("nginx-output", [path, "-p", self.work, "-e", self.work / "nginx-error.log", "-c", conf], ports)

    def start_haproxy(self, path, blocks, ports):
        conf = self.work / "haproxy.cfg"
        conf.write_text(HAPROXY.format(blocks="\n".join(blocks)))
        self.start_server("haproxy", [path, "-db", "-f", conf], ports)


def end_group(process, number):
    if process.poll() is None:
        try:
            os.killpg(process.pid, number)
        except ProcessLookupError:
            pass


class Run:
    """A custsync process that sends rows, and gets a signal to stop after some seconds."""

    def __init__(self, bench, name, rows, port, seconds, options):
        self.bench, self.name, self.seconds = bench, name, seconds
        self.run_dir = bench.work / f"{name}-run"
        shutil.rmtree(self.run_dir, ignore_errors=True)
        self.since, self.until = time.time(), None
        self.process = bench.start(
            [bench.binary, "run", rows, "--base-url", f"http://127.0.0.1:{port}/api", "--token-file", bench.token_file,
             "--run-dir", self.run_dir, "--progress", "off", *options], name)

    def ended(self):
        """Whether the process has ended. Signals or kills it when its time is over."""
        if self.process.poll() is not None:
            self.until = self.until or time.time()
            return True
        seconds = time.time() - self.since
        if self.until is None and seconds >= self.seconds:
            self.until = time.time()
            end_group(self.process, signal.SIGINT)
        if seconds >= self.seconds + GRACE_SECONDS_MAX:
            end_group(self.process, signal.SIGKILL)
        return False

    def results(self):
        """The last entry of each row."""
        entries = {}
        path = self.run_dir / "results.ndjson"
        if path.exists():
            for line in path.read_text(encoding="utf-8").splitlines()[1:]:
                try:
                    entry = json.loads(line)
                except ValueError:
                    continue  # A killed process can leave half a line.
                if "row" in entry:  # Other lines are about the run.
                    entries[entry["row"]] = entry
        return list(entries.values())

    def summary(self):
        path = self.run_dir / "summary.json"
        return json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}

    def said(self):
        return (self.bench.work / f"{self.name}.err").read_text(errors="replace").strip()


def compare_with_log(entries, requests, controls):
    """The numbers of rows that were lost, applied without a record, or applied twice."""
    applied = {}
    for _, status, customer in requests:
        if 200 <= status < 300:
            applied[customer] = applied.get(customer, 0) + 1
    updated = {entry["id"] for entry in entries if entry.get("outcome") == "updated"}
    return {
        "lost": len(updated - applied.keys()),
        "unrecorded": len(applied.keys() - updated),
        # A control sends one row's update a second time on purpose.
        "twice": max(0, sum(times - 1 for times in applied.values()) - controls),
    }
