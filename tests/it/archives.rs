//! Members of zip files are inputs like any other file.

use std::fs;
use std::io::Write as _;

use rustix::process::Signal;
use serde_json::json;
use zip::CompressionMethod;
use zip::write::SimpleFileOptions;

use crate::harness::{Archive, Scenario, SplitMix64, Stated};

/// Limits the program to 64 MiB for data and stacks; beyond that it dies.
const MEMORY_LIMIT: &str = "ulimit -d 65536; exec";

const NORTH: &[u8] = b"id,job\n1,Nurse\nx,Clerk\n";
const SOUTH: &[u8] = b"job;id\nPilot;2\nCook;1\n";

fn two() -> Archive {
    Archive::of(&[("south.csv", SOUTH), ("north.csv", NORTH)])
}

#[test]
fn members_are_read_in_the_order_of_their_names() {
    let archive = Archive::of(&[
        ("x/", b""),
        ("x/south.csv", SOUTH),
        ("north.csv", NORTH),
        ("__MACOSX/._north.csv", b"\0\x05\x16\x07"),
        ("readme.txt", b"rows"),
        ("x/.DS_Store", b"\0"),
    ]);
    let scenario = Scenario::new().file("export.zip", archive).sandbox(|_| {});
    let end = scenario
        .run(["--max-errors", "none"])
        .exits(1)
        .counts([3, 1, 0, 0, 0])
        .says("export.zip[x/]: skipped: a folder")
        .says("export.zip[__MACOSX/._north.csv]: skipped: added by macOS")
        .says("export.zip[readme.txt]: skipped: unknown file extension")
        .says("export.zip[x/.DS_Store]: skipped: hidden file")
        .prints("export.zip[x/south.csv] read as CSV with `;`\n")
        .prints("   1  id     export.zip[north.csv]:3  is not a whole number\n");
    assert_eq!(
        end.summary()["inputs"],
        json!(["export.zip[north.csv]", "export.zip[x/south.csv]"])
    );
    let places: Vec<_> = (1..=4)
        .map(|row| {
            let results = end.results();
            let line = results.row(row);
            (line["file"].clone(), line["line"].clone())
        })
        .collect();
    let place = |file: u64, line: u64| (json!(file), json!(line));
    assert_eq!(places, [place(1, 2), place(1, 3), place(2, 2), place(2, 3)]);
    // The last row of a customer wins, over the members.
    scenario.holds_updates(
        [(1, "Cook"), (2, "Pilot")]
            .into_iter()
            .map(|(id, job)| (id, json!({"job": job}).as_object().unwrap().clone())),
    );
}

#[test]
fn failed_rows_of_a_member_name_their_place_and_are_read_again() {
    let scenario = Scenario::new().file("export.zip", two()).sandbox(|_| {});
    let end = scenario.run(["--max-errors", "none"]).exits(1);
    let failed = String::from_utf8(end.file("failed-1.csv").to_vec()).unwrap();
    let place = "\nexport.zip[north.csv]:3,invalid,";
    assert!(failed.contains(place), "{failed}");
    // Still wrong, the row keeps its place in the archive.
    scenario.write("failed.csv", &failed);
    let again = ["check", "failed.csv", "--run-dir", "checked"];
    scenario.custsync(again).exits(1);
    let checked = fs::read_to_string(scenario.path("checked/failed.csv")).unwrap();
    assert!(checked.contains(place), "{checked}");
    scenario.write("failed.csv", failed.replace("x,Clerk", "7,Clerk"));
    let words = ["run", "failed.csv", "--run-dir", "again", "--base-url"];
    let url = scenario.url().unwrap();
    let words = words.into_iter().chain([url.as_str()]);
    scenario.start_words(words).end().exits(0);
    assert_eq!(scenario.counts().applied, 4);
}

fn many(rows: usize) -> Archive {
    let member = |from: usize| {
        let lines: Vec<_> = (from..from + rows / 2)
            .map(|id| format!("{id},Job {id}\n"))
            .collect();
        format!("id,job\n{}", lines.concat()).into_bytes()
    };
    let (first, second) = (member(1), member(1 + rows / 2));
    Archive::of(&[("a.csv", &first), ("b.csv", &second)])
}

#[test]
fn a_run_that_was_killed_in_a_member_goes_on_there() {
    const ROWS: usize = 2_000;
    let scenario = Scenario::new()
        .file("export.zip", many(ROWS))
        .unlimited()
        .flags(["--max-in-flight", "8"])
        .sandbox(|options| options.latency = "1ms..4ms".parse().unwrap());
    // Once in each of the members.
    for applied in [300, 1_500] {
        scenario
            .start([])
            .until("the moment to kill", |scenario| {
                scenario.counts().applied >= applied
            })
            .signal(Signal::KILL)
            .finish();
    }
    let end = scenario.run([]).exits(0).counts([ROWS as u64, 0, 0, 0, 0]);
    end.results().settle_each_of(ROWS);
    scenario.holds_updates((1..=ROWS as u64).map(|id| {
        let fields = json!({"job": format!("Job {id}")});
        (id, fields.as_object().unwrap().clone())
    }));
    // From the start, three processes would have sent 3,800 rows and more.
    assert!(
        scenario.counts().applied < 3_000,
        "what was recorded is not sent again"
    );
}

#[test]
fn a_run_is_continued_with_the_same_rows_and_no_others() {
    let scenario = Scenario::new()
        .file("export.zip", many(100))
        .sandbox(|_| {});
    scenario.run(["--max-rows", "20"]).exits(0);
    // Written anew, with another archive time around the same data.
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for id in 1..=50 {
        writeln!(a, "{id},Job {id}").unwrap();
        writeln!(b, "{},Job {}", id + 50, id + 50).unwrap();
    }
    let (a, b) = (
        [&b"id,job\n"[..], &a].concat(),
        [&b"id,job\n"[..], &b].concat(),
    );
    scenario.write(
        "export.zip",
        Archive::with(stored, &[("a.csv", &a), ("b.csv", &b)]),
    );
    scenario
        .run([])
        .exits(0)
        .counts([100, 0, 0, 0, 0])
        .says("the bytes of export.zip[a.csv] have changed, but not its settled rows");
    assert_eq!(scenario.counts().requests, 100);
    let other = String::from_utf8(a.clone())
        .unwrap()
        .replace("Job 7\n", "Job 8\n");
    scenario.write(
        "export.zip",
        Archive::of(&[("a.csv", other.as_bytes()), ("b.csv", &b)]),
    );
    scenario
        .run([])
        .exits(5)
        .says("it differs in row 7; nothing was sent");
    scenario.write("export.zip", Archive::of(&[("a.csv", &a)]));
    scenario
        .run([])
        .exits(5)
        .says("holds a run of 2 inputs, not of 1");
}

#[test]
fn an_archive_with_two_names_is_read_once() {
    let scenario = Scenario::new().input("in").input("in/link.zip");
    fs::create_dir(scenario.path("in")).unwrap();
    scenario.write("in/export.zip", two());
    std::os::unix::fs::symlink("export.zip", scenario.path("in/link.zip")).unwrap();
    let end = scenario
        .check([])
        .exits(1)
        .says("in/link.zip is the same file as in/export.zip: read once");
    assert_eq!(
        end.summary()["inputs"],
        json!(["in/export.zip[north.csv]", "in/export.zip[south.csv]"])
    );
    let end = scenario
        .custsync(["check", "in/*.zip", "--run-dir", "glob"])
        .exits(1);
    assert_eq!(end.summary()["inputs"].as_array().unwrap().len(), 2);
}

#[test]
fn unique_looks_over_all_members() {
    let scenario = Scenario::new().file("export.zip", two()).sandbox(|_| {});
    scenario
        .run(["--unique", "last", "--max-errors", "none"])
        .exits(1);
    assert_eq!(scenario.counts().applied, 2, "one row for each customer");
}

#[test]
fn a_file_of_settings_is_begun_for_the_first_member() {
    let scenario = Scenario::new().file("export.zip", two());
    scenario
        .custsync(["config", "init", "export.zip"])
        .exits(0)
        .says("export.zip[north.csv] stands for another input in its zip file")
        .prints("for the 2 columns of export.zip[north.csv]: 2 need no line")
        .prints("Then: custsync check export.zip\n");
    let settings = String::from_utf8(scenario.read("custsync.toml").unwrap()).unwrap();
    assert!(settings.starts_with("# Settings of custsync for export.zip[north.csv].\n"));
}

#[test]
fn the_run_directory_is_named_after_the_archive() {
    let scenario = Scenario::new().file("export.zip", two());
    scenario.custsync(["check", "export.zip"]).exits(1);
    let runs = fs::read_dir(scenario.path("custsync-runs")).unwrap();
    let names: Vec<_> = runs
        .map(|run| run.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(
        names.len() == 1 && names[0].ends_with("-export"),
        "{names:?}"
    );
}

#[test]
fn an_archive_from_a_pipe_is_named_with_the_way_out() {
    Scenario::new().stdin(two()).check([]).exits(2).says(
        "standard input: is a zip file, which can be read only from an uncompressed file, not from a pipe: write it to a file first, or pipe in what it holds (unzip -p FILE | custsync run -)",
    );
}

#[test]
fn an_archive_that_is_written_meanwhile_stops_the_run() {
    let scenario = Scenario::new()
        .file("export.zip", many(400_000))
        .unlimited()
        .sandbox(|_| {});
    scenario
        .start([])
        .until("a few rows", |scenario| scenario.counts().applied > 5)
        .until("the archive is another", |scenario| {
            let file = fs::OpenOptions::new()
                .append(true)
                .open(scenario.path("export.zip"));
            file.unwrap().write_all(b"x").unwrap();
            true
        })
        .end()
        .exits(2)
        .says("the file was changed while it was read, so nothing after this place is used");
}

/// A member of one GiB of line ends, packed to one MiB.
fn bomb() -> Vec<u8> {
    vec![b'\n'; 1 << 30]
}

#[test]
fn bombs_end_in_little_memory() {
    let bomb = bomb();
    let refuse = |archive: Archive, says: &str| {
        Scenario::new()
            .file("a.zip", archive)
            .through(MEMORY_LIMIT)
            .check([])
            .exits(2)
            .says(says);
    };
    let too_much = "the zip data unpacks to more than 250 times its size, as malicious files do: unpack it first";
    let one = Archive::of(&[("a.csv", &bomb)]);
    refuse(one.clone(), too_much);
    // The size that the archive states is no excuse.
    refuse(one.stating(Stated::SIZE, |_| 100), too_much);
    // As 42.zip is made.
    let inner = Archive::of(&[("a.csv", &bomb[..1 << 20])]);
    let members: Vec<_> = (0..16).map(|number| format!("lib {number}.zip")).collect();
    let members: Vec<_> = members
        .iter()
        .map(|name| (name.as_str(), inner.as_ref()))
        .collect();
    refuse(
        Archive::of(&members),
        "a.zip[lib 0.zip]: is a zip file within a zip file: unpack the outer one first",
    );
}

#[test]
fn thousands_of_members_take_little_memory() {
    let names: Vec<_> = (0..9_999)
        .map(|number| format!("{number:05}.csv"))
        .collect();
    let members: Vec<_> = names
        .iter()
        .map(|name| (name.as_str(), &b"id,job\n1,Nurse\n"[..]))
        .collect();
    Scenario::new()
        .file("a.zip", Archive::of(&members))
        .through(MEMORY_LIMIT)
        .check([])
        .exits(0)
        .prints("records  9,999 = 9,999 valid\n");
}

/// Archives with a few bytes changed, cut out or doubled, end in rows or in an error of the input.
#[test]
fn a_mutated_archive_ends_in_rows_or_an_error() {
    let stored = SimpleFileOptions::default().compression_method(CompressionMethod::Stored);
    let members: &[(&str, &[u8])] = &[("a.csv", NORTH), ("x/", b""), ("x/b.csv", SOUTH)];
    let archives = [
        Archive::of(members).0,
        Archive::with(stored.large_file(true), members).0,
        Archive::streamed(&[("a.csv", NORTH), ("b.csv", SOUTH)]).0,
    ];
    let scenario = Scenario::new().input("a.zip").through(MEMORY_LIMIT);
    let mut random = SplitMix64::new(42);
    let (mut refused, mut read) = (0, 0);
    for round in 0..150 {
        let mut archive = archives[round % archives.len()].clone();
        for _ in 0..=random.below(3) {
            let at = random.below(archive.len());
            match random.below(4) {
                0 => drop(archive.remove(at)),
                1 => archive.insert(at, random.below(256) as u8),
                2 => archive[at] = [0, 0xff][random.below(2)],
                _ => archive[at] ^= 1 << random.below(8),
            }
        }
        scenario.write("a.zip", &archive);
        let run_dir = format!("run-{round}");
        let end = scenario.custsync(["check", "a.zip", "--run-dir", &run_dir]);
        match end.code() {
            2 => {
                assert!(end.stderr.contains("error: a.zip"), "{}", end.stderr);
                refused += 1;
            }
            code => {
                assert!(code <= 1, "exit {code}: {}", end.stderr);
                read += 1;
            }
        }
    }
    assert!(refused > 50 && read > 5, "{refused} refused, {read} read");
}
