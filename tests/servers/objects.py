#!/usr/bin/env python3
"""Reads inputs from an S3 server that custsync's own tests do not know, and publishes to it, over connections that break.

usage: tests/servers/objects.py [--binary PATH]

needs a release build (cargo build --release --bin custsync) and python3-venv (apt-get install python3-venv). The server is moto, an
S3 in Python, which is installed from PyPI into a virtual environment, which is kept beside other caches. If it cannot be installed,
the script prints one line "not run: …", and exits 0.

The server checks each signature and the rights of each key. Between it and custsync stands a proxy that breaks connections in the
middle of an answer, as a script says. All listen on free ports of 127.0.0.1, and no process is left running.

Exits 1 if a row is missing or sent twice, a copy differs, a message is not the one for its cause, or memory is over its bound.
"""
import argparse, json, os, random, socket, subprocess, sys, tempfile, threading, time
from pathlib import Path

sys.dont_write_bytecode = True
import servers

SERVER = "moto[server,s3,iam]==5.2.5"
ROWS = 40_000
LARGE_BYTES = 300 << 20
SMALL_OBJECTS = 1_005
MEMORY_KIB_MAX = 64 << 10
SECONDS_MAX = 100
REGION = "eu-central-1"
POLICY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": "s3:*", "Resource": "*"}],
}
READ_ONLY = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Action": ["s3:GetObject", "s3:ListBucket"], "Resource": "*"}],
}


class Proxy:
    """Passes connections on, and breaks answers after as many bytes as `breaks` says; None passes one on whole."""

    def __init__(self, port):
        self.port, self.breaks, self.broken, self.passed, self.before_break = port, iter(()), 0, 0, None
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=64)
        self.url = f"http://127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def script(self, breaks, before_break=None):
        self.breaks, self.broken, self.before_break = iter(breaks), 0, before_break

    def accept(self):
        while True:
            client, _ = self.listener.accept()
            threading.Thread(target=self.serve, args=(client,), daemon=True).start()

    def serve(self, client):
        with client, socket.create_connection(("127.0.0.1", self.port)) as server:
            threading.Thread(target=self.requests, args=(client, server), daemon=True).start()
            left = next(self.breaks, None)
            while chunk := server.recv(1 << 16):
                if left is not None and len(chunk) > left:
                    client.sendall(chunk[:left])
                    self.broken += 1
                    if self.before_break:
                        self.before_break()
                        self.before_break = None
                    break
                left = None if left is None else left - len(chunk)
                self.passed += len(chunk)
                try:
                    client.sendall(chunk)
                except OSError:
                    break
            for end in (client, server):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    @staticmethod
    def requests(client, server):
        try:
            while chunk := client.recv(1 << 16):
                server.sendall(chunk)
            server.shutdown(socket.SHUT_WR)
        except OSError:
            pass


class Storage:
    """The server, an administrator's client, and two keys: one may do all, the other only read."""

    def __init__(self, work):
        import boto3

        (self.port,) = servers.free_ports(1)
        self.log = open(work / "moto.log", "wb")
        command = [Path(sys.prefix) / "bin" / "moto_server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(command, cwd=work, stdout=self.log, stderr=self.log)
        self.endpoint = f"http://127.0.0.1:{self.port}"
        self.wait()
        iam = self.client(boto3, "iam", "admin", "admin")
        self.keys = {}
        for name, policy in (("all", POLICY), ("reader", READ_ONLY)):
            iam.create_user(UserName=name)
            iam.put_user_policy(UserName=name, PolicyName=name, PolicyDocument=json.dumps(policy))
            key = iam.create_access_key(UserName=name)["AccessKey"]
            self.keys[name] = (key["AccessKeyId"], key["SecretAccessKey"])
        # From now on each request needs a right signature and the right to do what it does.
        self.post("/moto-api/reset-auth", b"0")
        self.s3 = self.client(boto3, "s3", *self.keys["all"])
        place = {"LocationConstraint": REGION}
        for bucket in ("exports", "reports"):
            self.s3.create_bucket(Bucket=bucket, CreateBucketConfiguration=place)

    def client(self, boto3, service, key, secret):
        return boto3.client(service, endpoint_url=self.endpoint, region_name=REGION, aws_access_key_id=key,
                            aws_secret_access_key=secret)

    def wait(self):
        end = time.monotonic() + 30
        while time.monotonic() < end:
            try:
                socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
                return
            except OSError:
                time.sleep(0.05)
        sys.exit("moto does not listen")

    def post(self, path, body):
        import http.client

        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        connection.request("POST", path, body)
        answer = connection.getresponse()
        if answer.status != 200:
            sys.exit(f"{path}: {answer.status} {answer.read()}")

    def object(self, bucket, key):
        return self.s3.get_object(Bucket=bucket, Key=key)["Body"].read()

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()


def custsync(binary, work, proxy, keys, *words, secret=None):
    """Runs custsync to its end: its code, what it says and prints, and its peak of memory in KiB."""
    environment = {
        "PATH": os.environ["PATH"], "AWS_ENDPOINT_URL": proxy.url, "AWS_REGION": REGION,
        "AWS_ACCESS_KEY_ID": keys[0], "AWS_SECRET_ACCESS_KEY": secret or keys[1],
    }
    with tempfile.TemporaryFile() as stdout, tempfile.TemporaryFile() as stderr:
        process = subprocess.Popen([binary, *words], cwd=work, env=environment, stdout=stdout, stderr=stderr)
        timer = threading.Timer(SECONDS_MAX, process.kill)
        timer.start()
        peak = 0
        try:
            # The usage that a wait tells includes the memory of this script, as whose copy the process began.
            while process.poll() is None:
                peak = max(peak, peak_kib(process.pid))
                time.sleep(0.02)
        finally:
            timer.cancel()
        stdout.seek(0)
        stderr.seek(0)
        said, printed = stderr.read().decode(), stdout.read().decode()
    if environment["AWS_SECRET_ACCESS_KEY"] in said + printed:
        sys.exit(f"the secret is shown: {said}")
    return process.returncode, said, printed, peak


def peak_kib(pid):
    """The peak of a running custsync's memory in KiB; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0
    status = dict(line.split(":", 1) for line in lines if ":" in line)
    is_own = status.get("Name", "").strip() == "custsync"
    return int(status["VmHWM"].split()[0]) if is_own and "VmHWM" in status else 0


def expect(what, is_so, end):
    if not is_so:
        sys.exit(f"{what}: exit code {end[0]}\n{end[1]}\n{end[2]}")


def rows(count):
    return b"id,job\n" + b"".join(b"%d,job %d\n" % (id, id) for id in range(1, count + 1))


def read_and_publish(storage, proxy, call, work):
    """A run over broken connections, whose files are published."""
    storage.s3.put_object(Bucket="exports", Key="daily/customers.csv", Body=rows(ROWS))
    draw = random.Random(7)
    # Answers about the input break; those to the copies, which are short, do not come so far.
    proxy.script([draw.randrange(100_000, 400_000) for _ in range(12)])
    run = ["run", "s3://exports/daily/customers.csv", "--sandbox", "--sandbox-latency", "0ms", "--sandbox-window", "none", "--rate", "unlimited", "--left-out", "trust",
           "--max-in-flight", "64", "--run-dir", "november", "--publish", "s3://reports/custsync", "--publish-every", "1s"]
    end = call("all", *run)
    expect("a run over broken connections", end[0] == 0, end)
    summary = json.loads((work / "november" / "summary.json").read_text())
    expect("every row once", summary["updated"] == summary["records"] == ROWS, end)
    expect("the connections broke", proxy.broken >= 3, end)
    for name in ("results.ndjson", "summary.json", "report.html"):
        same = storage.object("reports", f"custsync/november/{name}") == (work / "november" / name).read_bytes()
        expect(f"the copy of {name}", same, end)
    listed = storage.s3.list_objects_v2(Bucket="reports")["Contents"]
    expect("three copies", len(listed) == 3, end)
    open_uploads = storage.s3.list_multipart_uploads(Bucket="reports").get("Uploads", [])
    expect("no upload is left open", not open_uploads, end)
    size = (work / "november" / "results.ndjson").stat().st_size
    print(f"run: {ROWS} rows over {proxy.broken} broken connections, {size >> 20} MiB of results published in parts")


def replace(storage, proxy, call, work):
    """An object that is replaced when its connection breaks."""
    other = rows(ROWS - 1)
    proxy.script([None, 300_000], lambda: storage.s3.put_object(Bucket="exports", Key="daily/customers.csv", Body=other))
    end = call("all", "check", "s3://exports/daily/customers.csv")
    expect("a replaced object", end[0] == 5 and "was replaced while it was read" in end[1], end)
    print("replaced: noticed at the byte where it broke")


def refuse(storage, proxy, call, work):
    """What the server refuses has its own words."""
    proxy.script(())
    def case(want, code, keys, *words, secret=None):
        end = call(keys, *words, secret=secret)
        expect(want, end[0] == code and want in end[1], end)
    address = "s3://exports/daily/customers.csv"
    case("the server does not accept the credentials", 2, "all", "check", address, secret="wrong")
    case("there is no such object: is the address right? (404 NoSuchKey)", 2, "all", "check", "s3://exports/none.csv")
    case("there is no such bucket or container: is the address right? (404 NoSuchBucket)", 2, "all", "check", "s3://nowhere/a.csv")
    local = work / "local.csv"
    local.write_bytes(rows(3))
    case("do the credentials have s3:PutObject here? (403 AccessDenied)", 0, "reader", "run", local, "--sandbox", "--left-out", "trust",
         "--run-dir", "refused", "--publish", "s3://reports/custsync")
    print("refusals: 4 with their own words")


def large(storage, proxy, call, work):
    """A large object in flat memory."""
    piece = rows(1_000_000)
    file = work / "large.csv"
    with open(file, "wb") as out:
        out.write(piece)
        body = piece[len(b"id,job\n"):]
        while out.tell() < LARGE_BYTES:
            out.write(body)
        size = out.tell()
    storage.s3.upload_file(str(file), "exports", "large.csv")
    file.unlink()
    proxy.script([None, 50 << 20, 100 << 20, 100 << 20])
    began = time.monotonic()
    end = call("all", "check", "s3://exports/large.csv")
    took = time.monotonic() - began
    expect("a large object", end[0] == 0 and proxy.broken == 3, end)
    print(f"large: {size >> 20} MiB checked over {proxy.broken} broken connections in {took:.1f} s, {end[3]} KiB at most")
    expect("memory of a large object", end[3] <= MEMORY_KIB_MAX, end)


def folder(storage, proxy, call, work):
    """A folder of more objects than one answer lists."""
    for number in range(SMALL_OBJECTS):
        storage.s3.put_object(Bucket="exports", Key=f"small/{number:05}.csv", Body=b"id,job\n%d,Cook\n" % (number + 1))
    storage.s3.put_object(Bucket="exports", Key="small/readme.txt", Body=b"no rows")
    proxy.script(())
    began = time.monotonic()
    end = call("all", "check", "s3://exports/small/", "--output-format", "json")
    took = time.monotonic() - began
    expect("a folder", end[0] == 0 and json.loads(end[2])["valid"] == SMALL_OBJECTS, end)
    expect("what is skipped is named", "small/readme.txt: skipped: unknown file extension" in end[1], end)
    print(f"folder: {SMALL_OBJECTS} objects checked in {took:.1f} s, {end[3]} KiB at most")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--binary", type=Path, default=servers.BINARY, help="the custsync that runs; default: the release build")
    options = servers.parse(parser)
    binary = options.binary.resolve()
    servers.run_with_packages(SERVER)
    with tempfile.TemporaryDirectory(prefix="custsync-objects-") as work:
        work = Path(work)
        storage = Storage(work)
        try:
            proxy = Proxy(storage.port)
            def call(keys, *words, secret=None):
                return custsync(binary, work, proxy, storage.keys[keys], *words, secret=secret)
            for case in (read_and_publish, replace, refuse, large, folder):
                case(storage, proxy, call, work)
        finally:
            storage.stop()


if __name__ == "__main__":
    main()
