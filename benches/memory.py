#!/usr/bin/env python3
"""Measures the peak resident memory of custsync for inputs of every shape, and prints the figures of the table in docs/speed.md.

usage: benches/memory.py [--rows N] [--files N] [--long N] [--binary PATH] [PATTERN...]

needs a release build (cargo build --release --bin custsync). Rows are generated in a temporary directory, which is removed; the
longest case (--long, 10,000,000 rows, twice) takes some GB there. A PATTERN is a part of a case's name.

The system counts memory from before custsync replaces Python in the process, so no figure is below about 10 MiB.
"""
import argparse, gzip, os, re, resource, subprocess, sys, tempfile, time, zipfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
TARGET = Path(os.environ.get("CARGO_TARGET_DIR", HERE.parent / "target")) / "release"
# The sandbox is a process of its own, because it keeps every updated customer in memory.
PORT = int(os.environ.get("BENCH_PORT", "18091"))
CHECK = ["check", "--max-errors", "none"]
RUN = ["run", "--base-url", f"http://127.0.0.1:{PORT}/api", "--rate", "unlimited", "--max-in-flight", "64",
       "--max-errors", "none"]
MEMORY_MAX_MIB = 64
HEADER = (b"id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,identity_number,job,address,"
          b"default_channel_id,user_id")

parser = argparse.ArgumentParser()
parser.add_argument("--rows", type=int, default=1_000_000)
parser.add_argument("--files", type=int, default=2_000)
parser.add_argument("--long", type=int, default=10_000_000)
parser.add_argument("--binary", default=str(TARGET / "custsync"))
parser.add_argument("patterns", nargs="*")
options = parser.parse_args()


def repeated(path, header, row, count):
    """Writes a file of equal rows in parts, because Python's memory counts for the program that it starts."""
    together = max(1, 1_000_000 // len(row))
    with open(path, "wb") as file:
        file.write(header)
        for _ in range(count // together):
            file.write(row * together)
        file.write(row * (count % together))
    return [path]


def numbered(path, header, row, count, first=1):
    """Writes a file of numbered rows."""
    with open(path, "w") as file:
        file.write(header)
        for number in range(first, first + count):
            file.write(row.format(n=number))
    return [path]


def many(folder, count):
    """Writes a folder of files of 400 KB, with two headers in turn."""
    folder.mkdir()
    for number in range(count):
        header = b"id,job\n" if number % 2 else b"id,address\n"
        (folder / f"{number:05}.csv").write_bytes(header + (b"1,%s\n" % (b"a" * 197)) * 2_000)
    return [folder]


def compressed(path, header, row, count):
    """Writes a gzip file of equal rows, in parts too."""
    with gzip.open(path, "wb") as file:
        file.write(header)
        for _ in range(count // 10_000):
            file.write(row * 10_000)
    return [path]


def array(path, rows):
    """Writes a JSON array of short objects on one line."""
    numbered(path, '[{"id":1,"job":"x"}', ',{{"id":{n},"job":"x"}}', rows - 1, first=2)
    with open(path, "ab") as file:
        file.write(b"]")
    return [path]


def workbook(path, rows):
    """Writes a workbook of one-cell rows."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
            '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
            '<Default Extension="xml" ContentType="application/xml"/>'
            '<Override PartName="/xl/workbook.xml" ContentType="application/vnd.openxmlformats-officedocument.spreadsheetml.sheet.main+xml"/>'
            '</Types>',
        "_rels/.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/officeDocument" Target="xl/workbook.xml"/>'
            '</Relationships>',
        "xl/workbook.xml": '<workbook xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main" '
            'xmlns:r="http://schemas.openxmlformats.org/officeDocument/2006/relationships">'
            '<sheets><sheet name="a" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": '<Relationships xmlns="http://schemas.openxmlformats.org/package/2006/relationships">'
            '<Relationship Id="r1" Type="http://schemas.openxmlformats.org/officeDocument/2006/relationships/worksheet" Target="worksheets/sheet1.xml"/>'
            '</Relationships>',
    }
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as book:
        for name, text in parts.items():
            book.writestr(name, text)
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(b'<worksheet xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><sheetData>'
                        b'<row r="1"><c r="A1" t="inlineStr"><is><t>id</t></is></c>'
                        b'<c r="B1" t="inlineStr"><is><t>job</t></is></c></row>')
            for row in range(2, rows + 2):
                sheet.write(b'<row r="%d"><c r="A%d"><v>%d</v></c></row>' % (row, row, row))
            sheet.write(b"</sheetData></worksheet>")
    return [path]


def measure(name, arguments, inputs, run_dir, token, limit=None, codes=(0, 1), mib_max=MEMORY_MAX_MIB):
    """Runs custsync, and prints a line of the table."""
    command = [options.binary, arguments[0], *map(str, inputs), "--run-dir", str(run_dir), *arguments[1:], "--quiet"]
    prepare = None
    if limit:
        prepare = lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    with open(run_dir.with_suffix(".err"), "wb") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors, preexec_fn=prepare,
                                   env={"CUSTSYNC_TOKEN": token, "PATH": os.environ["PATH"]})
        _, status, usage = os.wait4(process.pid, 0)
    process.returncode = code = os.waitstatus_to_exitcode(status)
    mib = usage.ru_maxrss / 1024
    flag = "" if mib <= mib_max else " **over**"
    print(f"| {name} | {mib:.0f} MiB{flag} |", flush=True)
    if code not in codes:
        print(f"exit code {code}: " + run_dir.with_suffix(".err").read_text()[-500:], file=sys.stderr)
        return False
    return mib <= mib_max


def cases(work):
    rows, few = options.rows, min(options.rows, 200_000)
    of = lambda count: f"{count:,}"
    shapes = [
        ("short invalid rows `x`", lambda: repeated(work / "a.csv", b"id,email\n", b"x\n", rows)),
        ("short valid rows `N,x`", lambda: numbered(work / "a.csv", "id,job\n", "{n},x\n", rows)),
        ("rows `,`", lambda: repeated(work / "a.csv", b"id,job\n1,x\n", b",\n", rows)),
        ("rows of 12 delimiters", lambda: repeated(work / "a.csv", HEADER + b"\n1" + b"," * 12 + b"\n",
                                                 b"," * 12 + b"\n", rows)),
        ("rows in Latin-1", lambda: repeated(work / "a.csv", b"id,first_name\n", b"1,Zo\xeb\n", rows)),
        ("blank lines", lambda: repeated(work / "a.csv", b"id,job\n1,x\n", b"\n", 10 * rows)),
        ("NDJSON, short invalid rows `0`", lambda: repeated(work / "a.ndjson", b"", b"0\n", rows)),
        ("NDJSON, short valid rows", lambda: numbered(work / "a.ndjson", "", '{{"id":{n},"job":"x"}}\n', rows)),
        ("NDJSON, rows of unknown keys",
         lambda: repeated(work / "a.ndjson", b"", b'{"a":1,"b":1,"c":1,"d":1,"e":1,"f":1,"g":1,"h":1}\n', rows // 4)),
        ("a JSON array on one line", lambda: array(work / "a.json", rows)),
        ("rows of 100 KB", lambda: repeated(work / "a.csv", b"id,job\n", b"1,%s\n" % (b"a" * 100_000), rows // 2_000)),
        ("a workbook of rows of one cell", lambda: workbook(work / "a.xlsx", few)),
        ("gzip, 250 times smaller", lambda: compressed(work / "a.csv.gz", b"id,job\n", b"1,x\n", 20_000_000)),
        ("one customer in all rows", lambda: repeated(work / "a.csv", b"id,job\n", b"1,x\n", few // 4)),
    ]
    for name, make in shapes:
        for verb, arguments in (("check", CHECK), ("run", RUN)):
            # A check reads the rows of one customer like any others, so only a run is measured. A run would send the rows of a
            # decompression bomb until it stops, so only a check is.
            if (verb == "check" and name.startswith("one customer")) or (verb == "run" and name.startswith("gzip")):
                continue
            # A decompression bomb ends with exit 2, as it should.
            codes = (2,) if name.startswith("gzip") else (0, 1)
            yield f"{verb}: {name}", make, arguments, {"codes": codes}
    few_descriptors = {"limit": 256}
    make = lambda: many(work / "many", options.files)
    yield f"check: {of(options.files)} files of 400 KB, `ulimit -n 256`", make, CHECK, few_descriptors
    yield f"run: {of(options.files)} files, `--max-rows 3`", make, [*RUN, "--max-rows", "3"], few_descriptors
    scattered = lambda: numbered_scattered(work / "a.csv", 5 * rows)
    yield f"check: {of(5 * rows)} scattered ids of 31 bits", scattered, CHECK, {}
    yield f"check `--unique reject`: the same", scattered, [*CHECK, "--unique", "reject"], {}
    yield f"check `--unique last`: the same", scattered, [*CHECK, "--unique", "last"], {}
    rejected = lambda: numbered(work / "long.csv", "id,job\n", "{n},x\n", options.long, first=2_000_000_000)
    yield f"run: {of(options.long)} rows, all rejected", rejected, RUN, {"keep": True}
    # Twice 16 MiB more may be used to remember the customers of bad rows.
    yield "run: the same again, `--retry rejected`", None, [*RUN, "--retry", "rejected"], {"mib_max": MEMORY_MAX_MIB + 32}


def sandbox(work):
    """Starts the sandbox, and returns it with its token."""
    said = work / "sandbox.txt"
    command = [options.binary, "sandbox", "--listen", f"127.0.0.1:{PORT}", "--latency", "0s", "--window", "none"]
    with open(said, "wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output)
    for _ in range(400):
        time.sleep(0.05)
        token = re.search(r"CUSTSYNC_TOKEN=(\S+)", said.read_text())
        if token:
            return process, token[1]
    process.kill()
    sys.exit(f"the sandbox does not start: {said.read_text()}")


def numbered_scattered(path, count):
    state = 1
    with open(path, "w") as file:
        file.write("id,job\n")
        for _ in range(count):
            state = (state * 6364136223846793005 + 1442695040888963407) % 2**64
            file.write(f"{(state >> 33) + 1},x\n")
    return [path]


def main():
    is_good = True
    with tempfile.TemporaryDirectory(prefix="custsync-memory-") as folder:
        work = Path(folder)
        server, token = sandbox(work)
        inputs, last_make, run_dir, number = None, None, None, 0
        print("| what | memory |\n|---|---:|")
        for name, make, arguments, extra in cases(work):
            keep = extra.pop("keep", False)
            if options.patterns and not any(pattern in name for pattern in options.patterns):
                continue
            if make is not None:
                number += 1
                run_dir = work / f"run-{number}"
                if make is not last_make:
                    subprocess.run(["rm", "-rf", *map(str, inputs or [])], check=True)
                    inputs, last_make = make(), make
            is_good &= measure(name, arguments, inputs, run_dir, token, **extra)
            if not keep:
                subprocess.run(["rm", "-rf", str(run_dir)], check=True)
        server.terminate()
        server.wait()
    sys.exit(0 if is_good else 1)


main()
