//! Folders and patterns expand to their files, in a stable order.

use std::fs;

use rustix::fs::{CWD, FileType, Mode, mknodat};
use serde_json::json;

use crate::harness::xls::{Xls, label, number};
use crate::harness::{End, Scenario};

fn inputs(end: &End) -> serde_json::Value {
    end.summary()["inputs"].clone()
}

#[test]
fn a_folder_stands_for_its_files_by_name() {
    let scenario = Scenario::new().input("in").sandbox(|_| {});
    fs::create_dir_all(scenario.path("in/deeper")).unwrap();
    for (name, id) in [
        ("b.csv", 2),
        ("a.ndjson", 1),
        ("c.CSV", 3),
        (".hidden.csv", 9),
    ] {
        let text = if name == "a.ndjson" {
            format!("{{\"id\":{id},\"job\":\"x\"}}\n")
        } else {
            format!("id,job\n{id},x\n")
        };
        scenario.write(&format!("in/{name}"), text);
    }
    let header = [label(0, 0, "id"), label(0, 1, "job")].concat();
    let row = [number(1, 0, 4.0), label(1, 1, "x")].concat();
    let book = Xls::new().sheet("S", [header, row].concat());
    scenario.write("in/d.xls", book.bytes());
    scenario.write("in/notes.txt", "not an input");
    scenario.write("in/~$open.xlsx", "\u{5}Tilda");
    scenario.write("in/deeper/d.csv", "id,job\n4,x\n");
    let end = scenario
        .run(["--max-in-flight", "1"])
        .exits(0)
        .counts([4, 0, 0, 0, 0]);
    let end = end
        .says("in/notes.txt: skipped: unknown file extension")
        .says("in/.hidden.csv: skipped: hidden file")
        .says("in/~$open.xlsx: skipped: not a workbook, but the lock file of one that is open in Excel")
        .says("in/deeper: skipped: a folder inside a folder (name it, or give the pattern `**/*.csv`)");
    assert_eq!(
        inputs(&end),
        json!(["in/a.ndjson", "in/b.csv", "in/c.CSV", "in/d.xls"])
    );
    let rows: Vec<_> = (1..=4)
        .map(|row| {
            (
                end.results().row(row)["file"].clone(),
                end.results().row(row)["id"].clone(),
            )
        })
        .collect();
    assert_eq!(
        rows,
        [
            (json!(1), json!(1)),
            (json!(2), json!(2)),
            (json!(3), json!(3)),
            (json!(4), json!(4))
        ]
    );
    scenario.run([]).exits(0).prints("Nothing left to send: ");
    scenario.write("in/0.csv", "id,job\n7,x\n");
    scenario
        .run([])
        .exits(5)
        .says("holds a run of 4 inputs, not of 5");
}

#[test]
fn a_pattern_stands_for_the_files_that_match() {
    let scenario = Scenario::new();
    for name in ["x-2.csv", "x-10.csv", "y.csv", "[1].csv"] {
        scenario.write(name, "id,job\n1,x\n");
    }
    let check = |pattern: &str, want: &[&str]| {
        let end = scenario
            .custsync(["check", pattern, "--run-dir", "run"])
            .exits(0);
        assert_eq!(inputs(&end), json!(want), "{pattern}");
    };
    check("x-*.csv", &["x-10.csv", "x-2.csv"]);
    check("?.csv", &["y.csv"]);
    // A file of exactly that name is not a pattern.
    check("[1].csv", &["[1].csv"]);
    let refuse = |arguments: [&str; 2], says: &str| {
        scenario
            .custsync(["check", arguments[0], arguments[1], "--run-dir", "other"])
            .exits(2)
            .says(says);
    };
    refuse(["y.csv", "z*.csv"], "z*.csv: no file matches");
    let end = scenario
        .custsync(["check", "y.csv", "?.csv", "--run-dir", "run"])
        .exits(0);
    assert_eq!(
        inputs(&end.says("y.csv is given twice: read once")),
        json!(["y.csv"])
    );
}

#[test]
fn a_pattern_takes_no_hidden_files_unless_it_asks_for_them() {
    let scenario = Scenario::new();
    for name in ["a.csv", ".b.csv", "._a.csv", "~$a.csv"] {
        scenario.write(name, "id,job\n1,x\n");
    }
    let check = |named: &str, want: &[&str]| {
        let end = scenario
            .custsync(["check", named, "--run-dir", "run"])
            .exits(0);
        assert_eq!(inputs(&end), json!(want), "{named}");
        end
    };
    let end = check("*.csv", &["a.csv"]).says(".b.csv: skipped: hidden file");
    end.says("._a.csv: skipped: hidden file")
        .says("~$a.csv: skipped: not a workbook");
    check(".b*.csv", &[".b.csv"]);
    // A file that is named explicitly is read, whatever its name.
    check("~$a.csv", &["~$a.csv"]);
    check("._a.csv", &["._a.csv"]);
}

#[test]
fn a_folder_stands_for_its_compressed_files_too() {
    let scenario = Scenario::new().input("in");
    fs::create_dir_all(scenario.path("in")).unwrap();
    for name in ["a.csv.gz", "b.csv.zst", "c.ndjson.xz", "d.tsv.bz2"] {
        scenario.write(
            &format!("in/{name}"),
            if name.starts_with('c') {
                "{\"id\":1}"
            } else {
                "id\tjob\n1\tx\n"
            },
        );
    }
    let end = scenario.check([]);
    assert_eq!(
        inputs(&end),
        json!([
            "in/a.csv.gz",
            "in/b.csv.zst",
            "in/c.ndjson.xz",
            "in/d.tsv.bz2"
        ])
    );
}

#[test]
fn folders_and_patterns_skip_files_that_are_not_regular() {
    let scenario = Scenario::new();
    fs::create_dir_all(scenario.path("in")).unwrap();
    scenario.write("in/a.csv", "id,job\n1,x\n");
    std::os::unix::fs::symlink("a.csv", scenario.path("in/link.csv")).unwrap();
    mknodat(
        CWD,
        scenario.path("in/p.csv"),
        FileType::Fifo,
        Mode::RUSR,
        0,
    )
    .unwrap();
    let _socket = std::os::unix::net::UnixListener::bind(scenario.path("in/s.csv")).unwrap();
    std::os::unix::fs::symlink("/dev/zero", scenario.path("in/z.csv")).unwrap();
    for named in ["in", "in/*.csv"] {
        let mut end = scenario
            .custsync(["check", named, "--run-dir", "run"])
            .exits(0);
        assert_eq!(inputs(&end), json!(["in/a.csv"]), "{named}");
        for name in ["p", "s", "z"] {
            end = end.says(&format!("in/{name}.csv: skipped: not a regular file"));
        }
        end.says("in/link.csv is the same file as in/a.csv");
    }
    fs::remove_file(scenario.path("in/a.csv")).unwrap();
    fs::remove_file(scenario.path("in/link.csv")).unwrap();
    scenario
        .custsync(["check", "in", "--run-dir", "none"])
        .exits(2)
        .says("in: no file in this folder");
    scenario
        .custsync(["check", "in/*.csv", "--run-dir", "none"])
        .exits(2)
        .says("in/*.csv: no file matches");
}

#[test]
fn the_run_directory_of_a_folder_is_named_after_it() {
    let scenario = Scenario::new();
    fs::create_dir_all(scenario.path("drop")).unwrap();
    for name in ["a.csv", "b.csv"] {
        scenario.write(&format!("drop/{name}"), "id,job\n1,x\n");
    }
    let name_after = |file: &str| {
        scenario.custsync(["check", file]).exits(0);
        let runs = scenario.path("custsync-runs");
        let found = fs::read_dir(&runs).unwrap().next().unwrap().unwrap();
        fs::remove_dir_all(&runs).unwrap();
        let name = found.file_name().into_string().unwrap();
        name.split_once('-').unwrap().1.to_owned()
    };
    assert_eq!(name_after("drop/"), "drop");
    assert_eq!(name_after("drop/b.csv"), "b");
    assert_eq!(name_after("drop/*.csv"), "a");
}
