"""What the tests of containers share: the API's double in a container, and a large file in a container with little memory."""
import json, os, time
from pathlib import Path

import image, servers
from image import call, expect, must

NAME = f"custsync-test-{os.getpid()}-large"
# The user of deploy/swarm/stack.yml.
USER = 65532
TOKEN = "a-token-of-the-test"
PORT = 8080
# As in the manifests.
MEMORY = "96m"
SECONDS_MAX = 1200


def start(name, network, *arguments):
    """Starts a container in a network."""
    deadline = time.monotonic() + servers.START_SECONDS_MAX
    while True:
        end = call("docker", "run", "--detach", "--name", name, "--network", network, "--read-only", *arguments)
        if end.returncode == 0:
            return
        # When the last container has left it, the engine drops a Swarm's network for a moment.
        expect("not found" in end.stdout and time.monotonic() < deadline, f"{name} does not start:\n{end.stdout}")
        call("docker", "rm", "--force", name)
        time.sleep(0.2)


def start_api(options, name, of_docker, of_sandbox):
    """Starts the API's double in a container of a network. It listens on its loopback interface only, so socat forwards to it."""
    start(f"{name}-api", name, "--user", f"{USER}:{USER}", "--env", f"CUSTSYNC_TOKEN={TOKEN}", *of_docker, options.image, "sandbox",
          "--listen", f"127.0.0.1:{PORT + 1}", *of_sandbox)
    start(f"{name}-api-port", f"container:{name}-api", options.servers, "socat", f"TCP-LISTEN:{PORT},fork,reuseaddr",
          f"TCP:127.0.0.1:{PORT + 1}")


def most_kib(container):
    """The most memory that the program of a container has used so far, in KiB. 0 if it does not run."""
    pid = call("docker", "inspect", "--format", "{{.State.Pid}}", container).stdout.strip()
    try:
        text = Path("/proc", pid, "status").read_text()
    except OSError:
        return 0
    status = dict(line.split(":", 1) for line in text.splitlines() if ":" in line)
    # Before the engine's own program has become this one, it uses memory of its own.
    return int(status["VmHWM"].split()[0]) if status["Name"].strip() == "custsync" and "VmHWM" in status else 0


def send_large(bench, options, sizes):
    """A large file is checked, and sent for a while, in a container with little memory. The double has its own container."""
    figures = {}
    limits = ["--memory", MEMORY, "--memory-swap", MEMORY, "--env", f"CUSTSYNC_TOKEN={TOKEN}"]
    send = ["run", "rows.csv", "--base-url", f"http://{NAME}-api:{PORT}/api", "--allow-http", "--rate", "unlimited", "--left-out",
            "trust", "--run-dir", "run"]
    cases = [("check", None, ["check", "rows.csv", "--run-dir", "check"]),
             ("dry_run", None, ["run", "rows.csv", "--dry-run", "--run-dir", "dry-run"]), ("run", sizes.large_seconds, send)]
    data = bench.work / "large"
    data.mkdir()
    os.chown(data, image.USER, image.USER)
    servers.write_rows(data / "rows.csv", sizes.large_rows)
    try:
        must("docker", "network", "create", "--internal", NAME)
        start_api(options, NAME, [], ["--window", "none", "--customers", sizes.large_rows])
        for name, seconds, arguments in cases:
            with image.Container(bench.work, options.image, network=NAME, options=limits) as container:
                container.data = data
                code, most, took = watched(container, seconds, arguments)
            # A run that is stopped after its time has not ended.
            expect(code == 0 or (seconds is not None and code == image.TERMINATED), f"{name} ended with {code}{container.said()}")
            summary = json.loads((data / arguments[-1] / "summary.json").read_text(encoding="utf-8"))
            rows = summary["records" if seconds is None else "updated"]
            expect(rows == sizes.large_rows or (seconds is not None and rows > 0), f"{name} has {rows} rows")
            figures |= {f"{name}_mib": most / 1024, f"{name}_seconds": took, f"{name}_rows": rows}
            print(f"{name}: {rows:,} of {sizes.large_rows:,} rows in {took:.0f} s with {most / 1024:.0f} MiB of {MEMORY}")
    finally:
        call("docker", "rm", "--force", "--volumes", f"{NAME}-api-port", f"{NAME}-api")
        call("docker", "network", "rm", NAME)
    return figures


def watched(container, seconds_max, arguments):
    """Runs a container, and stops it after a time. Returns its exit code, its program's most memory in KiB, and its seconds."""
    since, most = time.monotonic(), 0
    process = container.start(*arguments)
    while process.poll() is None:
        most = max(most, most_kib(container.name))
        if seconds_max is not None and time.monotonic() - since > seconds_max:
            container.stop()
            seconds_max = None
        expect(time.monotonic() - since < SECONDS_MAX, "it does not end")
        time.sleep(0.05)
    return process.returncode, most, time.monotonic() - since
