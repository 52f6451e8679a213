//! A model of nightly runs: which request was last acknowledged for each customer, and what the API
//! should hold.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::Value;

use super::{STATE, applied, night};
use crate::harness::{End, Results, Scenario, SplitMix64};

/// The variable that makes a debug build kill itself at a place.
const KILL: &str = "KILL_OF_A_TEST";
/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The customers of the API. Rows of others are rejected.
const CUSTOMERS: u64 = 40;
/// The places at which a process kills itself.
const PLACES: [&str; 8] = [
    "state-marking",
    "state-marked",
    "put-leaves",
    "put-answered",
    "entry-written",
    "state-folding",
    "state-folded",
    "fact-written",
];
/// The few values that fields have, so that they go from x to y and back to x.
const JOBS: [&str; 3] = ["Nurse", "Baker", "Smith"];
const ADDRESSES: [&str; 2] = ["North Road 1", "South Road 2"];

/// The two fields that rows set.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Values {
    job: String,
    address: String,
}

/// A row of an export.
#[derive(Debug, Clone)]
enum Row {
    Good(u64, Values),
    /// It breaks the contract.
    Invalid(u64),
    /// The API has no such customer.
    Rejected(u64, Values),
}

/// The knowledge of a customer's last request.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Known {
    Request(Values),
    Unknown,
}

/// Nights against one API.
pub(super) struct Nights {
    scenario: Scenario,
    random: SplitMix64,
    seed: u64,
    number: u32,
    /// The customers that tonight's export has, with their values.
    export: BTreeMap<u64, Values>,
    /// The state as it should be.
    known: BTreeMap<u64, Known>,
    /// What the API should hold; nothing where it is not certain.
    certain: BTreeMap<u64, Option<Values>>,
    /// The name of the directory of a night that was killed.
    killed: Option<String>,
}

impl Nights {
    pub(super) fn new(seed: u64) -> Nights {
        let scenario = Scenario::new().sandbox(|options| {
            options.customers = CUSTOMERS;
            options.seed = seed;
        });
        let mut random = SplitMix64::new(seed);
        let export = (1..=30).map(|id| (id, values(&mut random))).collect();
        Nights {
            scenario,
            random,
            seed,
            number: 0,
            export,
            known: BTreeMap::new(),
            certain: BTreeMap::new(),
            killed: None,
        }
    }

    /// The first night begins the state.
    pub(super) fn begin(&mut self) {
        let rows = self.rows();
        let file = self.write(&rows);
        let end = self.start(&file, "night-0", &["--full-resync"]);
        self.finished(&end, &rows, 0);
    }

    /// One more night, in a world that has changed: killed or not, undone or not, with a broken
    /// export before it or not.
    pub(super) fn next(&mut self) {
        self.number += 1;
        self.change();
        if self.random.happens(20) {
            self.broken_export();
        }
        let rows = self.rows();
        let file = self.write(&rows);
        let directory = format!("night-{}", self.number);
        if self.random.happens(40) {
            let place = self.random.pick(&PLACES);
            let at = format!("{place}@{}", 1 + self.random.below(4));
            self.scenario.set_variable(KILL, &at);
            let before = applied(&self.scenario);
            let end = self.start(&file, &directory, &[]);
            self.scenario.set_variable(KILL, "");
            if end.code() != KILLED {
                self.finished(&end, &rows, before);
                return;
            }
            self.was_killed(&rows, &directory, place);
            if self.random.happens(50) {
                // The next night has another export.
                if self.random.happens(30) {
                    self.lose(&directory);
                }
                return;
            }
        }
        let undone = self.killed.is_none() && self.random.happens(20);
        let before = applied(&self.scenario);
        if undone {
            self.undone(&file, &rows, &directory);
        } else {
            let end = self.start(&file, &directory, &[]);
            self.finished(&end, &rows, before);
        }
    }

    /// Changes, adds and removes a few customers.
    fn change(&mut self) {
        for _ in 0..self.random.below(5) {
            let id = 1 + self.random.below(CUSTOMERS as usize) as u64;
            match self.random.below(4) {
                0 if self.export.len() > 25 => {
                    self.export.remove(&id);
                }
                1 => {
                    let values = values(&mut self.random);
                    self.export.entry(id).or_insert(values);
                }
                _ => {
                    let values = values(&mut self.random);
                    if let Some(had) = self.export.get_mut(&id) {
                        *had = values;
                    }
                }
            }
        }
    }

    /// Tonight's rows, shuffled; a few twice, invalid, or of customers that the API does not have.
    fn rows(&mut self) -> Vec<Row> {
        let mut rows = Vec::new();
        for (id, values) in &self.export {
            rows.push(Row::Good(*id, values.clone()));
        }
        for at in (1..rows.len()).rev() {
            rows.swap(at, self.random.below(at + 1));
        }
        for _ in 0..self.random.below(3) {
            let at = self.random.below(rows.len());
            // An earlier row of the same customer, which does not count.
            if let Row::Good(id, _) = rows[at] {
                let values = values(&mut self.random);
                rows.insert(self.random.below(at + 1), Row::Good(id, values));
            }
        }
        if self.random.happens(30) {
            let at = self.random.below(rows.len());
            rows.insert(
                at,
                Row::Invalid(1 + self.random.below(CUSTOMERS as usize) as u64),
            );
        }
        if self.random.happens(30) {
            rows.push(Row::Rejected(
                1_000 + u64::from(self.number),
                values(&mut self.random),
            ));
        }
        rows
    }

    fn write(&mut self, rows: &[Row]) -> String {
        // The order of columns does not matter.
        let is_turned = self.random.happens(50);
        let mut text = if is_turned {
            "address,job,id\n"
        } else {
            "id,job,address\n"
        }
        .to_owned();
        for row in rows {
            let (id, job, address) = match row {
                Row::Good(id, values) | Row::Rejected(id, values) => {
                    (*id, values.job.clone(), values.address.clone())
                }
                Row::Invalid(id) => (*id, "x".repeat(300), String::new()),
            };
            if is_turned {
                writeln!(text, "{address},{job},{id}").expect("text grows");
            } else {
                writeln!(text, "{id},{job},{address}").expect("text grows");
            }
        }
        let name = format!("export-{}.csv", self.number);
        self.scenario.write(&name, text);
        name
    }

    fn start(&self, file: &str, directory: &str, flags: &[&str]) -> End {
        let usual = [
            "--unique",
            "last",
            "--max-errors",
            "none",
            "--max-changes",
            "60%",
        ];
        // A row that is refused without another one that is applied is rejected only after the wait.
        let flags = usual
            .into_iter()
            .chain(["--max-wait", "2s"])
            .chain(flags.iter().copied());
        night(&self.scenario, file, directory, flags)
    }

    /// The rows that count: each customer's last one that is valid.
    fn counting(rows: &[Row]) -> BTreeMap<u64, (Values, bool)> {
        let mut counting = BTreeMap::new();
        for row in rows {
            match row {
                Row::Good(id, values) => counting.insert(*id, (values.clone(), true)),
                Row::Rejected(id, values) => counting.insert(*id, (values.clone(), false)),
                Row::Invalid(_) => None,
            };
        }
        counting
    }

    /// The customers to whom a night sends.
    fn to_send(&self, rows: &[Row]) -> BTreeMap<u64, (Values, bool)> {
        let mut counting = Nights::counting(rows);
        counting
            .retain(|id, (values, _)| self.known.get(id) != Some(&Known::Request(values.clone())));
        counting
    }

    /// Checks a night that has finished: the API is as if all rows had been sent, and only those
    /// were that had to be.
    fn finished(&mut self, end: &End, rows: &[Row], before: usize) {
        let seed = self.seed;
        let to_send = self.to_send(rows);
        let good = to_send.values().filter(|(_, exists)| *exists).count();
        let is_bad = rows.iter().any(|row| !matches!(row, Row::Good(..)));
        assert_eq!(end.code(), i32::from(is_bad), "seed {seed}: {}", end.stderr);
        let sent = applied(&self.scenario) - before;
        // A refused row may be followed by the control, which sends one of the others again.
        let has_control = to_send.values().any(|(_, exists)| !exists);
        assert!(
            sent == good || has_control,
            "seed {seed}, night {}: {sent}",
            self.number
        );
        let ledger = self.scenario.ledger();
        let ids: BTreeSet<u64> = ledger.0[before..]
            .iter()
            .map(|applied| applied.id)
            .collect();
        let want = to_send.iter().filter(|(_, (_, exists))| *exists);
        assert_eq!(
            ids,
            want.map(|(id, _)| *id).collect(),
            "seed {seed}, night {}: {}",
            self.number,
            end.stderr
        );
        for (id, (values, exists)) in Nights::counting(rows) {
            let known = if exists {
                self.certain.insert(id, Some(values.clone()));
                Known::Request(values)
            } else {
                Known::Unknown
            };
            self.known.insert(id, known);
        }
        self.killed = None;
        self.check_api();
        self.check_state();
    }

    /// A killed night: what it has recorded is known, and all others to whom it was sending are not.
    fn was_killed(&mut self, rows: &[Row], directory: &str, place: &str) {
        self.killed = Some(directory.to_owned());
        let to_send = self.to_send(rows);
        let recorded = recorded(&self.scenario, directory);
        for (id, (values, exists)) in &to_send {
            if *exists {
                // It may be under way.
                self.certain.insert(*id, None);
            }
            if place == "state-marking" {
                continue;
            }
            if recorded.contains(id) {
                self.certain.insert(*id, Some(values.clone()));
                self.known.insert(*id, Known::Request(values.clone()));
            } else {
                self.known.insert(*id, Known::Unknown);
            }
        }
    }

    /// The directory of a killed night is deleted. What it has recorded is lost, unless it was taken
    /// over already.
    fn lose(&mut self, directory: &str) {
        let is_taken_over = self.shown()["last_run"]["taken_over"] == true
            && self.shown()["last_run"]["run_dir"]
                .as_str()
                .is_some_and(|path| path.ends_with(directory));
        let recorded = recorded(&self.scenario, directory);
        std::fs::remove_dir_all(self.scenario.path(directory)).expect("a directory");
        if !is_taken_over {
            for id in recorded {
                self.known.insert(id, Known::Unknown);
            }
        }
    }

    /// A night that is undone: the API is as before, and nothing is known of whoever it had sent.
    fn undone(&mut self, file: &str, rows: &[Row], directory: &str) {
        let to_send = self.to_send(rows);
        let before = self.api();
        let sent_before = applied(&self.scenario);
        let end = self.start(file, directory, &["--undoable"]);
        self.finished(&end, rows, sent_before);
        let url = self.scenario.url().expect("a sandbox");
        let words = ["undo", directory, "--base-url", &url, "--rate", "unlimited"];
        let was_sent = to_send.values().any(|(_, exists)| *exists);
        let end = self.scenario.start_words(words).end();
        if !was_sent {
            end.exits(2);
            return;
        }
        assert_eq!(end.code(), 0, "seed {}: {}", self.seed, end.stderr);
        assert_eq!(self.api(), before, "seed {}", self.seed);
        for (id, (_, exists)) in to_send {
            if exists {
                self.known.insert(id, Known::Unknown);
                self.certain.insert(id, before.get(&id).cloned());
            }
        }
    }

    /// An export that lacks most of its rows, twice: nothing changes.
    fn broken_export(&mut self) {
        let state = super::state(&self.scenario);
        let requests = self.scenario.counts().requests;
        let text = match self.random.below(3) {
            0 => "id,job,address\n".to_owned(),
            1 => "id,job,address\n,,\n,,\n,,\n".to_owned(),
            _ => "id,job,address\n1,Nurse,North Road 1\n".to_owned(),
        };
        self.scenario.write("broken.csv", text);
        for time in 1..=2 {
            let directory = format!("broken-{}-{time}", self.number);
            let end = night(
                &self.scenario,
                "broken.csv",
                &directory,
                ["--unique", "reject"],
            );
            assert_eq!(end.code(), 6, "seed {}: {}", self.seed, end.stderr);
        }
        // What a killed night has recorded may have been taken over.
        if self.killed.is_none() {
            assert!(super::state(&self.scenario) == state, "seed {}", self.seed);
        }
        assert_eq!(
            self.scenario.counts().requests,
            requests,
            "seed {}",
            self.seed
        );
    }

    /// The customers of the API, as far as rows set them.
    fn api(&self) -> BTreeMap<u64, Values> {
        let sandbox = self.scenario.sandbox_thread();
        let customers = (1..=CUSTOMERS).map(|id| (id, values_of(&sandbox.customer(id))));
        customers.collect()
    }

    fn check_api(&self) {
        for (id, values) in self.api() {
            if let Some(Some(certain)) = self.certain.get(&id) {
                assert_eq!(
                    values, *certain,
                    "seed {}, night {}, customer {id}",
                    self.seed, self.number
                );
            }
        }
    }

    fn check_state(&self) {
        let shown = self.shown();
        let unknown = self
            .known
            .values()
            .filter(|known| **known == Known::Unknown);
        assert_eq!(
            (&shown["customers"], &shown["unknown"]),
            (&self.known.len().into(), &unknown.count().into()),
            "seed {}, night {}",
            self.seed,
            self.number
        );
    }

    fn shown(&self) -> Value {
        let words = ["state", "show", STATE, "--output-format", "json"];
        let end = self.scenario.custsync(words).exits(0);
        serde_json::from_str(&end.stdout).expect("JSON")
    }
}

fn values(random: &mut SplitMix64) -> Values {
    Values {
        job: random.pick(&JOBS).to_owned(),
        address: random.pick(&ADDRESSES).to_owned(),
    }
}

fn values_of(customer: &Value) -> Values {
    let text = |field: &str| customer[field].as_str().unwrap_or_default().to_owned();
    Values {
        job: text("job"),
        address: text("address"),
    }
}

/// The customers that a journal says were updated.
fn recorded(scenario: &Scenario, directory: &str) -> BTreeSet<u64> {
    let Some(bytes) = scenario.read(&format!("{directory}/results.ndjson")) else {
        return BTreeSet::new();
    };
    let whole = bytes
        .iter()
        .rposition(|byte| *byte == b'\n')
        .map_or(0, |end| end + 1);
    if whole == 0 {
        return BTreeSet::new();
    }
    let results = Results::parse(&bytes[..whole]);
    let updated = results
        .lines
        .iter()
        .filter(|line| line["outcome"] == "updated");
    updated.filter_map(|line| line["id"].as_u64()).collect()
}
