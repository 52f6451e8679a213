//! Folders and patterns of objects.

use super::{applied_all, knowing, reading};
use crate::harness::{Broken, End, ObjectServer, Scenario};

fn file(id: u32) -> String {
    format!("id,job\n{id},job {id}\n")
}

/// A bucket with more objects than one answer lists.
fn bucket() -> ObjectServer {
    let mut server = ObjectServer::start(|_, _| None);
    for (name, id) in [
        ("north.csv", 1),
        ("east.csv", 2),
        ("south & <west>.csv", 3),
        ("zz.ndjson.txt", 4),
        (".hidden.csv", 5),
        ("sub/deep.csv", 6),
        ("sub/deeper/deepest.csv", 7),
    ] {
        server = server.with(&format!("exports/daily/{name}"), file(id));
    }
    server
        .with("exports/daily/", "")
        .with("exports/other.csv", file(8))
}

fn inputs(scenario: &Scenario) -> (Vec<String>, End) {
    let end = scenario.run([]).exits(0);
    let summary = end.summary();
    let inputs = summary["inputs"].as_array().unwrap();
    applied_all(&end, inputs.len());
    let names = inputs.iter().map(|name| name.as_str().unwrap().to_owned());
    (names.collect(), end)
}

#[test]
fn a_folder_stands_for_its_objects_by_name() {
    let server = bucket();
    let scenario = reading(&server, "s3://exports/daily/");
    let want = ["east.csv", "north.csv", "south & <west>.csv"];
    let want = want.map(|name| format!("s3://exports/daily/{name}"));
    let (found, end) = inputs(&scenario);
    assert_eq!(found, want);
    end.says("s3://exports/daily/.hidden.csv: skipped: hidden file")
        .says("s3://exports/daily/sub/: skipped: a folder inside a folder")
        .says("s3://exports/daily/zz.ndjson.txt: skipped: unknown file extension");
}

#[test]
fn a_pattern_stands_for_the_objects_that_match() {
    let server = bucket();
    let check = |pattern: &str, want: &[&str]| {
        let (found, _) = inputs(&reading(&server, pattern));
        let want: Vec<_> = want
            .iter()
            .map(|name| format!("s3://exports/{name}"))
            .collect();
        assert_eq!(found, want, "{pattern}");
    };
    check(
        "s3://exports/daily/*th*.csv",
        &["daily/north.csv", "daily/south & <west>.csv"],
    );
    check(
        "s3://exports/**/deep*.csv",
        &["daily/sub/deep.csv", "daily/sub/deeper/deepest.csv"],
    );
    check("s3://exports/[ou]*.csv", &["other.csv"]);
    let none = reading(&server, "s3://exports/daily/*.tsv")
        .run([])
        .exits(2);
    none.says("s3://exports/daily/*.tsv: no object matches");
    let none = reading(&server, "s3://exports/empty/").run([]).exits(2);
    none.says("s3://exports/empty/: no object in this folder has the extension .csv");
}

#[test]
fn a_listing_that_is_refused_says_so() {
    let server = ObjectServer::start(|_, _| Some(Broken::Status(403, "AccessDenied", "")));
    let end = knowing(&server)
        .input("s3://exports/daily/")
        .sandbox(|_| {})
        .run([])
        .exits(2);
    end.says("s3://exports/daily/: cannot be listed: access is denied: do the credentials have s3:ListBucket here?");
}
