//! Files of failed rows, parsed as a user reads them, and corrected as in an editor: bad values are
//! replaced, and nothing else changes.

use std::collections::BTreeSet;

use serde_json::Value;

use super::model::Told;
use super::scene::{Given, Scene};
use crate::harness::{Form, Scenario};

/// A file of failed rows.
#[derive(Debug)]
pub(super) struct FailedFile {
    name: String,
    bytes: Vec<u8>,
}

/// The files of a run directory, in the order of the inputs.
pub(super) fn files(scenario: &Scenario, run_dir: &str) -> Vec<FailedFile> {
    let Ok(directory) = std::fs::read_dir(scenario.path(run_dir)) else {
        return Vec::new();
    };
    let names = directory.map(|entry| {
        entry
            .expect("an entry")
            .file_name()
            .to_string_lossy()
            .into_owned()
    });
    let mut names: Vec<_> = names
        .filter(|name| name.starts_with("failed") && !name.ends_with(".unfinished"))
        .collect();
    names.sort();
    let read = |name| {
        let bytes = scenario
            .read(&format!("{run_dir}/{name}"))
            .expect("it is there");
        FailedFile { name, bytes }
    };
    names.into_iter().map(read).collect()
}

impl FailedFile {
    /// Its name.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The rows in it.
    pub(super) fn told(&self, scene: &Scene) -> Vec<Told> {
        let row = |place: &str| {
            scene
                .find(place)
                .unwrap_or_else(|| panic!("no row at {place}"))
                .number
        };
        let names = |text: &str| {
            text.split_whitespace()
                .map(str::to_owned)
                .collect::<BTreeSet<_>>()
        };
        match scene.form {
            Form::Csv => {
                let delimiter = u8::try_from(scene.layout.delimiter()).expect("ASCII");
                let mut reader = csv::ReaderBuilder::new()
                    .delimiter(delimiter)
                    .flexible(true)
                    .from_reader(&*self.bytes);
                let header = reader.headers().expect("a header").clone();
                let overtaken = header
                    .iter()
                    .position(|column| column == "custsync_overtaken");
                let records = reader
                    .records()
                    .map(|record| record.expect("failed rows are CSV"));
                let told = |record: csv::StringRecord| Told {
                    row: row(&record[0]),
                    overtaken: overtaken.map(|column| names(&record[column])),
                };
                records.map(told).collect()
            }
            Form::Ndjson => {
                let text = std::str::from_utf8(&self.bytes)
                    .expect("UTF-8")
                    .trim_start_matches('\u{feff}');
                let told = |line: &str| {
                    let line: Value = serde_json::from_str(line).expect("the row is JSON");
                    let own = &line["custsync"];
                    let place = own["row"]
                        .as_str()
                        .map_or_else(|| own["row"].to_string(), str::to_owned);
                    let names = own["overtaken"].as_array().map(|names| {
                        names
                            .iter()
                            .filter_map(Value::as_str)
                            .map(str::to_owned)
                            .collect::<BTreeSet<_>>()
                    });
                    Told {
                        row: row(&place),
                        overtaken: Some(names.unwrap_or_default()),
                    }
                };
                text.lines().map(told).collect()
            }
        }
    }

    /// The file with the bad texts of these rows replaced by good ones.
    pub(super) fn corrected(&self, scene: &Scene, is_corrected: impl Fn(u64) -> bool) -> Vec<u8> {
        let mut text = String::from_utf8(self.bytes.clone()).expect("failed rows are UTF-8");
        for row in scene.rows().filter(|row| is_corrected(row.number)) {
            if let Some(flaw) = &row.flaw {
                let bad = Given::Text(flaw.text.clone()).written(scene.form);
                text = text.replace(&bad, &row.cells[flaw.column].written(scene.form));
            }
        }
        scene.layout.corrected(&text).into_bytes()
    }
}
