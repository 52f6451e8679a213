#!/usr/bin/env python3
"""Measures how eight custsync processes share one rate by Redis, and checks the figures against bounds.

usage: tests/servers/rate.py [--binary PATH] [--long] [--json FILE]

needs a release build (cargo build --release --bin custsync) and redis-server (apt-get install redis-server)

Three groups of eight processes run at the same time, each with a rate and an API of its own:
  given    --rate 600/m. Two processes are killed and started again. Redis is stopped for 20 s, and later killed and started
           without its data.
  window   --rate auto, and an API that names a window of 600 requests a minute and refuses what is above.
  slow     --rate 600/m, and 50 ms of delay each way between the processes and Redis.
Requests are counted where they arrive. All takes three minutes (--long: ten). Nothing leaves the machine, and no process is left
running. Exits 1 if a bound is missed.
"""
import asyncio, json, shutil, signal, socket, sys, threading, time
from types import SimpleNamespace

sys.dont_write_bytecode = True
import servers

PROCESSES = 8
PER_MINUTE = 600
PER_SECOND = PER_MINUTE / 60
# Beside the rate itself: one request at the edge of a second, and those whose slots are used late. That may be a tenth of a
# second, or two round trips to the store.
MORE_IN_A_SECOND = {"given": 3, "slow": 5}
USED_MIN = 0.98
REFUSED_MAX = 0.001
# The state of a store that has been open for long.
OPEN = b"custsync-rate 1\ntimes 0 0 0 0 0\nfall 0 0\n"


class Api:
    """Answers each update, and notes when it arrived. With a window it names what is left, and refuses what is above."""

    def __init__(self, has_window):
        self.has_window = has_window
        self.arrived, self.refused = [], []
        self.used = {}
        self.port, = servers.free_ports(1)

    async def serve(self):
        await asyncio.start_server(self.connected, "127.0.0.1", self.port)

    async def connected(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                lines = head.decode().split("\r\n")
                length = next((int(line.split(":")[1]) for line in lines if line.lower().startswith("content-length:")), 0)
                await reader.readexactly(length)
                writer.write(self.answer(lines[0].split()[1].rsplit("/", 1)[1]))
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    def answer(self, customer):
        now = time.time()
        self.arrived.append(now)
        headers, status = "", "200 OK"
        if self.has_window:
            minute = int(now // 60)
            used = self.used.get(minute, 0)
            if used >= PER_MINUTE:
                status = "429 Too Many Requests"
                self.refused.append(now)
                headers = f"Retry-After: {int((minute + 1) * 60 - now) + 1}\r\n"
            else:
                used = self.used[minute] = used + 1
            headers += (f"X-RateLimit-Limit: {PER_MINUTE}\r\nX-RateLimit-Remaining: {PER_MINUTE - used}\r\n"
                        f"X-RateLimit-Reset: {(minute + 1) * 60}\r\n")
        body = json.dumps({"success": "Customer updated", "data": {"id": int(customer)}})
        date = time.strftime("%a, %d %b %Y %H:%M:%S GMT", time.gmtime(now))
        return (f"HTTP/1.1 {status}\r\nDate: {date}\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{headers}\r\n"
                f"{body}").encode()


class Proxy:
    """Passes bytes on with a delay."""

    def __init__(self, port, delay):
        self.to, self.delay = port, delay
        self.port, = servers.free_ports(1)

    async def serve(self):
        await asyncio.start_server(self.connected, "127.0.0.1", self.port)

    async def connected(self, reader, writer):
        try:
            to_reader, to_writer = await asyncio.open_connection("127.0.0.1", self.to)
        except OSError:
            return writer.close()
        await asyncio.gather(self.copy(reader, to_writer), self.copy(to_reader, writer))

    async def copy(self, reader, writer):
        try:
            while data := await reader.read(65536):
                await asyncio.sleep(self.delay)
                writer.write(data)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()


def serve_all(parts):
    """Serves in a thread of its own, so that the script's own waits hold up no answer."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True).start()
    for part in parts:
        asyncio.run_coroutine_threadsafe(part.serve(), loop).result(servers.START_SECONDS_MAX)


def start_redis(bench, path, port, name):
    bench.start_server(name, [path, "--port", port, "--bind", "127.0.0.1", "--save", "", "--dir", bench.work], [port])
    return bench.processes[-1]


def open_store(port, key):
    """Puts a state in place that hands out slots at once."""
    with socket.create_connection(("127.0.0.1", port), timeout=5) as redis:
        words = [b"SET", key.encode(), OPEN]
        redis.sendall(b"*3\r\n" + b"".join(b"$%d\r\n%s\r\n" % (len(word), word) for word in words))
        assert redis.recv(64).startswith(b"+OK")


class Group:
    """Eight processes with one rate."""

    def __init__(self, bench, name, api, redis_port, rate):
        self.bench, self.name, self.api = bench, name, api
        self.options = ["--rate", rate, "--rate-redis", f"redis://127.0.0.1:{redis_port}", "--rate-key", name]
        self.runs = [self.start(number) for number in range(PROCESSES)]

    def start(self, number):
        name = f"{self.name}-{number}"
        command = [self.bench.binary, "run", self.bench.work / "rows.csv", "--base-url", f"http://127.0.0.1:{self.api.port}/api",
                   "--token-file", self.bench.token_file, "--run-dir", self.bench.work / f"{name}-run", "--progress", "off",
                   *self.options]
        return self.bench.start(command, name)

    def kill_and_start(self, number):
        servers.end_group(self.runs[number], signal.SIGKILL)
        self.runs[number].wait()
        self.runs[number] = self.start(number)

    def stop(self):
        for run in self.runs:
            servers.end_group(run, signal.SIGINT)


def used(api, since, until):
    """The part of the rate that was used between two times."""
    count = sum(since <= at < until for at in api.arrived)
    return round(count / (PER_SECOND * (until - since)), 4)


def most_in_a_second(api):
    times, first, most = sorted(api.arrived), 0, 0
    for index, at in enumerate(times):
        while at - times[first] >= 1:
            first += 1
        most = max(most, index + 1 - first)
    return most


def measure(bench, path, options):
    healthy = 60 if options.long else 12
    redis_port, other_port = servers.free_ports(2)
    redis = start_redis(bench, path, redis_port, "redis")
    start_redis(bench, path, other_port, "redis-other")
    bench.write_token("token-of-the-test")
    servers.write_rows(bench.work / "rows.csv", 20_000)
    apis = SimpleNamespace(given=Api(False), window=Api(True), slow=Api(False))
    proxy = Proxy(other_port, 0.05)
    serve_all([apis.given, apis.window, apis.slow, proxy])
    for port, key in [(redis_port, "given"), (other_port, "window"), (other_port, "slow")]:
        open_store(port, key)
    given = Group(bench, "given", apis.given, redis_port, f"{PER_MINUTE}/m")
    window = Group(bench, "window", apis.window, other_port, "auto")
    slow = Group(bench, "slow", apis.slow, proxy.port, f"{PER_MINUTE}/m")
    began = time.time()
    figures = {}

    def stretch(name, seconds, settle=4):
        time.sleep(settle)
        since = time.time()
        time.sleep(seconds)
        figures[name] = used(apis.given, since, time.time())

    stretch("healthy", healthy)
    given.kill_and_start(0)
    time.sleep(2)
    given.kill_and_start(1)
    stretch("after kills and restarts", healthy)
    redis.send_signal(signal.SIGSTOP)
    stretch("redis stopped", 15)
    redis.send_signal(signal.SIGCONT)
    stretch("redis goes on", healthy)
    servers.end_group(redis, signal.SIGKILL)
    redis.wait()
    start_redis(bench, path, redis_port, "redis-again")
    stretch("redis empty, at shares", 45)
    stretch("redis open again", healthy, settle=20)
    if time.time() - began < 190 and not options.long:
        time.sleep(max(0, 185 - (time.time() - began)))
    for group in (given, window, slow):
        group.stop()
    minutes = sorted(apis.window.used)[1:-1]
    figures["slow store"] = used(apis.slow, began + 10, began + 100)
    figures["window used"] = [round(apis.window.used[minute] / PER_MINUTE, 4) for minute in minutes]
    figures["window refused"] = round(len(apis.window.refused) / max(1, len(apis.window.arrived)), 5)
    figures["most in a second"] = {name: most_in_a_second(api) for name, api in vars(apis).items() if name != "window"}
    return figures


def missed(figures):
    shares = {"healthy": USED_MIN, "after kills and restarts": USED_MIN, "redis stopped": 0.9, "redis goes on": USED_MIN,
              "redis empty, at shares": 0.9, "redis open again": USED_MIN, "slow store": USED_MIN}
    for name, least in shares.items():
        if not least <= figures[name] <= 1.03:
            yield f"{name}: {figures[name]} of the rate used, not {least} to 1.03"
    if not figures["window used"] or min(figures["window used"]) < USED_MIN:
        yield f"window: {figures['window used']} used, not {USED_MIN}"
    if figures["window refused"] > REFUSED_MAX:
        yield f"window: {figures['window refused']} refused, not {REFUSED_MAX}"
    for name, most in figures["most in a second"].items():
        if most > PER_SECOND + MORE_IN_A_SECOND[name]:
            yield f"{name}: {most} requests in a second, not {PER_SECOND + MORE_IN_A_SECOND[name]:.0f}"


def main():
    parser = servers.arguments(__doc__)
    parser.add_argument("--long", action="store_true", help="ten minutes instead of three")
    options = servers.parse(parser)
    path = shutil.which("redis-server", path=servers.PATH)
    if path is None:
        sys.exit("redis-server is not installed: apt-get install redis-server")
    with servers.Bench(options.binary) as bench:
        figures = measure(bench, path, options)
        problems = list(missed(figures))
        said = [line for number in range(PROCESSES) for line in (bench.work / f"given-{number}.err").read_text().splitlines()
                if "rate store" in line][:6]
    print(json.dumps(figures, indent=2))
    print("\n".join(said))
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n")
    for problem in problems:
        print(f"MISSED: {problem}", file=sys.stderr)
    sys.exit(1 if problems else 0)


if __name__ == "__main__":
    main()
