//! The names of metrics: those of the dashboard, the alerts and the documentation are those that the
//! program writes.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::harness::{Customers, Scenario};

const DASHBOARD: &str = "deploy/grafana/custsync.json";
const ALERTS: &str = "deploy/grafana/alerts.yaml";
const PAGE: &str = "docs/observability.md";
/// The suffixes of a histogram's series.
const SUFFIXES: [&str; 3] = ["_bucket", "_sum", "_count"];

fn read(path: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(path);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The names with the prefix of the program that a text holds, those of series included.
fn names(text: &str) -> BTreeSet<&str> {
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(|word| word.starts_with("custsync_")).collect()
}

/// The families of a finished run, which has all of them, as `name type`.
fn written() -> BTreeSet<String> {
    let scenario = Scenario::new()
        .csv(&Customers::in_turn(1, 1, 5))
        .sandbox(|_| {});
    scenario.run(["--metrics-file", "custsync.prom"]).exits(0);
    let text = scenario.read("custsync.prom").expect("it is there");
    let text = String::from_utf8(text).expect("it is text");
    let types = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    types.map(str::to_owned).collect()
}

#[test]
fn names_elsewhere_are_those_that_the_program_writes() {
    let written = written();
    let mut series = BTreeSet::new();
    for family in &written {
        let (name, kind) = family.split_once(' ').expect("a type");
        match kind {
            "histogram" => series.extend(SUFFIXES.map(|suffix| format!("{name}{suffix}"))),
            _ => {
                series.insert(name.to_owned());
            }
        }
    }
    for path in [DASHBOARD, ALERTS] {
        let text = read(path);
        let found = names(&text);
        assert!(found.len() > 3, "{path} has queries");
        let unknown: Vec<_> = found
            .iter()
            .filter(|name| !series.contains(**name))
            .collect();
        assert!(unknown.is_empty(), "{path}: {unknown:?} are not written");
    }
    let page = read(PAGE);
    let rows = page.lines().filter_map(|line| {
        let cells: Vec<_> = line
            .split('|')
            .map(|cell| cell.trim().trim_matches('`'))
            .collect();
        match cells.as_slice() {
            ["", name, kind, ..] if name.starts_with("custsync_") => Some(format!("{name} {kind}")),
            _ => None,
        }
    });
    assert_eq!(
        rows.collect::<BTreeSet<_>>(),
        written,
        "the table in {PAGE}"
    );
    let unknown: Vec<_> = names(&page)
        .into_iter()
        .filter(|name| {
            !series.contains(*name)
                && !written
                    .iter()
                    .any(|family| family.split(' ').next() == Some(name))
        })
        .collect();
    assert!(unknown.is_empty(), "{PAGE}: {unknown:?} are not written");
}

/// A dashboard needs a title to be imported, and its panels each ask for something.
#[test]
fn the_dashboard_has_panels_with_queries() {
    let dashboard: Value = serde_json::from_str(&read(DASHBOARD)).expect("it is JSON");
    assert!(dashboard["title"].is_string() && dashboard["schemaVersion"].is_u64());
    let panels = dashboard["panels"].as_array().expect("panels");
    let mut ids = BTreeSet::new();
    for panel in panels {
        assert!(
            ids.insert(panel["id"].as_u64()),
            "an id of its own: {panel}"
        );
        let targets = panel["targets"].as_array().expect("queries");
        assert!(!targets.is_empty(), "{panel}");
        for target in targets {
            let query = target["expr"].as_str().expect("a query");
            assert!(!names(query).is_empty(), "{query}");
        }
    }
    assert!(panels.len() >= 7, "{}", panels.len());
}

#[test]
fn there_are_three_alerts() {
    let alerts = read(ALERTS);
    let count = |word: &str| {
        let lines = alerts
            .lines()
            .map(|line| line.trim_start().trim_start_matches("- "));
        lines.filter(|line| line.starts_with(word)).count()
    };
    assert_eq!(["alert: ", "expr: ", "summary: "].map(count), [3, 3, 3]);
}
