//! A random world: customers, rows, a server with its faults, and the comparison of every customer
//! before a run with the same customer after its undo.

use std::collections::{BTreeMap, BTreeSet};

use custsync::testing::sandbox::{ETags, Edit, PageTotal, Pages, Put, SandboxOptions};
use serde_json::{Value, json};

use crate::harness::{
    COUNTRIES, End, FIELDS, Results, Running, Scenario, SplitMix64, countries_known,
};

/// The fields that the sandbox's third party edits by chance.
const EDITED_BY_CHANCE: [&str; 5] = [
    "first_name",
    "last_name",
    "identity_number",
    "job",
    "address",
];
/// The variable that makes a debug build kill itself at a place.
const KILL: &str = "KILL_OF_A_TEST";
/// The exit code of a process that was killed.
pub(crate) const KILLED: i32 = 137;
/// Many attempts, so that no row fails by bad luck.
const RUN: [&str; 9] = [
    "--undoable",
    "--max-wait",
    "5s",
    "--timeout",
    "1s",
    "--max-errors",
    "none",
    "--null-string",
    "NULL",
];
const UNDO: [&str; 6] = ["--attempts", "20", "--timeout", "1s", "--max-wait", "5s"];
/// The starts after which a run is taken to go on for ever.
const STARTS_MAX: usize = 8;

/// The choices of a world.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) customers: u64,
    pub(crate) rows: usize,
    /// The fields that rows may set.
    pub(crate) fields: Vec<&'static str>,
    pub(crate) put: Put,
    pub(crate) etags: ETags,
    /// Faults, echo and shares as the sandbox's flags have them.
    pub(crate) faults: &'static str,
    pub(crate) echo: &'static str,
    pub(crate) old_data: &'static str,
    pub(crate) edits_before: &'static str,
    pub(crate) edits_after: &'static str,
    pub(crate) latency: &'static str,
    pub(crate) pages: Pages,
    pub(crate) page_total: PageTotal,
    /// Whether the third party works between processes, too.
    pub(crate) edits_in_pauses: bool,
    /// The share of the countries whose ids are known, in percent.
    pub(crate) countries_known: usize,
    /// The attempts of a row in the run.
    pub(crate) attempts: &'static str,
    /// Further flags of the run and of the undo.
    pub(crate) run: Vec<&'static str>,
    pub(crate) undo: Vec<&'static str>,
}

/// A world, and its customers at first.
pub(crate) struct World {
    pub(crate) scenario: Scenario,
    plan: Plan,
    before: BTreeMap<u64, Value>,
    /// The pauses between processes so far.
    pauses: u64,
}

/// An undo that has ended.
pub(crate) struct Undone {
    pub(crate) end: End,
    /// The customers before it.
    after_run: BTreeMap<u64, Value>,
    /// The fields that it was told to leave.
    without: BTreeSet<String>,
}

impl Plan {
    /// Merging updates, no faults, and every country known.
    pub(crate) fn new(seed: u64) -> Plan {
        Plan {
            seed,
            customers: 12,
            rows: 24,
            fields: FIELDS.to_vec(),
            put: Put::Merge,
            etags: ETags::Missing,
            faults: "",
            echo: "",
            old_data: "0%",
            edits_before: "0%",
            edits_after: "0%",
            latency: "0ms..4ms",
            pages: Pages::Still,
            page_total: PageTotal::Meta,
            edits_in_pauses: false,
            countries_known: 100,
            attempts: "20",
            run: Vec::new(),
            undo: Vec::new(),
        }
    }

    /// The fields that no edit by chance concerns.
    pub(crate) fn without_edited_fields(mut self) -> Plan {
        self.fields
            .retain(|field| !EDITED_BY_CHANCE.contains(field));
        self
    }

    /// The world. It depends on the plan alone.
    pub(crate) fn world(self) -> World {
        let mut random = SplitMix64::new(self.seed);
        let scenario = Scenario::new().unlimited().sandbox(|options| {
            self.choose(options);
        });
        let countries = countries_known(|_| random.happens(self.countries_known));
        scenario.write("custsync.toml", countries);
        let before = customers(&scenario, self.customers);
        let scenario = scenario.file("customers.csv", self.file(&before, &mut random));
        World {
            scenario,
            plan: self,
            before,
            pauses: 0,
        }
    }

    fn choose(&self, options: &mut SandboxOptions) {
        options.customers = self.customers;
        options.seed = self.seed;
        options.put = self.put;
        options.etags = self.etags;
        options.pages = self.pages;
        options.page_total = self.page_total;
        options.faults = self.faults.parse().expect("a plan of faults");
        if !self.echo.is_empty() {
            options.echo = self.echo.parse().expect("an echo");
        }
        options.old_data = self.old_data.parse().expect("a share");
        options.edits.before = self.edits_before.parse().expect("a share");
        options.edits.after = self.edits_after.parse().expect("a share");
        options.latency = self.latency.parse().expect("a time");
    }

    /// The input. A few rows are of a customer that does not exist.
    fn file(&self, before: &BTreeMap<u64, Value>, random: &mut SplitMix64) -> Vec<u8> {
        let mut writer = csv::Writer::from_writer(Vec::new());
        let header = ["id"].into_iter().chain(self.fields.iter().copied());
        writer.write_record(header).expect("memory can be written");
        for row in 1..=self.rows {
            let id = 1 + random.below(self.customers as usize + 1) as u64;
            let certain = random.below(self.fields.len());
            let cells = self.fields.iter().enumerate().map(|(index, field)| {
                if index != certain && !random.happens(35) {
                    return String::new();
                }
                let was = before.get(&id).map(|customer| &customer[*field]);
                cell(field, row, was, random)
            });
            let cells: Vec<String> = cells.collect();
            let record = [id.to_string()].into_iter().chain(cells);
            writer.write_record(record).expect("memory can be written");
        }
        writer.into_inner().expect("memory can be written")
    }
}

/// A value for a field, or `NULL`. `was` is the customer's value at first.
fn cell(field: &str, row: usize, was: Option<&Value>, random: &mut SplitMix64) -> String {
    if may_be_null(field) && random.happens(15) {
        return "NULL".to_owned();
    }
    if random.happens(10)
        && let Some(same) = was.and_then(|was| same_again(field, was))
    {
        return same;
    }
    match field {
        "first_name" => random.pick(&["Zoë", "Łukasz", "李娜", " Ann "]).to_owned(),
        "last_name" => format!("Nguyễn {row}"),
        "phone_number" => format!("+49 30 {:07}", random.below(10_000_000)),
        "email" => random
            .pick(&["Row@Example.COM", "row@example.com", "other@example.com"])
            .replace("ow@", &format!("ow.{row}@")),
        "date_of_birth" => random
            .pick(&[
                "1985-04-12",
                "1990-12-31T23:59:59Z",
                "1971-07-01T08:30:00+02:00",
            ])
            .to_owned(),
        "gender" => random.pick(&["male", "female", "other"]).to_owned(),
        "country_id" => (1 + random.below(COUNTRIES as usize)).to_string(),
        "identity_number" => format!("N{row:07}"),
        "job" => random
            .pick(&["Nurse", "Head of sales, EMEA", " Judge"])
            .to_owned(),
        "address" => format!("Hauptstraße {row},\n10115 Berlin"),
        "default_channel_id" | "user_id" => (1 + random.below(9)).to_string(),
        other => unreachable!("{other} is a field"),
    }
}

/// The customer's own value, if a row may set it.
fn same_again(field: &str, was: &Value) -> Option<String> {
    match was {
        Value::String(text) if may_be_sent(field, was) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

/// Whether the contract allows a value of the sandbox's old data.
fn may_be_sent(field: &str, value: &Value) -> bool {
    let Some(text) = value.as_str() else {
        return may_be_null(field) || !value.is_null();
    };
    match field {
        "phone_number" => text.len() <= 20,
        "email" => text.contains('@'),
        "gender" => text != "unknown",
        "date_of_birth" => !text.starts_with("0000"),
        "job" => text.len() <= 255,
        _ => true,
    }
}

fn may_be_null(field: &str) -> bool {
    !matches!(field, "first_name" | "last_name" | "phone_number")
}

/// The sandbox's customers now.
pub(crate) fn customers(scenario: &Scenario, count: u64) -> BTreeMap<u64, Value> {
    let sandbox = scenario.sandbox_thread();
    (1..=count).map(|id| (id, sandbox.customer(id))).collect()
}

impl World {
    /// Makes the next processes kill themselves at this place, as in `image-synced@3`; an empty
    /// place spares them.
    pub(crate) fn kill_at(&mut self, place: &str) {
        self.scenario.set_variable(KILL, place);
    }

    /// Starts the run once, and waits for its end.
    pub(crate) fn start_run(&self) -> End {
        self.started_run().end()
    }

    /// Starts the run.
    pub(crate) fn started_run(&self) -> Running<'_> {
        let url = self.scenario.url().expect("a sandbox");
        let words = ["run", "customers.csv", "--run-dir", "run"].into_iter();
        let words = words.chain(["--base-url", &url, "--rate", "unlimited"]);
        let words = words.chain(["--attempts", self.plan.attempts]);
        let words = words.chain(RUN).chain(self.plan.run.iter().copied());
        self.scenario.start_words(words)
    }

    /// Starts the run with a kill at each of these places, and then until it ends by itself.
    pub(crate) fn run(&mut self, kills: &[String]) -> End {
        for place in kills {
            self.kill_at(place);
            self.start_run().exits_with_one_of(&[0, 1, 4, KILLED]);
            self.pause();
        }
        self.kill_at("");
        for _ in 0..STARTS_MAX {
            let end = self.start_run().exits_with_one_of(&[0, 1, 4]);
            if end.code() != 4 {
                return end;
            }
        }
        panic!("seed {}: the run does not end", self.plan.seed);
    }

    /// Starts the undo.
    pub(crate) fn started_undo(&self) -> Running<'_> {
        self.started_undo_without(&BTreeSet::new())
    }

    fn started_undo_without(&self, without: &BTreeSet<String>) -> Running<'_> {
        let without: Vec<&str> = without.iter().map(String::as_str).collect();
        let without = without.join(",");
        let mut flags = UNDO.to_vec();
        flags.extend(self.plan.undo.iter().copied());
        if !without.is_empty() {
            flags.extend(["--without-field", &without]);
        }
        self.scenario.start_undo(&flags)
    }

    /// Undoes the run: without the fields that the undo refuses at first, with a kill at each of
    /// these places, and then until it ends by itself.
    pub(crate) fn undo(&mut self, kills: &[String]) -> Undone {
        let after_run = self.customers();
        let mut without = BTreeSet::new();
        let requests = self.scenario.counts().requests;
        self.kill_at("before-anything@0");
        let refused = self
            .scenario
            .undo(["--dry-run", "--attempts", "20", "--timeout", "1s"]);
        if refused.code() == 2 {
            without = self.refused_fields(&refused);
            assert_eq!(self.scenario.counts().requests, requests, "nothing is sent");
        }
        for place in kills {
            self.kill_at(place);
            let end = self.started_undo_without(&without).end();
            end.exits_with_one_of(&[0, 1, 4, KILLED]);
            self.pause();
        }
        self.kill_at("");
        for _ in 0..STARTS_MAX {
            let end = self.started_undo_without(&without).end();
            let end = end.exits_with_one_of(&[0, 1, 4]);
            if end.code() != 4 {
                return Undone {
                    end,
                    after_run,
                    without,
                };
            }
        }
        panic!("seed {}: the undo does not end", self.plan.seed);
    }

    /// The fields that a refused undo names at the end of its message.
    fn refused_fields(&self, refused: &End) -> BTreeSet<String> {
        let (_, names) = refused
            .stderr
            .rsplit_once("--without-field ")
            .unwrap_or_else(|| panic!("seed {}: {}", self.plan.seed, refused.stderr));
        let names = names.split(';').next().unwrap_or_default();
        let names: BTreeSet<String> = names.split(',').map(str::to_owned).collect();
        for field in &names {
            let is_old = |customer: &Value| !may_be_sent(field, &customer[field.as_str()]);
            assert!(
                self.before.values().any(is_old)
                    || field == "country_id" && self.plan.countries_known < 100,
                "seed {}: {field} can be put back: {}",
                self.plan.seed,
                refused.stderr
            );
        }
        names
    }

    /// The customers now.
    pub(crate) fn customers(&self) -> BTreeMap<u64, Value> {
        customers(&self.scenario, self.plan.customers)
    }

    fn pause(&mut self) {
        if self.plan.edits_in_pauses {
            let mut random = SplitMix64::new(self.plan.seed ^ self.pauses);
            self.pauses += 1;
            self.edit(&mut random, &format!("Pause {}", self.pauses));
        }
    }

    /// Edits some fields of a few customers as a third party.
    pub(crate) fn edit(&self, random: &mut SplitMix64, marker: &str) -> Vec<Edit> {
        let mut edits = Vec::new();
        for number in 0..random.below(4) {
            let id = 1 + random.below(self.plan.customers as usize) as u64;
            let field = random.pick(FIELDS);
            // Of the genders, none is the third party's alone. Where updates replace, a customer with
            // an unknown country cannot be put back.
            let is_unclear =
                field == "gender" || field == "country_id" && self.plan.put == Put::Replace;
            if is_unclear {
                continue;
            }
            let value = match field {
                "phone_number" => json!(format!("+1 555 {:04}", random.below(10_000))),
                "email" => json!(format!("{}{number}@third.example", random.next())),
                "date_of_birth" => json!(format!("20{:02}-02-03T00:00:00Z", random.below(20))),
                "country_id" | "default_channel_id" | "user_id" => {
                    json!(1_000 + random.below(1_000))
                }
                _ => json!(format!("{marker} {number} of a third party")),
            };
            let edit = self.scenario.sandbox_thread().edit(id, field, value);
            edits.push(edit.expect("there is such a customer"));
        }
        edits
    }

    /// Checks that the undo names each of these edits, which were made between the run and the undo,
    /// if the run has set the field, too.
    pub(crate) fn names_edits(&self, edits: &[Edit], undone: &Undone) {
        let changed = self.listed("changed");
        let unsendable = self.listed("unsendable");
        let ledger = self.scenario.ledger();
        for edit in edits {
            let before = ledger.0.iter().take(edit.updates_before as usize);
            let mut bodies = before.filter(|applied| applied.id == edit.customer);
            let is_set = bodies.any(|applied| applied.body.get(edit.field).is_some());
            let is_left = undone.without.contains(edit.field)
                || unsendable
                    .get(&edit.customer)
                    .is_some_and(|fields| !fields.is_empty());
            let is_named = changed
                .get(&edit.customer)
                .is_some_and(|fields| fields.contains(edit.field));
            assert!(
                is_named || !is_set || is_left,
                "seed {}: {edit:?} is not named: {:#?}",
                self.plan.seed,
                (
                    self.lines_of(edit.customer, "run/before.ndjson"),
                    self.lines_of(edit.customer, "run/undo/before.ndjson"),
                    self.lines_of(edit.customer, "run/undo/results.ndjson"),
                    self.scenario.sandbox_thread().edits()
                )
            );
        }
    }

    /// Checks that each field of each customer is as it was before the run, or as a third party has
    /// edited it, or named by the undo and as the run left it. Returns the number of named ones.
    pub(crate) fn is_undone(&self, undone: &Undone) -> usize {
        let listed = self.listed("unsendable");
        let now = self.customers();
        let mut edited = BTreeMap::new();
        for edit in self.scenario.sandbox_thread().edits() {
            edited.insert((edit.customer, edit.field), edit.value);
        }
        let blocked = self.blocked();
        let mut named = 0;
        for (id, customer) in &now {
            for &field in FIELDS {
                let is = &customer[field];
                let was = &self.before[id][field];
                let left = &undone.after_run[id][field];
                let want = edited.get(&(*id, field)).unwrap_or(was);
                if is == want {
                    continue;
                }
                // Nothing is sent for a customer of whom a field would be lost.
                let is_blocked = blocked.contains(id)
                    && FIELDS.iter().all(|name| {
                        let was_edited = edited.get(&(*id, *name)) == Some(&customer[name]);
                        was_edited || customer[name] == undone.after_run[id][name]
                    });
                let is_listed = is_blocked
                    || undone.without.contains(field)
                    || listed.get(id).is_some_and(|fields| fields.contains(field));
                assert!(
                    is_listed && is == left,
                    "seed {}: {field} of customer {id} is {is}, and not {want}; after the run it was {left}; listed: {:?}, without: {:?}\nafter the run: {}\nnow: {customer}\nimages: {:#?}\nresults: {:#?}\nundo: {}",
                    self.plan.seed,
                    listed.get(id),
                    undone.without,
                    undone.after_run[id],
                    self.lines_of(*id, "run/before.ndjson"),
                    self.lines_of(*id, "run/undo/results.ndjson"),
                    undone.end.stderr,
                );
                named += 1;
            }
        }
        named
    }

    /// The fields that the undo's results name with this code, of each customer.
    fn listed(&self, code: &str) -> BTreeMap<u64, BTreeSet<String>> {
        let mut listed = BTreeMap::new();
        for line in self.undo_results().by_row().into_values() {
            let errors = line["errors"].as_array().into_iter().flatten();
            let errors = errors.filter(|error| error["code"] == code);
            let fields = errors.map(|error| error["field"].as_str().expect("a name").to_owned());
            listed.insert(line["id"].as_u64().expect("an id"), fields.collect());
        }
        listed
    }

    /// The customers whom the undo could not put back without a loss.
    fn blocked(&self) -> BTreeSet<u64> {
        let results = self.undo_results();
        let lines = results.by_row().into_values();
        let lines = lines.filter(|line| line["error"] == "unsendable");
        lines
            .map(|line| line["id"].as_u64().expect("an id"))
            .collect()
    }

    /// The undo's journal.
    pub(crate) fn undo_results(&self) -> Results {
        let results = self.scenario.read("run/undo/results.ndjson");
        Results::parse(&results.expect("the undo has results"))
    }

    /// The lines about a customer and about the whole run in a file, for a message.
    fn lines_of(&self, id: u64, file: &str) -> Vec<String> {
        let content = self.scenario.read(file).unwrap_or_default();
        let content = String::from_utf8_lossy(&content).into_owned();
        let own = format!("\"id\":{id},");
        let is_wanted = |line: &&str| line.contains(&own) || line.contains("\"fact\":\"left_out");
        content
            .lines()
            .filter(is_wanted)
            .map(str::to_owned)
            .collect()
    }
}
