//! The canary: the first customers are sent to before all others, whatever happens to the process.

use std::collections::BTreeSet;

use custsync::testing::sandbox::Counts;
use serde_json::{Value, json};

use crate::harness::{Customers, End, Form, Scenario, SplitMix64, rounds};

/// The variable that makes a debug build kill itself at a place.
const KILL: &str = "KILL_OF_A_TEST";
/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The places at which processes kill themselves.
const PLACES: [&str; 6] = [
    "read-answered",
    "image-synced",
    "put-leaves",
    "put-answered",
    "entry-written",
    "fact-written",
];
/// The rounds of the test with kills, by default and if there is time.
const FEW: usize = 6;
const ALL: usize = 30;
/// The starts after which a run is taken to go on for ever.
const STARTS_MAX: usize = 8;

/// The first customers of the file with a valid row.
fn first_customers(customers: &Customers, number: usize) -> BTreeSet<u64> {
    let mut first = BTreeSet::new();
    for (_, row) in customers.valid() {
        if first.len() < number {
            first.insert(row.id);
        }
    }
    first
}

/// The customers that were updated.
fn updated(end: &End) -> BTreeSet<u64> {
    end.ledger.0.iter().map(|applied| applied.id).collect()
}

/// The verdicts in the journal: whether the run went on.
fn verdicts(scenario: &Scenario) -> Vec<bool> {
    let journal = scenario.read("run/results.ndjson").unwrap_or_default();
    let text = String::from_utf8(journal).expect("a journal is UTF-8");
    let whole = text
        .split_inclusive('\n')
        .filter(|line| line.ends_with('\n'));
    let facts = whole.filter_map(|line| serde_json::from_str::<Value>(line).ok());
    facts
        .filter(|fact| fact["fact"] == "canary")
        .map(|fact| fact["goes_on"].as_bool().expect("a verdict goes on or not"))
        .collect()
}

/// The verdict in the report.
fn reported(scenario: &Scenario) -> Value {
    let end = scenario.custsync(["report", "--output-format", "json", "run"]);
    let report: Value = serde_json::from_str(&end.exits(0).stdout).expect("a report is JSON");
    report["runs"][0]["canaries"][0].clone()
}

/// The page of the report.
fn page(scenario: &Scenario) -> String {
    let page = scenario.read("run/report.html").expect("there is a page");
    String::from_utf8(page).expect("a page is UTF-8")
}

fn requests(counts: &Counts) -> u64 {
    counts.requests
}

#[test]
fn a_run_stops_after_its_canary_and_the_printed_command_goes_on() {
    let customers = Customers::with_bad(60, 10, Form::Csv, 11);
    let scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .sandbox(|_| {})
        .flags(["--max-errors", "none"]);
    let first = first_customers(&customers, 7);
    let end = scenario.run(["--canary", "7"]).exits(6);
    assert_eq!(updated(&end), first);
    let end = end
        .says("the canary is good: 7 customers sent to, ")
        .says("no other customer was sent to (--canary-then go goes on)")
        .prints("Stopped after the canary");
    assert_eq!(verdicts(&scenario), [false]);

    // The same command sends nothing more, and says the same.
    let before = requests(&scenario.counts());
    scenario
        .run(["--canary", "7"])
        .exits(6)
        .says("the canary is good: 7 customers sent to, ");
    assert_eq!(requests(&scenario.counts()), before);

    let on = "<code>--canary-then go</code> goes on to all others";
    let told = reported(&scenario);
    assert_eq!(
        [&told["is_good"], &told["customers"]],
        [&json!(true), &json!(7)]
    );
    assert_eq!(told["updated"], end.summary()["updated"]);
    assert_eq!(
        [&told["bad"], &told["then"]],
        [&json!(0), &json!("stopped")]
    );
    assert!(page(&scenario).contains(on));

    // More customers are another canary.
    let more = scenario.run(["--canary", "9"]).exits(6);
    assert_eq!(updated(&more), first_customers(&customers, 9));
    assert_eq!(reported(&scenario)["customers"], 9);

    let command = end.next_command().to_owned();
    assert!(command.contains("--canary-then go"), "{command}");
    scenario.shell(&command).exits(1);
    assert_eq!(verdicts(&scenario), [false, false, true]);
    assert_eq!(reported(&scenario)["then"], "went_on");
    assert!(!page(&scenario).contains(on), "nothing is left to be said");
    scenario.holds(customers.valid().map(|(_, row)| row));
    let (applied, repeats) = scenario.ledger().without_repeats();
    assert_eq!((applied, repeats), (customers.bodies_by_customer(), 0));
}

#[test]
fn a_good_canary_goes_on_by_itself_and_a_bad_one_stops() {
    let customers = Customers::good(40, 12);
    let good = Scenario::new().csv(&customers).unlimited().sandbox(|_| {});
    good.run(["--canary", "5", "--canary-then", "go"])
        .exits(0)
        .says("the canary is good: 5 customers sent to, ")
        .says("the run goes on (--canary-then go)");
    assert_eq!(verdicts(&good), [true]);

    let bad = Scenario::new()
        .csv(&customers)
        .unlimited()
        .sandbox(|options| options.echo = "job=ignore".parse().expect("an echo"));
    let end = bad.run(["--canary", "5", "--canary-then", "go"]).exits(6);
    assert_eq!(updated(&end), first_customers(&customers, 5));
    let end = end
        .says("the canary is bad: 5 customers sent to, ")
        .says("shown otherwise than sent: job in ");
    let told = reported(&bad);
    assert_eq!(
        [&told["is_good"], &told["echo"]],
        [&json!(false), &json!(["job"])]
    );
    // A person has looked.
    bad.shell(end.next_command()).exits(0);
    assert_eq!(verdicts(&bad), [false, true]);
}

#[test]
fn a_file_with_as_many_customers_ends_as_usual() {
    for (number, code) in [("3", 0), ("4", 0), ("2", 6)] {
        let customers = Customers::in_turn(3, 2, 13);
        let scenario = Scenario::new().csv(&customers).unlimited().sandbox(|_| {});
        scenario.run(["--canary", number]).exits(code);
        assert_eq!(verdicts(&scenario).len(), usize::from(code == 6));
    }
}

#[test]
fn rows_that_are_unchanged_take_no_place() {
    let export = |others: &[u64]| {
        let row = |id| {
            format!(
                "{id},{}\n",
                if others.contains(&id) {
                    "Chef"
                } else {
                    "Nurse"
                }
            )
        };
        "id,job\n".to_owned() + &(1..=50).map(row).collect::<String>()
    };
    let scenario = Scenario::new().sandbox(|_| {});
    scenario.write("first.csv", export(&[]));
    scenario.write("second.csv", export(&[20, 30, 40]));
    let url = scenario.url().expect("a server");
    let night = |file: &str, more: &str| {
        scenario.shell(&format!(
            "custsync run {file}.csv --state s --run-dir {file} --base-url {url} --rate unlimited {more}"
        ))
    };
    night("first", "--full-resync").exits(0);
    let before = scenario.ledger().len();
    let end = night("second", "--canary 2").exits(6);
    let mut new: Vec<_> = end.ledger.0[before..]
        .iter()
        .map(|applied| applied.id)
        .collect();
    new.sort_unstable();
    assert_eq!(new, [20, 30]);
    night("second", "--canary 2 --canary-then go").exits(0);
    assert_eq!(scenario.ledger().len() - before, 3);
}

#[test]
fn a_pipe_goes_on_with_the_same_bytes() {
    let customers = Customers::good(30, 14);
    let scenario = Scenario::new()
        .stdin(customers.file(Form::Csv))
        .unlimited()
        .flags(["--null-string", "NULL"])
        .sandbox(|_| {});
    let end = scenario.run(["--canary", "4"]).exits(6);
    assert_eq!(updated(&end), first_customers(&customers, 4));
    let end = end.prints("pipe the same bytes again into:");
    assert!(end.next_command().contains("--canary-then go"));
    scenario
        .run(["--canary", "4", "--canary-then", "go"])
        .exits(0);
    scenario.holds(customers.valid().map(|(_, row)| row));
}

#[test]
fn what_follows_a_canary_needs_one() {
    let customers = Customers::good(3, 15);
    let scenario = Scenario::new().csv(&customers).sandbox(|_| {});
    scenario
        .run(["--canary-then", "go"])
        .exits(2)
        .says("--canary-then has no effect without --canary N");
    scenario.run(["--canary", "0"]).exits(2);
    scenario.run(["--canary", "10001"]).exits(2);
}

#[test]
fn a_canary_that_is_killed_anywhere_is_the_same_one() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for seed in (100..).take(rounds(FEW, ALL)) {
        is_the_same_after_kills(seed);
    }
}

fn is_the_same_after_kills(seed: u64) {
    let mut random = SplitMix64::new(seed);
    let customers = Customers::with_bad(50, 10, Form::Csv, seed);
    let number = 1 + random.below(12);
    let (first, places) = (first_customers(&customers, number), number.to_string());
    // Customers beyond these are unknown to the API.
    let known = random.pick(&[1_000, 45]);
    let faults = random.pick(&["", "503=5%,reset=3%", "truncate=3%,502=3%", "429=5%"]);
    let then = random.pick(&["stop", "go"]);
    let undoable = random.pick(&["--undoable=false", "--undoable=true"]);
    let mut scenario = Scenario::new()
        .csv(&customers)
        .unlimited()
        .flags([
            "--max-errors",
            "none",
            "--attempts",
            "20",
            "--timeout",
            "1s",
        ])
        .sandbox(|options| {
            options.customers = known;
            options.faults = faults.parse().expect("a plan of faults");
            options.latency = "0ms..4ms".parse().expect("latencies");
        });
    let mut kills: Vec<String> = (0..random.below(4))
        .map(|_| format!("{}@{}", random.pick(&PLACES), 1 + random.below(10)))
        .collect();
    let mut goes_on = "stop";
    for start in 0.. {
        assert!(start < STARTS_MAX, "seed {seed}: it goes on for ever");
        scenario.set_variable(KILL, &kills.pop().unwrap_or_default());
        let then = if goes_on == "go" { "go" } else { then };
        let end = scenario
            .run(["--canary", &places, "--canary-then", then, undoable])
            .exits_with_one_of(&[0, 1, 6, KILLED]);
        let verdicts = verdicts(&scenario);
        if !verdicts.contains(&true) {
            let updated = updated(&end);
            assert!(
                updated.is_subset(&first),
                "seed {seed}: {updated:?} are not among {first:?}"
            );
        }
        match end.code() {
            KILLED => {}
            6 => {
                assert_eq!(verdicts.last(), Some(&false), "seed {seed}");
                assert!(end.next_command().contains("--canary-then go"));
                goes_on = "go";
            }
            _ => {
                let enough = first_customers(&customers, number + 1).len() > number;
                assert_eq!(verdicts.last() == Some(&true), enough, "seed {seed}");
                break;
            }
        }
    }
    let reached = customers.valid().map(|(_, row)| row);
    scenario.holds(reached.filter(|row| row.id <= known));
}
