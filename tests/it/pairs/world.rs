//! A small sandbox and an input, in which each mode leaves traces.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use serde_json::{Value, json};

use super::modes::Mode;
use crate::harness::{End, Scenario, countries_known};

/// The customers of a world.
const CUSTOMERS: u64 = 6;
/// The job and e-mail address of each customer before a run, in the order of their ids.
const BEFORE: [(Option<&str>, &str); CUSTOMERS as usize] = [
    (None, "a0@b.example"),
    (Some("Miller"), "b0@b.example"),
    (Some("Clerk"), "c0@b.example"),
    (Some("Tailor"), "d0@b.example"),
    (Some("Judge"), "e@b.example"),
    (Some("Farmer"), "f0@b.example"),
];
/// The rows of the input, each with the time after which nobody may have changed the customer. One
/// customer has two rows, and one has its row's values already.
const ROWS: [InputRow; 7] = [
    row(1, "Nurse", "a@b.example", LATER),
    row(2, "Baker", "b1@b.example", LATER),
    row(2, "Chef", "b2@b.example", LATER),
    row(3, "Smith", "c@b.example", LATER),
    row(4, "Cook", "d@b.example", "2000-01-01T00:00:00Z"),
    row(5, "Judge", "e@b.example", LATER),
    row(6, "Driver", "f@b.example", LATER),
];
const LATER: &str = "2100-01-01T00:00:00Z";
/// The shards of a world.
const SHARDS: usize = 2;

/// A row of the input.
#[derive(Debug, Clone, Copy)]
pub(super) struct InputRow {
    id: u64,
    job: &'static str,
    email: &'static str,
    exported_at: &'static str,
}

const fn row(
    id: u64,
    job: &'static str,
    email: &'static str,
    exported_at: &'static str,
) -> InputRow {
    InputRow {
        id,
        job,
        email,
        exported_at,
    }
}

/// A sandbox, an input, and the modes of the commands on it.
pub(super) struct World {
    pub(super) scenario: Scenario,
    modes: Vec<Mode>,
    pub(super) rows: Vec<InputRow>,
}

/// The processes of a world that have ended.
pub(super) struct Ended {
    pub(super) codes: BTreeSet<i32>,
    /// Standard output and standard error of all of them.
    pub(super) printed: String,
    /// The run directories.
    pub(super) run_dirs: Vec<String>,
}

impl World {
    /// A world before its commands.
    pub(super) fn new(modes: &[Mode]) -> World {
        let scenario = Scenario::new().sandbox(|options| options.customers = CUSTOMERS);
        scenario.write("custsync.toml", countries_known(|_| true));
        for (id, (job, email)) in (1..).zip(BEFORE) {
            for (field, value) in [("job", json!(job)), ("email", json!(email))] {
                let edited = scenario.sandbox_thread().edit(id, field, value);
                edited.expect("there is such a customer");
            }
        }
        let mut world = World {
            scenario,
            modes: modes.to_vec(),
            rows: ROWS.to_vec(),
        };
        // With a state, only one row of a customer counts.
        let is_unique = world.has(Mode::UniqueLast) || world.has(Mode::UniqueReject);
        if world.has(Mode::State) && !is_unique {
            world.rows.remove(1);
        }
        let input = world.input();
        world.scenario.write("customers.csv", &input);
        if world.has(Mode::Stdin) {
            world.scenario.pipe(input);
        }
        world
    }

    /// Whether this is one of its modes.
    pub(super) fn has(&self, mode: Mode) -> bool {
        self.modes.contains(&mode)
    }

    /// Whether updates are sent.
    fn sends(&self) -> bool {
        !self.has(Mode::DryRun) && !self.has(Mode::Preview)
    }

    fn input(&self) -> String {
        let mut text = "id,job,email".to_owned();
        if self.has(Mode::Since) {
            text += ",exported_at";
        }
        for row in &self.rows {
            write!(text, "\n{},{},{}", row.id, row.job, row.email).expect("text grows");
            if self.has(Mode::Since) {
                write!(text, ",{}", row.exported_at).expect("text grows");
            }
        }
        text + "\n"
    }

    /// The customers now.
    pub(super) fn customers(&self) -> BTreeMap<u64, Value> {
        let sandbox = self.scenario.sandbox_thread();
        let customers = (1..=CUSTOMERS).map(|id| (id, sandbox.customer(id)));
        customers.collect()
    }

    /// Runs a command with these flags, in this run directory.
    fn start(&self, verb: &str, input: &str, run_dir: &str, flags: &[&str]) -> End {
        let url = self.scenario.url().expect("a sandbox");
        let words = [verb, input, "--run-dir", run_dir, "--base-url", &url];
        let words = words.into_iter().chain(["--rate", "unlimited"]);
        let words = words.chain(["--max-errors", "none"]);
        let words = words.chain(flags.iter().copied());
        self.scenario.start_words(words).end()
    }

    /// Makes the plan of a run.
    pub(super) fn plan(&self) {
        let modes = self.modes.iter().filter(|mode| mode.is_of_a_plan());
        let flags: Vec<_> = modes.flat_map(|mode| mode.flags()).copied().collect();
        let end = self.start("preview", "customers.csv", "plan", &flags);
        end.exits_with_one_of(&[0, 1]);
    }

    /// Runs the command with all modes: each shard, if there are shards.
    pub(super) fn run(&self) -> Ended {
        let verb = if self.has(Mode::Preview) {
            "preview"
        } else {
            "run"
        };
        let input = if self.has(Mode::Stdin) {
            "-"
        } else {
            "customers.csv"
        };
        let flags: Vec<_> = self.modes.iter().flat_map(|mode| mode.flags()).collect();
        let mut ended = Ended {
            codes: BTreeSet::new(),
            printed: String::new(),
            run_dirs: Vec::new(),
        };
        let shards = if self.has(Mode::Shard) { SHARDS } else { 1 };
        for index in 1..=shards {
            let mut flags: Vec<&str> = flags.iter().map(|flag| **flag).collect();
            let shard = format!("{index}/{SHARDS}");
            // Only runs share a run directory.
            let (run_dir, own) = match (self.has(Mode::Shard), self.sends()) {
                (false, _) => ("run".to_owned(), "run".to_owned()),
                (true, true) => ("run".to_owned(), format!("run/shard-{index}-of-{SHARDS}")),
                (true, false) => (format!("run-{index}"), format!("run-{index}")),
            };
            if self.has(Mode::Shard) {
                flags.extend(["--shard", &shard]);
            }
            let end = self.start(verb, input, &run_dir, &flags);
            ended.codes.insert(end.code());
            ended.printed += &end.stdout;
            ended.printed += &end.stderr;
            ended.run_dirs.push(own);
        }
        ended
    }

    /// The exit code if the modes go together. A second row that is rejected and a row in conflict
    /// are bad.
    pub(super) fn exit_code(&self) -> i32 {
        let is_in_conflict = self.has(Mode::Since) && !self.has(Mode::DryRun);
        i32::from(self.has(Mode::UniqueReject) || is_in_conflict)
    }

    /// The customers after a command, who were these before.
    pub(super) fn after(&self, mut customers: BTreeMap<u64, Value>) -> BTreeMap<u64, Value> {
        if !self.sends() {
            return customers;
        }
        let before = customers.clone();
        for (index, row) in self.rows.iter().enumerate() {
            let is_of = |other: &InputRow| other.id == row.id;
            let has_later = self.rows[index + 1..].iter().any(is_of);
            let has_earlier = self.rows[..index].iter().any(is_of);
            let is_left_out = self.has(Mode::UniqueLast) && has_later
                || self.has(Mode::UniqueReject) && has_earlier
                || self.has(Mode::Since) && row.exported_at != LATER;
            if is_left_out {
                continue;
            }
            let customer = customers.get_mut(&row.id).expect("a customer of the world");
            customer["email"] = json!(row.email);
            if !self.has(Mode::Fill) || before[&row.id]["job"].is_null() {
                customer["job"] = json!(row.job);
            }
        }
        customers
    }

    /// The number in all summaries under this name.
    pub(super) fn count(&self, ended: &Ended, name: &str) -> u64 {
        let count = |run_dir: &String| {
            let summary = self.scenario.read(&format!("{run_dir}/summary.json"));
            let summary = summary.unwrap_or_else(|| panic!("{run_dir} has a summary"));
            let summary: Value = serde_json::from_slice(&summary).expect("a summary is JSON");
            summary[name].as_u64().unwrap_or_default()
        };
        ended.run_dirs.iter().map(count).sum()
    }

    /// The customers of whom a preview says that requests leave out their last name.
    fn leave_out(&self, ended: &Ended) -> u64 {
        let count = |run_dir: &String| {
            let summary = self.scenario.read(&format!("{run_dir}/summary.json"));
            let summary: Value =
                serde_json::from_slice(&summary.expect("a summary")).expect("a summary is JSON");
            let fields = summary["preview"]["fields"].as_array();
            let mut fields = fields.into_iter().flatten();
            let field = fields.find(|field| field["field"] == "last_name");
            field.map_or(0, |field| field["left_out"].as_u64().expect("a number"))
        };
        ended.run_dirs.iter().map(count).sum()
    }

    /// Whether each run directory has this file, with this text in it.
    fn each_has(&self, ended: &Ended, file: &str, text: &str) -> bool {
        ended.run_dirs.iter().all(|run_dir| {
            let content = self.scenario.read(&format!("{run_dir}/{file}"));
            content.is_some_and(|content| String::from_utf8_lossy(&content).contains(text))
        })
    }

    /// Whether the mode has left its traces. `ended` has been sent by it, or checked or shown.
    pub(super) fn shows(&self, mode: Mode, ended: &Ended) -> bool {
        let rows = self.rows.len() as u64;
        match mode {
            Mode::UniqueLast => self.count(ended, "superseded") == 1,
            Mode::UniqueReject => self.count(ended, "invalid") == 1,
            // Of two shards, each row belongs to one.
            Mode::Shard => self.count(ended, "elsewhere") == rows,
            Mode::State if self.sends() => {
                let shards = (1..=SHARDS).map(|index| format!(".shard-{index}-of-{SHARDS}"));
                let shards = shards.filter(|_| self.has(Mode::Shard));
                let alone = (!self.has(Mode::Shard)).then(String::new);
                let mut own = shards.chain(alone);
                own.all(|own| {
                    let state = self.scenario.read(&format!("nightly{own}.state"));
                    state.is_some()
                })
            }
            Mode::State => ended.printed.contains("a run would begin the state"),
            Mode::Plan => ended.printed.contains("all rows are those of the plan"),
            Mode::SkipEqual if self.has(Mode::Preview) => self.leave_out(ended) == CUSTOMERS - 1,
            Mode::SkipEqual => self.count(ended, "unchanged") == 1,
            Mode::Complete if self.sends() => {
                let ledger = self.scenario.ledger();
                let mut bodies = ledger.0.iter().map(|applied| &applied.body);
                ledger.len() > 0 && bodies.all(|body| body.get("last_name").is_some())
            }
            // Without it, fields are left out.
            Mode::Complete => !ended.printed.contains("that requests leave out"),
            Mode::Undoable => self.each_has(ended, "before.ndjson", "\"row\":"),
            Mode::Canary => self.each_has(ended, "results.ndjson", "\"fact\":\"canary\""),
            Mode::Since if self.sends() => self.count(ended, "conflict") == 1,
            Mode::Since if self.has(Mode::Preview) => {
                self.each_has(ended, "preview.csv", ",4,,conflict,,")
                    && !self.each_has(ended, "preview.csv", ",4,job,")
            }
            // Its column is one that the API does not know.
            Mode::Since => self.input().contains("exported_at"),
            Mode::Fill if self.has(Mode::Preview) => {
                self.each_has(ended, "preview.csv", ",job,filled,")
                    && !self.each_has(ended, "preview.csv", ",job,replaced,")
            }
            // The customers and the requests tell these.
            Mode::Fill | Mode::Stdin | Mode::DryRun => true,
            Mode::Preview => self.each_has(ended, "preview.csv", "replaced"),
        }
    }
}
