#!/usr/bin/env python3
"""Sends one file by deploy/swarm/stack.yml, in a Swarm of this engine, while containers are killed and cut off.

usage: tests/servers/swarm.py --image NAME --servers NAME [--long] [--seed N] [--json FILE]

needs a Docker engine that is not part of a Swarm, and root, which cuts a container off in its network namespace. The images are on
the engine: deploy/test/run.sh makes them and calls this script. All traffic stays on a private network of the engine.

Four shards send the file to the API's double, which allows a number of requests in a minute; Redis shares this number among them.
Meanwhile, at moments that the seed chooses:

- containers get SIGKILL; one of them is drained by SIGTERM,
- one is cut off from the network, so that its packets are lost,
- Redis stops for a while and comes back empty,
- everything gets SIGKILL at once, also the double and Redis,
- a second job with the same run directory is started, which has to stop at once with exit code 5.

In the end, the journals of the shards together have to be the input, each row updated once. By the double's own list, no row may
be lost, no two rows of a customer may be exchanged, and no more rows may be applied twice than were in flight at the moments
above. Almost no request may be above the double's window, and the report of the shards has to close. No container may have been
killed for its memory (96 MiB).

With --long, the file has 50,000 rows, and a file of 10,000,000 rows is checked and sent for a while in a container of 96 MiB.
The engine is left as it was found. Exits 1 if a check fails.
"""
import argparse, collections, json, os, random, re, subprocess, sys, time
from pathlib import Path

sys.dont_write_bytecode = True
import servers
from containers import MEMORY, PORT, TOKEN, USER, most_kib, send_large, start, start_api
from image import Missed, call, expect, inspect, must

STACK = servers.ROOT / "deploy/swarm/stack.yml"
NAME = f"custsync-test-{os.getpid()}"
SHARDS = 4
ROWS_OF_A_CUSTOMER = 4
IN_FLIGHT_MAX = 8
RUN = "runs/import"
# The stack, with what only a test needs. Swarm's own balancer needs ip_vs, which not every kernel has: no service has an address.
OVERLAY = """
version: "3.9"
services:
  import:
    image: {image}
    environment:
      CUSTSYNC_BASE_URL: http://api:{port}/api
      CUSTSYNC_ALLOW_HTTP: "true"
      CUSTSYNC_RATE_REDIS: redis://redis:6379
      CUSTSYNC_LEFT_OUT: trust
      CUSTSYNC_MAX_IN_FLIGHT: "{in_flight_max}"
      CUSTSYNC_TIMEOUT: 5s
    networks: [private]
    deploy:
      endpoint_mode: dnsrr
      restart_policy: {{delay: 1s, max_attempts: 100}}
networks:
  private: {{external: true, name: {name}}}
volumes:
  data:
    driver_opts: {{type: none, o: bind, device: {data}}}
secrets:
  custsync_token: {{external: true, name: {name}}}
"""
REDIS = ["redis-server", "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--appendonly", "no"]
Sizes = collections.namedtuple("Sizes", "rows per_minute kills cut_seconds redis_seconds seconds_max large_rows large_seconds")
SHORT = Sizes(rows=10_000, per_minute=9_000, kills=4, cut_seconds=15, redis_seconds=10, seconds_max=330, large_rows=2_000_000,
              large_seconds=10)
LONG = Sizes(rows=50_000, per_minute=18_000, kills=12, cut_seconds=30, redis_seconds=20, seconds_max=1200, large_rows=10_000_000,
             large_seconds=240)
SECOND_JOB_SECONDS_MAX = 1
REFUSED_SHARE_MAX = 0.01


def write_rows(path, count):
    """Rows whose customers come again and again. A row's job names the row."""
    customers = count // ROWS_OF_A_CUSTOMER
    with open(path, "w", encoding="utf-8") as out:
        out.write("id,first_name,job\n")
        out.writelines(f"{(row - 1) % customers + 1},Anna,Job {row}\n" for row in range(1, count + 1))


class Ledger:
    """The updates that the API's double has applied, as its file has them."""

    def __init__(self, path):
        self.path, self.offset, self.applied = path, 0, []

    def read(self):
        """Reads what has come since, and returns the number of updates. A kill can cut off a line, which is then continued."""
        if self.path.exists():
            with open(self.path, "rb") as file:
                file.seek(self.offset)
                text = file.read()
            end = text.rfind(b"\n") + 1
            self.offset += end
            for line in text[:end].splitlines():
                # Two lines in one, if the first was cut off.
                found = re.findall(rb'"id":(\d+),"body":\{[^{}]*"job":"Job (\d+)"', line)
                self.applied += [(int(customer), int(row)) for customer, row in found]
        return len(self.applied)


class Swarm:
    """A Swarm of this engine alone, with the stack, the double and Redis. The end of the context removes all of it."""

    def __init__(self, bench, options, sizes):
        self.bench, self.options, self.sizes = bench, options, sizes
        self.data, self.api = bench.work / "data", bench.work / "api"
        for folder in (self.data, self.api):
            folder.mkdir()
            os.chown(folder, USER, USER)
        self.ledger = Ledger(self.api / "ledger.ndjson")
        self.most_kib, self.lost_in_flight, self.cut = 0, 0, None

    def __enter__(self):
        self.networks = must("docker", "network", "ls", "--format", "{{.Name}}").split()
        must("docker", "swarm", "init", "--advertise-addr", "127.0.0.1", "--listen-addr", "127.0.0.1")
        must("docker", "network", "create", "--driver", "overlay", "--attachable", "--internal", NAME)
        must("docker", "secret", "create", NAME, "-", input=TOKEN)
        return self

    def __exit__(self, *_):
        call("docker", "stack", "rm", NAME)
        call("docker", "swarm", "leave", "--force")
        # The containers of a job that have ended stay, also when the Swarm is left.
        services = [f"{NAME}-{name}" for name in ("api-port", "api", "redis")]
        call("docker", "rm", "--force", "--volumes", *services, *self.containers("--all"))
        call("docker", "volume", "rm", "--force", f"{NAME}_data")
        for name in set(must("docker", "network", "ls", "--format", "{{.Name}}").split()) - set(self.networks):
            call("docker", "network", "rm", name)

    def start_api(self):
        start_api(self.options, NAME, ["--volume", f"{self.api}:/data", "--network-alias", "api"],
                  ["--window", f"{self.sizes.per_minute}/m", "--latency", "5ms..25ms", "--ledger", "ledger.ndjson"])

    def start_redis(self):
        """Starts Redis with nothing in it."""
        start(f"{NAME}-redis", NAME, "--network-alias", "redis", self.options.servers, *REDIS)

    def deploy(self):
        overlay = self.bench.work / "stack.yml"
        overlay.write_text(OVERLAY.format(image=self.options.image, name=NAME, data=self.data, port=PORT,
                                          in_flight_max=IN_FLIGHT_MAX))
        must("docker", "stack", "deploy", "--detach=true", "--resolve-image", "never", "--compose-file", STACK, "--compose-file",
             overlay, NAME)

    def containers(self, *options):
        """The containers of the shards."""
        label = f"label=com.docker.swarm.service.name={NAME}_import"
        return must("docker", "ps", "--quiet", "--filter", label, *options).split()

    def completed(self):
        """The number of shards that have ended well."""
        text = must("docker", "service", "ls", "--filter", f"name={NAME}_import", "--format", "{{.Replicas}}")
        found = re.search(r"\((\d+)/\d+ completed\)", text)
        return int(found[1]) if found else 0

    def measure(self):
        """The most memory that a process of a shard has used so far."""
        self.most_kib = max([self.most_kib, *map(most_kib, self.containers())])

    def tell(self, words):
        print(f"  {len(self.ledger.applied):6} applied: {words}", flush=True)

    def chosen(self):
        """A running shard that the seed chooses, but for the one that is cut off."""
        deadline = time.monotonic() + servers.START_SECONDS_MAX
        while True:
            containers = sorted(set(self.containers()) - {self.cut})
            if containers:
                return random.choice(containers)
            expect(time.monotonic() < deadline, "no shard is running")
            time.sleep(0.1)

    def signal(self, name):
        container = self.chosen()
        end = call("docker", "kill", "--signal", name, container)
        # It may have ended by itself in between.
        self.tell(f"{name} to {container}" + ("" if end.returncode == 0 else ": it had ended"))
        if name == "KILL" and end.returncode == 0:
            self.lost_in_flight += IN_FLIGHT_MAX

    def cut_off(self):
        """Loses all packets of a shard. Returns what ends that. The engine's own `docker network disconnect` does nothing to
        containers of a Swarm."""
        self.cut = self.chosen()
        namespace = ["nsenter", "--net", "--target", inspect(self.cut, "{{.State.Pid}}"), "iptables"]
        for chain in ("INPUT", "OUTPUT"):
            must(*namespace, "--append", chain, "--jump", "DROP")
        self.lost_in_flight += IN_FLIGHT_MAX
        self.tell(f"{self.cut} is cut off")

        def join():
            # If everything was killed meanwhile, the namespace is gone.
            end = call(*namespace, "--flush")
            self.tell(f"{self.cut} is connected again" if end.returncode == 0 else f"{self.cut} is gone")
            self.cut = None
        return join

    def stop_redis(self):
        must("docker", "rm", "--force", "--volumes", f"{NAME}-redis")
        self.tell("Redis stops")

        def again():
            self.start_redis()
            self.tell("Redis is there again, empty")
        return again

    def kill_everything(self):
        services = [f"{NAME}-{name}" for name in ("api-port", "api", "redis")]
        call("docker", "kill", "--signal", "KILL", *self.containers(), *services)
        self.lost_in_flight += SHARDS * IN_FLIGHT_MAX
        must("docker", "rm", "--force", "--volumes", *services)
        self.tell("everything got SIGKILL")
        self.start_api()
        self.start_redis()

    def shard(self, number):
        """The run directory of a shard."""
        return self.data / RUN / f"shard-{number}-of-{SHARDS}"

    def once(self, *arguments):
        """Runs a container of the image on the shards' volume. Returns its exit code, its output and its seconds."""
        name = f"{NAME}-once"
        variables = [part for key, value in {"BASE_URL": f"http://api:{PORT}/api", "ALLOW_HTTP": "true", "LEFT_OUT": "trust",
                     "TOKEN": TOKEN}.items() for part in ("--env", f"CUSTSYNC_{key}={value}")]
        try:
            end = call("docker", "run", "--name", name, "--network", NAME, "--read-only", "--user", f"{USER}:{USER}", *variables,
                       "--volume", f"{self.data}:/data", self.options.image, *arguments)
            times = inspect(name, "{{.State.StartedAt}} {{.State.FinishedAt}}").split()
            begun, ended = (float(at.rsplit(":", 1)[1].rstrip("Z")) for at in times)
            return end.returncode, end.stdout, (ended - begun) % 60
        finally:
            call("docker", "rm", "--force", name)

    def start_second_job(self):
        """A second job on a directory that is in use ends at once."""
        index, = re.findall(r'"JOB_COMPLETION_INDEX=(\d+)"', inspect(self.chosen(), "{{json .Config.Env}}"))
        shard = f"{int(index) + 1}/{SHARDS}"
        code, said, seconds = self.once("run", "export.csv", "--run-dir", RUN, "--shard", shard)
        expect(code == 5, f"a second job of shard {shard} ended with {code}:\n{said}")
        expect(seconds <= SECOND_JOB_SECONDS_MAX, f"a second job of shard {shard} ended after {seconds:.2f} s")
        self.tell(f"a second job of shard {shard} stopped with exit 5 after {seconds * 1000:.0f} ms")
        code, said, _ = self.once("report", RUN, "--expect-shards")
        expect(code != 0, f"the report closes before the end:\n{said}")


def trouble(swarm):
    """What happens, each after a share of the rows, in order."""
    sizes = swarm.sizes
    events = [(0.05, swarm.start_second_job, 0), (0.2, swarm.cut_off, sizes.cut_seconds),
              (0.4, swarm.stop_redis, sizes.redis_seconds), (0.6, lambda: swarm.signal("TERM"), 0),
              (0.75, swarm.kill_everything, 0)]
    events += [(random.uniform(0.02, 0.9), lambda: swarm.signal("KILL"), 0) for _ in range(sizes.kills)]
    return sorted(events, key=lambda event: event[0])


def send(swarm):
    """Sends the file, with all that happens meanwhile. Returns the seconds that it took."""
    sizes = swarm.sizes
    write_rows(swarm.data / "export.csv", sizes.rows)
    swarm.start_api()
    swarm.start_redis()
    swarm.deploy()
    since, events, ends = time.monotonic(), trouble(swarm), []
    while swarm.completed() < SHARDS:
        expect(time.monotonic() - since < sizes.seconds_max, f"not done after {sizes.seconds_max} s{shards_said(swarm)}")
        share = swarm.ledger.read() / sizes.rows
        swarm.measure()
        while events and events[0][0] <= share:
            _, happen, seconds = events.pop(0)
            end = happen()
            if seconds:
                ends.append((time.monotonic() + seconds, end))
        for end in [end for end in ends if end[0] <= time.monotonic()]:
            ends.remove(end)
            end[1]()
        time.sleep(0.1)
    expect(not events and not ends, "all rows were sent before everything had happened")
    swarm.ledger.read()
    return time.monotonic() - since


def shards_said(swarm):
    """How the tasks ended, and the end of the newest ones' output, to follow a message."""
    form = "{{.Name}} {{.CurrentState}} {{.Error}}"
    tasks = call("docker", "service", "ps", "--no-trunc", "--format", form, f"{NAME}_import").stdout
    logs = [call("docker", "logs", "--tail", "5", container).stdout for container in swarm.containers("--all")[:SHARDS]]
    return "\n".join(["", tasks, *logs])


def journals_are_the_input(swarm):
    """Each row is updated by one shard, and no other row is."""
    rows = collections.Counter()
    for shard in range(1, SHARDS + 1):
        last = {}
        for line in (swarm.shard(shard) / "results.ndjson").read_text(encoding="utf-8").splitlines():
            # The kills may have cut off lines, which are then a line of their own.
            try:
                entry = json.loads(line)
            except ValueError:
                continue
            if "row" in entry and "outcome" in entry:
                last[entry["row"]] = entry["outcome"]
        rows.update(row for row, outcome in last.items() if outcome == "updated")
    missing = set(range(1, swarm.sizes.rows + 1)) - rows.keys()
    expect(not missing, f"{len(missing)} rows are in no journal, such as {sorted(missing)[:5]}")
    expect(rows.total() == swarm.sizes.rows, f"{rows.total()} rows are in the journals")


def api_agrees(swarm):
    """Nothing is lost or exchanged, and only what was in flight is there twice."""
    applied = swarm.ledger.applied
    lost = set(range(1, swarm.sizes.rows + 1)) - {row for _, row in applied}
    expect(not lost, f"{len(lost)} rows were never applied, such as {sorted(lost)[:5]}")
    last, inverted = {}, 0
    for customer, row in applied:
        inverted += row < last.get(customer, 0)
        last[customer] = row
    expect(inverted == 0, f"{inverted} rows were applied after a later row of their customer")
    twice = len(applied) - swarm.sizes.rows
    expect(twice <= swarm.lost_in_flight, f"{twice} rows were applied twice, and {swarm.lost_in_flight} were in flight")
    print(f"books: {swarm.sizes.rows} rows in the journals of {SHARDS} shards; 0 lost, 0 exchanged, {twice} applied twice; "
          f"{swarm.lost_in_flight} were in flight")
    return {"applied_twice": twice, "in_flight": swarm.lost_in_flight}


def rate_is_kept(swarm):
    """The double refuses what is above its window. Starts that were killed have no summary, so their refusals are not counted."""
    refused = 0
    for shard in range(1, SHARDS + 1):
        text = (swarm.shard(shard) / "summary.json").read_text(encoding="utf-8")
        retries = json.loads(text)["totals"]["sending"]["retries"]
        refused += sum(count for cause, count in retries.items() if "429" in cause)
    expect(refused <= swarm.sizes.rows * REFUSED_SHARE_MAX, f"{refused} requests were above the window of the API's double")
    print(f"rate: {refused} requests above the window")
    return {"refused": refused}


def report_closes(swarm):
    code, said, _ = swarm.once("report", RUN, "--expect-shards")
    expect(code == 0, f"the report of the shards ended with {code}:\n{said}")
    print("\n".join(said.splitlines()[:4]))


def tasks_ended_by_signals(swarm):
    """Every task ended well, or by the signals that it got. None was killed for its memory."""
    errors = must("docker", "service", "ps", "--no-trunc", "--format", "{{.Error}}", f"{NAME}_import").splitlines()
    codes = collections.Counter(re.sub(r".*non-zero exit \((\d+)\).*", r"\1", error) for error in errors if error)
    # Swarm keeps the last five ends of each shard.
    expect(codes.keys() <= {"137", "143"}, f"tasks ended with {dict(codes)}{shards_said(swarm)}")
    expect(not any("OOM" in error or "out of memory" in error for error in errors), f"{errors}")
    expect(0 < swarm.most_kib, "no memory was measured")
    print(f"tasks: {sum(codes.values())} ended by signals; at most {swarm.most_kib / 1024:.0f} MiB of {MEMORY} in a shard")
    return {"shard_mib": swarm.most_kib / 1024}


def unavailable():
    """The reason why this cannot run here, or None."""
    if call("docker", "info", "--format", "{{.Swarm.LocalNodeState}}").stdout.strip() != "inactive":
        return "there is no Docker engine, or it is part of a Swarm"
    if os.geteuid() != 0:
        return "cutting a container off needs root"
    return None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", required=True, metavar="NAME", help="custsync's image")
    parser.add_argument("--servers", required=True, metavar="NAME", help="an image that has redis-server and socat")
    parser.add_argument("--long", action="store_true", help="50,000 rows, and a file of 10,000,000")
    parser.add_argument("--seed", type=int, default=random.randrange(1_000_000), metavar="N", help="chooses who is hit, and when")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    reason = unavailable()
    if reason:
        print(f"not run: {reason}")
        return
    sizes = LONG if options.long else SHORT
    random.seed(options.seed)
    figures, missed = {"seed": options.seed, "rows": sizes.rows}, []
    with servers.Bench(None) as bench:
        print(f"{sizes.rows} rows, {SHARDS} shards, {sizes.per_minute} requests a minute, seed {options.seed}")
        try:
            figures.update(send_large(bench, options, sizes))
            with Swarm(bench, options, sizes) as swarm:
                figures["seconds"] = send(swarm)
                print(f"sent in {figures['seconds']:.0f} s")
                for check in (journals_are_the_input, api_agrees, rate_is_kept, report_closes, tasks_ended_by_signals):
                    figures.update(check(swarm) or {})
        except Missed as words:
            missed.append(str(words))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if missed:
        sys.exit("\nNot as it must be:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
