//! `custsync forget`: the files with customers' values go, and nothing else.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::symlink;

use serde_json::Value;

use crate::harness::{Customers, Scenario};

/// A value of a customer, in a row that ends badly.
const VALUE: &str = "Ophelia-7f3a";

/// A finished run with a failed row, with the files that an undo and a preview leave.
fn finished() -> Scenario {
    let rows = format!("id,first_name,email\n1,Ada,a@example.com\n2,{VALUE},nope\n");
    let scenario = Scenario::new()
        .file("customers.csv", rows)
        .input("customers.csv")
        .unlimited()
        .sandbox(|_| {});
    scenario.run([]).exits(1);
    fs::create_dir(scenario.path("run/undo")).unwrap();
    for file in FILES_WITH_VALUES {
        if file != "run/failed.csv" {
            scenario.write_private(file, VALUE);
        }
    }
    for file in OTHER_FILES {
        scenario.write_private(file, "a note");
    }
    scenario
}

const FILES_WITH_VALUES: [&str; 5] = [
    "run/before.ndjson",
    "run/failed.csv",
    "run/preview.csv",
    "run/undo/before.ndjson",
    "run/undo/failed.ndjson",
];
/// Files of the user, and of a folder that is none of the run.
const OTHER_FILES: [&str; 3] = ["run/failed.corrected.csv", "run/notes.txt", "failed.csv"];

/// The files of a folder and those below it, with their content.
fn files(scenario: &Scenario, folder: &str) -> BTreeMap<String, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in fs::read_dir(scenario.path(folder)).unwrap() {
        let path = format!("{folder}/{}", entry.unwrap().file_name().to_string_lossy());
        if scenario.path(&path).is_dir() {
            found.extend(files(scenario, &path));
        } else {
            let content = fs::read(scenario.path(&path)).unwrap_or_default();
            found.insert(path, content);
        }
    }
    found
}

#[test]
fn the_files_with_values_are_deleted_and_all_others_stay() {
    let scenario = finished();
    let mut left = files(&scenario, "run");
    let listed = FILES_WITH_VALUES.join("\n") + "\n";

    let end = scenario.custsync(["forget", "run", "--dry-run"]).exits(0);
    assert_eq!(end.stdout, listed);
    let end = end.says("Nothing was deleted. Without --dry-run: 5 files with customers' values");
    end.says("The run can no longer be undone.");
    assert_eq!(files(&scenario, "run"), left);

    let end = scenario.custsync(["forget", "run"]).exits(0);
    assert_eq!(end.stdout, listed);
    let end = end.says("Deleted 5 files with customers' values, ");
    let end = end.says("The run can no longer be undone.");
    let end = end.says("The rows that ended badly can no longer be corrected there");
    end.says("The single changes that the preview found can no longer be looked up.");
    left.retain(|file, _| !FILES_WITH_VALUES.contains(&file.as_str()));
    assert_eq!(files(&scenario, "run"), left);
    assert!(scenario.path("failed.csv").is_file());
    for (file, content) in &left {
        let content = String::from_utf8_lossy(content);
        assert!(!content.contains(VALUE), "{file}: {content}");
    }

    // The run still knows what it did.
    let end = scenario.custsync(["report", "run"]).exits(0);
    end.prints("1 updated");
    let end = scenario.custsync(["forget", "run"]).exits(0);
    assert_eq!(end.stdout, "");
    end.says("There is no file with customers' values.");
}

#[test]
fn scripts_read_what_was_deleted() {
    let scenario = finished();
    let forget = |arguments: [&str; 5]| -> Value {
        let end = scenario.start_words(arguments).end().exits(0);
        serde_json::from_str(&end.stdout).expect("JSON")
    };
    let listed = forget(["forget", "run", "--output-format", "json", "--dry-run"]);
    let deleted = forget(["forget", "run", "--output-format", "json", "run"]);
    assert_eq!(
        (&listed["deleted"], &deleted["deleted"]),
        (&false.into(), &true.into())
    );
    let parts = |listing: &Value| -> Vec<(String, String)> {
        let files = listing["files"].as_array().expect("files");
        let text = |part: &Value| part.as_str().expect("a text").to_owned();
        files
            .iter()
            .map(|file| (text(&file["file"]), text(&file["content"])))
            .collect()
    };
    let contents = ["images", "failed_rows", "preview", "images", "failed_rows"];
    let want: Vec<_> = FILES_WITH_VALUES
        .iter()
        .zip(contents)
        .map(|(file, content)| ((*file).to_owned(), content.to_owned()))
        .collect();
    assert_eq!(parts(&listed), want);
    assert_eq!(
        parts(&deleted),
        want,
        "a directory that is named twice counts once"
    );
    let bytes = listed["files"].as_array().unwrap().iter();
    let bytes: u64 = bytes.map(|file| file["bytes"].as_u64().unwrap()).sum();
    assert_eq!(listed["bytes"], bytes);
}

#[test]
fn a_directory_that_is_at_work_is_left_alone() {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(500, 1, 5))
        .unlimited()
        .sandbox(|options| options.latency = "100ms".parse().unwrap());
    let running = scenario
        .start([])
        .until("its journal is there", |scenario| {
            scenario.path("run/results.ndjson").exists()
        });
    scenario.write_private("run/before.ndjson", VALUE);
    for arguments in [["forget", "run"], ["forget", "./run"]] {
        let end = scenario.custsync(arguments).exits(5);
        assert_eq!(
            end.stderr,
            format!(
                "error: another process is at work in the run directory {}; nothing was deleted\n",
                arguments[1]
            )
        );
    }
    assert!(scenario.path("run/before.ndjson").is_file());
    running.signal(rustix::process::Signal::TERM).end();
    let undo = [
        "run",
        "customers.csv",
        "--sandbox",
        "--sandbox-latency",
        "100ms",
        "--run-dir",
        "run/undo",
    ];
    let running = scenario
        .start_words(undo)
        .until("its journal is there", |scenario| {
            scenario.path("run/undo/results.ndjson").exists()
        });
    let end = scenario.custsync(["forget", "run"]).exits(5);
    end.says("another process is at work in the run directory run/undo; nothing was deleted");
    assert!(scenario.path("run/before.ndjson").is_file());
    running.signal(rustix::process::Signal::TERM).end();
    scenario.custsync(["forget", "run"]).exits(0);
    assert!(!scenario.path("run/before.ndjson").exists());
}

#[test]
fn a_folder_that_is_no_run_directory_is_left_alone() {
    let scenario = finished();
    fs::create_dir(scenario.path("folder")).unwrap();
    scenario.write_private("folder/failed.csv", "mine");
    let refused = |arguments: [&str; 3], message: &str| {
        let end = scenario.start_words(arguments).end().exits(5);
        let end = end.says(message).says("; nothing was deleted");
        assert_eq!(end.stdout, "");
        assert!(scenario.path("folder/failed.csv").is_file());
        assert!(scenario.path("run/failed.csv").is_file(), "nor are others");
    };
    let arguments = ["forget", "run", "folder"];
    refused(
        arguments,
        "folder is no run directory: it has no results.ndjson",
    );
    refused(["forget", "run", "nowhere"], "nowhere is no run directory");
    scenario.write_private("folder/results.ndjson", "{\"id\":1}\n");
    refused(arguments, "it does not begin with a journal header");
    fs::remove_file(scenario.path("folder/results.ndjson")).unwrap();
    fs::create_dir(scenario.path("folder/results.ndjson")).unwrap();
    refused(arguments, "is a directory, not a regular file");
}

#[test]
fn a_link_is_not_followed() {
    let scenario = finished();
    scenario.write_private("elsewhere.csv", "mine");
    fs::remove_file(scenario.path("run/preview.csv")).unwrap();
    symlink(
        scenario.path("elsewhere.csv"),
        scenario.path("run/preview.csv"),
    )
    .unwrap();
    let end = scenario.custsync(["forget", "run"]).exits(5);
    end.says("error: not deleted, because not a regular file: run/preview.csv");
    assert!(scenario.path("elsewhere.csv").is_file());
    assert!(scenario.path("run/preview.csv").is_symlink());
    assert!(!scenario.path("run/before.ndjson").exists());
}

#[test]
fn a_forgotten_run_can_be_continued() {
    let scenario = finished();
    scenario.custsync(["forget", "run"]).exits(0);
    let failed = scenario.run([]).exits(1);
    assert!(
        String::from_utf8_lossy(failed.file("failed.csv")).contains(VALUE),
        "the failed rows are written anew"
    );
}
