#!/usr/bin/env python3
"""Builds the container image as from a clean clone, and runs it: without root, read-only, and stopped during its work.

usage: tests/servers/image.py [--image NAME | --keep NAME] [--json FILE]

needs a Docker engine. If the engine lacks a base image, it also needs root, debootstrap (apt-get install debootstrap) and a
Debian mirror. deploy/docker/build.sh builds the image and the base images that are missing, and asks no image registry.

With --image, an image that the engine has is run, and none is built. With --keep, the image that was built stays under this name.

It covers the Dockerfile, .dockerignore, the labels, the SBOM, the entry point, the rights that the program needs, and its signals
as process 1. It does not cover what the published base images have beyond glibc, libgcc, libstdc++, certificate authorities and
their user.

Containers, the images made here and the temporary directory are removed at the end. Exits 1 if a check fails, and 0 with a line
"not run: …" if the image cannot be built here.
"""
import argparse, json, os, re, shutil, statistics, subprocess, sys, time, tomllib, zlib
from pathlib import Path

sys.dont_write_bytecode = True
import servers

DOCKERFILE = servers.ROOT / "Dockerfile"
BUILD = servers.ROOT / "deploy/docker/build.sh"
SBOM = "/usr/share/sbom/custsync.cdx.json"
# What every label says that is not a fixed text.
LABELS = {"version": r"\d+\.\d+\.\d+", "revision": r"[0-9a-f]{40}(-modified)?",
          "created": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", "licenses": "MIT OR Apache-2.0", "source": r"unknown|https://\S+"}
# The name distinguishes the images made here from all others of the engine.
TAG = f"custsync-test-{os.getpid()}"
# A user that no image knows, because an orchestrator may choose such a user. Only root can give files to another user.
USER = 12345 if os.geteuid() == 0 else os.geteuid()
BUILD_SECONDS_MAX = 2400
COMMAND_SECONDS_MAX = 120
# The time that `docker stop` waits before it kills, as in docs/operations.md. All stops here must take much less.
STOP_SECONDS = 30
STOPPED_SECONDS_MAX = 10
STARTS = 5
ROWS = 20_000
ROWS_BEFORE_STOP = 500
TERMINATED = 143


class Missed(Exception):
    """A check failed."""


def expect(is_met, words):
    if not is_met:
        raise Missed(words)


def call(*command, seconds=COMMAND_SECONDS_MAX, **options):
    """Runs a command, and returns its result with all of its output."""
    return subprocess.run([str(part) for part in command], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=seconds, **options)


def must(*command, **options):
    """Runs a command that has to succeed, and returns its output."""
    end = call(*command, **options)
    if end.returncode != 0:
        sys.exit(f"{' '.join(map(str, command))} ended with {end.returncode}:\n{end.stdout[-4000:]}")
    return end.stdout


def inspect(name, form):
    return must("docker", "inspect", "--format", form, name).strip()


def has_image(name):
    return call("docker", "image", "inspect", name).returncode == 0


def unavailable(bases):
    """The reason why the image cannot be built here, or None."""
    if shutil.which("docker") is None or call("docker", "info", "--format", "{{.ServerVersion}}").returncode != 0:
        return "no Docker engine"
    if all(has_image(base) for base in bases):
        return None
    if shutil.which("debootstrap", path=servers.PATH) is None:
        return f"no debootstrap, and the engine lacks one of {', '.join(bases)}"
    if os.geteuid() != 0:
        return f"debootstrap needs root, and the engine lacks one of {', '.join(bases)}"
    return None


def build(bases, made):
    """Builds the image, and prints the size of the base and the time of the build. Appends the names of the images to those to
    remove."""
    since = time.monotonic()
    end = subprocess.run([BUILD, "--tag", TAG], stdout=subprocess.PIPE, text=True, timeout=BUILD_SECONDS_MAX)
    made.extend(end.stdout.split())
    if end.returncode != 0:
        sys.exit(f"{BUILD} ended with {end.returncode}")
    print(f"built in {time.monotonic() - since:.0f} s, on a base of {int(inspect(bases[-1], '{{.Size}}')) / 1e6:.1f} MB")


def first_layers(names):
    """The lowest layer of each of these images, if the image exists."""
    end = subprocess.run(["docker", "image", "inspect", "--format", "{{.Id}} {{index .RootFS.Layers 0}}", *names],
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=COMMAND_SECONDS_MAX)
    return dict(line.split() for line in end.stdout.splitlines())


def remove_images(names):
    """Removes these images, and also images that a failed build has left on top of the base images."""
    bases = [name for name in names if not name.startswith(TAG)]
    # No other image contains the lowest layer of a base image that was made here.
    layers = set(first_layers(bases).values()) if bases else set()
    for name in reversed(names):
        call("docker", "image", "rm", "--force", name)
    # The newest is removed first, because an image that another one is built on cannot be removed.
    left = must("docker", "image", "ls", "--all", "--quiet", "--no-trunc", "--filter", "dangling=true").split()
    for image, layer in first_layers(left).items() if left else ():
        if layer in layers:
            call("docker", "image", "rm", image)


class Container:
    """A container of the image that is removed in the end. Its directory is mounted at /data, and nothing else is writable."""

    count = 0

    def __init__(self, work, image, stdin=subprocess.DEVNULL, network="none", options=()):
        Container.count += 1
        self.name = f"{TAG}-{Container.count}"
        self.image = image
        self.stdin = stdin
        self.network, self.options = network, options
        self.data = work / self.name
        self.data.mkdir()
        os.chown(self.data, USER, USER)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        call("docker", "rm", "--force", "--volumes", self.name)

    def start(self, *arguments):
        """Starts `docker run` and returns its process."""
        command = ["docker", "run", "--interactive", "--name", self.name, "--network", self.network, "--read-only",
                   "--user", f"{USER}:{USER}", "--volume", f"{self.data}:/data", *self.options, self.image, *map(str, arguments)]
        with open(self.log(), "wb") as log:
            self.process = subprocess.Popen(command, stdin=self.stdin, stdout=log, stderr=log)
        return self.process

    def log(self):
        return self.data.with_suffix(".log")

    def said(self):
        """The end of its output, to follow a message."""
        text = self.log().read_text(errors="replace").strip()[-2000:]
        return f":\n{text}" if text else ""

    def run(self, *arguments):
        """Runs it to its end, and checks that the exit code is 0."""
        code = self.start(*arguments).wait(COMMAND_SECONDS_MAX)
        expect(code == 0, f"{' '.join(map(str, arguments))} ended with {code}{self.said()}")

    def wait_until(self, is_there, words):
        deadline = time.monotonic() + servers.START_SECONDS_MAX
        while not is_there():
            expect(self.process.poll() is None, f"ended with {self.process.returncode}, and not yet: {words}{self.said()}")
            expect(time.monotonic() < deadline, f"not within {servers.START_SECONDS_MAX} s: {words}{self.said()}")
            time.sleep(0.02)

    def is_listening(self):
        """Whether process 1 is the program and handles SIGTERM. The kernel withholds unhandled signals from process 1."""
        state = call("docker", "inspect", "--format", "{{.State.Pid}}", self.name)
        status = Path("/proc", state.stdout.strip(), "status")
        if state.returncode != 0 or not status.exists():
            return False
        fields = dict(line.split(":\t", 1) for line in status.read_text().splitlines() if ":\t" in line)
        return fields["Name"] == "custsync" and int(fields["SigCgt"], 16) >> 14 & 1 == 1

    def stop(self):
        """Stops it as an orchestrator does. Returns the exit code and the seconds that the stop took."""
        since = time.monotonic()
        must("docker", "stop", "--time", STOP_SECONDS, self.name)
        seconds = time.monotonic() - since
        return int(inspect(self.name, "{{.State.ExitCode}}")), seconds

    def entries(self):
        """The results of rows in the run directory that are written so far."""
        return [entry for entry in self.lines("run/results.ndjson") if "row" in entry]

    def lines(self, name):
        path = self.data / name
        text = path.read_text(encoding="utf-8") if path.exists() else ""
        return [json.loads(line) for line in text[:text.rfind("\n") + 1].splitlines()]


def starts(work, image):
    """The image runs with only its entry point. Measures the time of the engine and the program for `-V`."""
    whole, inside = [], []
    for _ in range(STARTS):
        with Container(work, image) as container:
            since = time.monotonic()
            container.run("-V")
            whole.append(time.monotonic() - since)
            text = inspect(container.name, "{{.State.StartedAt}} {{.State.FinishedAt}}").split()
            # Nanoseconds of the same minute, or of two consecutive minutes.
            begun, ended = (float(at.rsplit(":", 1)[1].rstrip("Z")) for at in text)
            inside.append((ended - begun) % 60)
            version = container.log().read_text(errors="replace").strip()
    expect(re.fullmatch(r"custsync \d+\.\d+\.\d+", version), f"-V prints {version!r}")
    print(f"start: {version} in {statistics.median(inside) * 1000:.0f} ms, with all that the engine does in "
          f"{statistics.median(whole) * 1000:.0f} ms (medians of {STARTS})")
    return {"start_ms": statistics.median(inside) * 1000, "docker_run_ms": statistics.median(whole) * 1000}


def is_labelled(work, image):
    """The labels say what the image is, and a stop is a SIGTERM."""
    labels = json.loads(inspect(image, "{{json .Config.Labels}}"))
    for name, form in LABELS.items():
        value = labels.get(f"org.opencontainers.image.{name}", "")
        expect(re.fullmatch(form, value), f"the label {name} is {value!r}")
    signal = inspect(image, "{{.Config.StopSignal}}")
    expect(signal == "SIGTERM", f"it is stopped by {signal}")


def copied(work, image, path):
    """A file of the image. No container is started."""
    target = work / Path(path).name
    container = must("docker", "create", image).strip()
    try:
        must("docker", "cp", f"{container}:{path}", target)
    finally:
        call("docker", "rm", container)
    return target


def lists_what_it_is_made_of(work, image):
    """The SBOM and the list inside the program name the same crates as Cargo.lock, in the same versions."""
    sbom = json.loads(copied(work, image, SBOM).read_text(encoding="utf-8"))
    listed = {(part["name"], part["version"]) for part in sbom["components"]}
    lock = tomllib.loads((servers.ROOT / "Cargo.lock").read_text(encoding="utf-8"))
    locked = {(package["name"], package["version"]) for package in lock["package"]}
    expect(sbom["bomFormat"] == "CycloneDX" and {"tokio", "rustls"} <= {name for name, _ in listed}, "the SBOM lacks known crates")
    expect(listed <= locked, f"the SBOM names what Cargo.lock does not: {sorted(listed - locked)}")
    program, section = copied(work, image, "/usr/local/bin/custsync"), work / "dep-v0"
    must("objcopy", "--dump-section", f".dep-v0={section}", program)
    packages = json.loads(zlib.decompress(section.read_bytes()))["packages"]
    inside = {(package["name"], package["version"]) for package in packages if package.get("kind") != "build"}
    expect(("custsync", sbom["metadata"]["component"]["version"]) in inside, "the program does not name itself")
    missing = {part for part in inside - listed if part[0] != "custsync"}
    expect(not missing, f"the SBOM lacks what the program names: {sorted(missing)}")
    print(f"SBOM: {len(listed)} crates, {len(inside) - 1} of them in the program")


def checks(work, image):
    """A check writes only to its run directory."""
    with Container(work, image) as container:
        servers.write_rows(container.data / "rows.csv", 1_000)
        container.run("check", "rows.csv", "--run-dir", "run")
        summary = container.data / "run/summary.json"
        expect(summary.exists(), f"it wrote no summary{container.said()}")
        records = json.loads(summary.read_text(encoding="utf-8"))["records"]
        expect(records == 1_000, f"{records} of 1000 records are checked")


def sends(work, image):
    """A run against the sandbox records every row. Its files belong to the user that it was started as."""
    with Container(work, image) as container:
        servers.write_rows(container.data / "rows.csv", 100)
        container.run("run", "rows.csv", "--sandbox", "--run-dir", "run")
        updated = sum(entry["outcome"] == "updated" for entry in container.entries())
        expect(updated == 100, f"{updated} of 100 rows are updated")
        owner = (container.data / "run/results.ndjson").stat().st_uid
        expect(owner == USER, f"the results belong to user {owner}")


def run_is_stopped(work, image):
    """A run that is stopped records the requests in flight, and a second container continues it."""
    with Container(work, image) as container, Container(work, image) as second:
        servers.write_rows(container.data / "rows.csv", ROWS)
        arguments = ["run", "rows.csv", "--sandbox", "--sandbox-latency", "20ms", "--sandbox-window", "none",
                     "--sandbox-ledger", "ledger.ndjson", "--rate", "unlimited", "--run-dir", "run", "--progress", "off"]
        container.start(*arguments)
        container.wait_until(lambda: len(container.entries()) >= ROWS_BEFORE_STOP, f"{ROWS_BEFORE_STOP} rows are recorded")
        code, seconds = container.stop()
        expect(code == TERMINATED, f"exit code {code} after {seconds:.1f} s{container.said()}")
        expect(seconds <= STOPPED_SECONDS_MAX, f"took {seconds:.1f} s to stop")
        updated = {entry["id"] for entry in container.entries() if entry["outcome"] == "updated"}
        applied = {update["id"] for update in container.lines("ledger.ndjson")}
        expect(updated == applied, f"{len(applied - updated)} rows applied but not recorded, {len(updated - applied)} the reverse")
        expect(len(updated) < ROWS, "it had sent all rows before it was stopped")
        second.data = container.data
        second.run(*arguments)
        applied = [update["id"] for update in container.lines("ledger.ndjson")]
        expect(sorted(applied) == list(range(1, ROWS + 1)), f"{len(applied)} updates for {ROWS} rows after the second start")
    print(f"run: stopped in {seconds:.1f} s with {len(updated)} rows, all recorded; the second start sent the other "
          f"{ROWS - len(updated)}")


def check_is_stopped(work, image):
    """A check of standard input that stays open ends when it is stopped, although no more input comes."""
    with Container(work, image, stdin=subprocess.PIPE) as container:
        container.start("check", "-", "--run-dir", "run").stdin.write(b"id,first_name\n1,Anna\n")
        container.process.stdin.flush()
        try:
            container.wait_until(container.is_listening, "process 1 takes SIGTERM")
            words = ""
        except Missed as missed:
            words = f" ({missed})"
        code, seconds = container.stop()
        container.process.stdin.close()
        expect(code == TERMINATED, f"exit code {code} after {seconds:.1f} s{words}{container.said()}")
        expect(seconds <= STOPPED_SECONDS_MAX, f"took {seconds:.1f} s to stop{words}")
    print(f"check: stopped in {seconds:.1f} s while standard input was open")


def measure(work, image):
    """Runs all cases. Returns the figures and the failed checks."""
    size = int(inspect(image, "{{.Size}}"))
    print(f"image: {size / 1e6:.1f} MB")
    figures, missed = {"image_bytes": size}, []
    for case in (starts, is_labelled, lists_what_it_is_made_of, checks, sends, run_is_stopped, check_is_stopped):
        try:
            figures.update(case(work, image) or {})
            print(f"{case.__name__}: as it must be")
        except Missed as words:
            missed.append(f"{case.__name__}: {words}")
    return figures, missed


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--image", metavar="NAME", help="run this image, and build none")
    parser.add_argument("--keep", metavar="NAME", help="keep the image that is built under this name")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures here too")
    options = parser.parse_args()
    text = DOCKERFILE.read_text(encoding="utf-8")
    bases = re.findall(r"^ARG (?:BUILDER|RUNTIME)=(\S+)", text, re.MULTILINE) if options.image is None else []
    reason = unavailable(bases)
    if reason:
        print(f"not run: {reason}")
        return
    made = []
    # The measured binary is the one in the image.
    with servers.Bench(None) as bench:
        try:
            if options.image is None:
                build(bases, made)
                if options.keep is not None:
                    must("docker", "tag", TAG, options.keep)
            figures, missed = measure(bench.work, options.image or TAG)
        finally:
            remove_images(made)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=2) + "\n", encoding="utf-8")
    if missed:
        sys.exit("\nNot as it must be:\n" + "\n".join(missed))


if __name__ == "__main__":
    main()
