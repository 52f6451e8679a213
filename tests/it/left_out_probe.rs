//! The left-out probe finds out whether the API keeps the fields that an update leaves out, and
//! loses nothing on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;

use custsync::testing::sandbox::{ETags, Put, Reads, SandboxOptions, SuccessShape};
use serde_json::{Value, json};

use crate::harness::{End, Reply, Scenario, SplitMix64, countries_known, rounds};

/// The exit code of a process that was killed.
const KILLED: i32 = 137;
/// The variable that makes a debug build kill itself at a place.
const KILL: &str = "KILL_OF_A_TEST";
const CUSTOMERS: u64 = 40;
/// The most customers that are read for the probe.
const READS_MAX: u64 = 20;
/// The message of a run that has found out that fields are cleared.
const CLEARS: &str = "the API clears the fields that an update leaves out";
const UNKNOWN: &str = "it is not known whether the API keeps or clears the fields";

/// The places at which processes of the probe kill themselves.
const PLACES: [&str; 9] = [
    "read-answered",
    "image-queued",
    "image-synced",
    "put-leaves",
    "put-answered",
    "fact-written",
    "put-back-read",
    "put-back-answered",
    "loss-recorded",
];

/// Partly filled rows of this many customers, each with a job of its own.
fn rows(customers: u64, random: &mut SplitMix64) -> String {
    let mut rows = "id,first_name,job,country_id,email\n".to_owned();
    for id in 1..=customers {
        let name = random.pick(&["", "", "Zoe", "Ann"]);
        let country = random.pick(&["", "", "", "7"]);
        let email = random.pick(&["", "new@example.com"]);
        writeln!(rows, "{id},{name},Job {id},{country},{email}").expect("text grows");
    }
    rows
}

/// A scenario with a probe, with these countries known.
fn probing(
    rows: &str,
    known: impl Fn(u64) -> bool,
    change: impl FnOnce(&mut SandboxOptions),
) -> Scenario {
    let scenario = Scenario::new()
        .file("customers.csv", rows)
        .unlimited()
        .probing()
        .flags([
            "--attempts",
            "20",
            "--timeout",
            "1s",
            "--max-in-flight",
            "32",
        ])
        .sandbox(|options| {
            options.customers = CUSTOMERS;
            change(options);
        });
    scenario.write("custsync.toml", countries_known(known));
    scenario
}

fn customers(scenario: &Scenario) -> BTreeMap<u64, Value> {
    let sandbox = scenario.sandbox_thread();
    (1..=CUSTOMERS)
        .map(|id| (id, sandbox.customer(id)))
        .collect()
}

/// The rows whose updates were applied, by their jobs.
fn rows_applied(scenario: &Scenario) -> BTreeSet<String> {
    let ledger = scenario.ledger();
    let jobs = ledger
        .0
        .iter()
        .filter_map(|applied| applied.body["job"].as_str());
    jobs.filter(|job| job.starts_with("Job "))
        .map(str::to_owned)
        .collect()
}

/// Checks that every customer is as before, but for these fields of customers in the ledger.
fn is_as_before(scenario: &Scenario, before: &BTreeMap<u64, Value>, lost: &[&str], what: &str) {
    let touched: BTreeSet<u64> = scenario
        .ledger()
        .0
        .iter()
        .map(|applied| applied.id)
        .collect();
    for (id, customer) in customers(scenario) {
        let (was, now) = (&before[&id], &customer);
        for (field, was) in was.as_object().expect("a customer has fields") {
            let may_be_lost = touched.contains(&id) && lost.contains(&field.as_str());
            assert!(
                now[field] == *was || may_be_lost,
                "{what}: {field} of customer {id} is {}, and was {was}: {:#?}",
                now[field],
                scenario.ledger()
            );
        }
    }
}

#[test]
fn an_api_that_clears_fields_gets_one_row_and_the_customer_back() {
    for seed in (1..).take(rounds(20, 100)) {
        let mut random = SplitMix64::new(seed);
        let rows = rows(CUSTOMERS, &mut random);
        let faults = random.pick(&["", "503=10%", "503=5%,reset=5%", "truncate=5%"]);
        let shape = random.pick(&[SuccessShape::Resource, SuccessShape::NoData]);
        let known = random.pick(&[1, 2, 3]);
        let old_data = random.pick(&["0%", "50%"]);
        let scenario = probing(
            &rows,
            |id| id.is_multiple_of(known),
            |options| {
                options.seed = seed;
                options.put = Put::Replace;
                options.faults = faults.parse().expect("a plan");
                options.success_shape = shape;
                options.old_data = old_data.parse().expect("a share");
                options.latency = "0ms..3ms".parse().expect("a time");
            },
        );
        let before = customers(&scenario);
        let end = scenario.run([]).exits(2).says(CLEARS);
        let what = format!("seed {seed}, {faults:?}, {shape:?}: {}", end.stderr);
        // A country that the row sets and whose earlier name is not known stays as the row sets it.
        let lost: &[&str] = if known == 1 { &[] } else { &["country_id"] };
        is_as_before(&scenario, &before, lost, &what);
        let applied = rows_applied(&scenario);
        // A row whose connection breaks is in doubt, and another one may go.
        assert!(
            applied.len() <= 1 || faults.contains("reset") && applied.len() <= 2,
            "{what}: {applied:?}"
        );
        assert!(!end.files.contains_key("before.ndjson"), "{what}");
        let requests = scenario.counts().requests;
        scenario.run([]).exits(2).says(CLEARS);
        assert_eq!(scenario.counts().requests, requests, "{what}: asked once");
    }
}

#[test]
fn a_customer_whose_country_is_not_known_loses_no_more_than_that() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(1)).replace(",7,", ",,");
    let scenario = probing(&rows, |_| false, |options| options.put = Put::Replace);
    let before = customers(&scenario);
    let end = scenario.run([]).exits(2).says(CLEARS);
    is_as_before(&scenario, &before, &["country_id"], "no country is known");
    assert_eq!(rows_applied(&scenario).len(), 1);
    let end = end.says("has lost country_id, which cannot be put back: please do so by hand");
    assert!(end.files.contains_key("before.ndjson"), "the image is kept");
}

#[test]
fn no_edit_of_others_is_lost_while_a_customer_is_put_back() {
    let mut edits_before_the_end = 0;
    for seed in (700..).take(rounds(20, 100)) {
        let rows = rows(CUSTOMERS, &mut SplitMix64::new(seed));
        let scenario = probing(
            &rows,
            |_| true,
            |options| {
                options.seed = seed;
                options.put = Put::Replace;
                options.etags = ETags::Strong;
                options.edits.after = "30%".parse().expect("a share");
            },
        );
        let mut want = customers(&scenario);
        let end = scenario.run([]).exits(2).says(CLEARS);
        for edit in scenario.sandbox_thread().edits() {
            let customer = want.get_mut(&edit.customer).expect("it is known");
            customer[edit.field] = edit.value;
            let updates = scenario.ledger().len() as u64;
            edits_before_the_end += u64::from(edit.updates_before + 1 == updates);
        }
        assert_eq!(customers(&scenario), want, "seed {seed}: {}", end.stderr);
        assert!(!end.files.contains_key("before.ndjson"), "seed {seed}");
    }
    assert!(edits_before_the_end > 0, "no edit came in between");
}

#[test]
fn a_customer_who_changes_each_time_is_not_overwritten_but_told() {
    let shown = |job: Value, tag: &str| {
        let customer = json!({"data": {"id": 7, "first_name": "Ann", "last_name": "Lee", "job": job,
            "phone_number": "+4930123", "email": "a@b.example", "gender": "female", "address": "Street 1",
            "date_of_birth": "1985-04-12", "identity_number": "N1", "country_name": null,
            "default_channel_id": null, "related_user": null}});
        let headers = format!("ETag: \"{tag}\"\r\n");
        Reply::of(
            200,
            &headers,
            "application/json",
            customer.to_string().as_bytes(),
        )
    };
    let scenario = Scenario::new()
        .file("customers.csv", "id,email\n7,x@b.example\n")
        .probing()
        .server_with_reads(move |request| {
            let is_read = request.line.starts_with("GET ");
            match request.number {
                1 => shown(json!("Nurse"), "first"),
                2 => shown(Value::Null, "cleared"),
                number if is_read => shown(Value::Null, &number.to_string()),
                _ => Reply::error(412, "precondition_failed"),
            }
        });
    let end = scenario.run([]).exits(2).says(CLEARS);
    let end = end.says(
        "the customer of row 1 (id 7) has lost job, and was changed by others each time that it was to be put back: nothing of theirs is overwritten",
    );
    assert!(end.files.contains_key("before.ndjson"), "the image is kept");
    let requests = scenario.requests();
    let updates = requests
        .iter()
        .filter(|request| !request.line.starts_with("GET "));
    let conditions: Vec<_> = updates.map(|update| update.header("if-match")).collect();
    let tags = ["first", "3", "5", "7", "9", "11", "13"].map(|tag| format!("\"{tag}\""));
    let tags: Vec<_> = tags.iter().map(|tag| Some(tag.as_str())).collect();
    assert_eq!(conditions, tags, "each is as it was read last");
}

#[test]
fn nothing_else_is_under_way_while_the_probe_waits() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(2));
    let scenario = probing(
        &rows,
        |_| true,
        |options| {
            options.put = Put::Replace;
            options.latency = "30ms".parse().expect("a time");
        },
    );
    scenario.run([]).exits(2);
    assert_eq!(scenario.counts().in_flight_max, 1);
}

#[test]
fn a_probe_that_is_killed_at_any_place_loses_nothing() {
    if !cfg!(debug_assertions) {
        println!("did not run: only builds with debug assertions kill themselves on demand");
        return;
    }
    for seed in (100..).take(rounds(9, 100)) {
        let mut random = SplitMix64::new(seed);
        let rows = rows(CUSTOMERS, &mut random);
        let first = PLACES[(seed - 100) as usize % PLACES.len()];
        let others = (0..random.below(3)).map(|_| random.pick(&PLACES));
        let places: Vec<&str> = [first]
            .into_iter()
            .chain(others.collect::<Vec<_>>())
            .collect();
        let mut scenario = probing(
            &rows,
            |_| true,
            |options| {
                options.seed = seed;
                options.put = Put::Replace;
            },
        );
        let before = customers(&scenario);
        let what = format!("seed {seed}: {places:?}");
        for place in &places {
            scenario.set_variable(KILL, &format!("{place}@1"));
            scenario.run([]).exits_with_one_of(&[2, KILLED]);
        }
        scenario.set_variable(KILL, "");
        let end = scenario.run([]).exits(2).says(CLEARS);
        is_as_before(&scenario, &before, &[], &what);
        assert!(rows_applied(&scenario).len() <= places.len() + 1, "{what}");
        assert!(!end.files.contains_key("before.ndjson"), "{what}");
    }
}

#[test]
fn a_probe_that_is_killed_while_its_update_is_under_way_loses_nothing() {
    for seed in (300..).take(rounds(4, 50)) {
        let rows = rows(CUSTOMERS, &mut SplitMix64::new(seed));
        let scenario = probing(
            &rows,
            |_| true,
            |options| {
                options.seed = seed;
                options.put = Put::Replace;
                options.latency = "1ms..40ms".parse().expect("a time");
            },
        );
        let before = customers(&scenario);
        // The update, and the one that puts the customer back.
        for writes in [1, 2] {
            let end = scenario.start([]);
            let end = end.killed_once(|scenario| scenario.counts().writes() >= writes);
            end.exits_with_one_of(&[2, KILLED]);
        }
        scenario.run([]).exits(2).says(CLEARS);
        is_as_before(&scenario, &before, &[], &format!("seed {seed}"));
    }
}

/// Runs with all settings that the probe needs, and returns the end and the number of reads.
fn reads_of(scenario: &Scenario) -> (End, u64) {
    let before = scenario.counts().reads;
    let end = scenario.run([]);
    let reads = scenario.counts().reads - before;
    (end, reads)
}

/// Checks that a run needs this many reads on a server that keeps what is left out, and that a
/// second start needs none.
fn keeps_after(scenario: &Scenario, want: u64) {
    let (end, reads) = reads_of(scenario);
    let end = end.exits(0);
    assert_eq!(reads, want, "{}", end.stderr);
    let end = end.says("the API keeps the fields that an update leaves out");
    assert_eq!(end.summary()["left_out_is_kept"], true);
    assert_eq!(rows_applied(scenario).len() as u64, CUSTOMERS);
    let (end, reads) = reads_of(scenario);
    end.exits(0);
    assert_eq!(reads, 0, "it is known");
}

#[test]
fn an_api_that_keeps_fields_is_read_once() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(3));
    keeps_after(&probing(&rows, |_| true, |_| {}), 1);
}

#[test]
fn an_api_whose_answers_show_nothing_is_read_twice() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(3));
    for shape in [SuccessShape::NoData, SuccessShape::Empty] {
        let scenario = probing(&rows, |_| true, |options| options.success_shape = shape);
        keeps_after(&scenario, 2);
    }
}

#[test]
fn customers_who_could_not_be_put_back_go_later() {
    // No row sets the country, which would put it at no risk.
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(3)).replace(",7,", ",,");
    keeps_after(&probing(&rows, |_| false, |_| {}), READS_MAX);
    let twelfth = |scenario: &Scenario| {
        let customer = scenario.sandbox_thread().customer(12);
        customer["country_id"].as_u64().expect("a country")
    };
    let country = twelfth(&probing(&rows, |_| false, |_| {}));
    let scenario = probing(&rows, |id| id == country, |_| {});
    let others = (1..12)
        .filter(|id| scenario.sandbox_thread().customer(*id)["country_id"] == json!(country));
    assert_eq!(
        others.count(),
        0,
        "the twelfth is the first from its country"
    );
    keeps_after(&scenario, 12);
    assert_eq!(scenario.ledger().0[0].id, 12);
}

#[test]
fn customers_who_show_nothing_do_not_end_the_probe() {
    let mut rows = rows(CUSTOMERS, &mut SplitMix64::new(4));
    let scenario = probing("", |_| true, |_| {});
    let sandbox = scenario.sandbox_thread();
    let customer = sandbox.customer(1);
    for field in customer.as_object().expect("a customer has fields").keys() {
        sandbox.edit(1, field, Value::Null).expect("it is there");
    }
    // A test customer who does not exist, and an empty one, are first.
    rows = rows.replacen("\n1,", &format!("\n{},,Job 0,,\n1,", CUSTOMERS + 1), 1);
    scenario.write("customers.csv", rows);
    let (end, reads) = reads_of(&scenario);
    let end = end
        .exits(1)
        .says("the API keeps the fields that an update leaves out");
    assert_eq!(reads, 3, "{}", end.stderr);
    assert_eq!(end.results().row(1)["outcome"], "rejected");
    assert_eq!(rows_applied(&scenario).len() as u64, CUSTOMERS);
}

#[test]
fn a_run_goes_on_without_reads_if_they_are_refused() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(5));
    for reads in [Reads::Forbidden, Reads::Missing] {
        let scenario = probing(&rows, |_| true, |options| options.reads = reads);
        let (end, reads) = reads_of(&scenario);
        let end = end.exits(0).says(UNKNOWN);
        assert_eq!(end.lines_with(UNKNOWN), 1, "{}", end.stderr);
        assert_eq!(rows_applied(&scenario).len() as u64, CUSTOMERS);
        assert!(reads <= 3, "{reads} reads: {}", end.stderr);
    }
}

#[test]
fn nothing_is_read_for_users_who_trust_the_api() {
    let rows = rows(CUSTOMERS, &mut SplitMix64::new(6));
    let scenario = probing(&rows, |_| true, |_| {});
    let end = scenario.run(["--left-out", "trust"]).exits(0);
    assert_eq!(scenario.counts().reads, 0, "{}", end.stderr);
}

/// A header of all fields, and a row that sets all of them.
fn complete_row(id: u64, country: u64) -> String {
    format!(
        "id,first_name,last_name,phone_number,email,date_of_birth,gender,country_id,identity_number,job,address,default_channel_id,user_id\n\
        {id},Ann,Lee,+4930123,ann@example.com,1985-04-12,female,{country},N1,Nurse,Street 1,1,2\n"
    )
}

#[test]
fn nothing_is_read_for_rows_that_set_all_fields() {
    let scenario = probing(&complete_row(1, 7), |_| true, |_| {});
    scenario.run([]).exits(0);
    assert_eq!(scenario.counts().reads, 0);
}

#[test]
fn complete_rows_teach_the_country_by_which_a_customer_is_put_back() {
    let scenario = probing("", |_| false, |options| options.put = Put::Replace);
    let before = scenario.sandbox_thread().customer(2);
    let country = before["country_id"].as_u64().expect("a country");
    let rows = complete_row(1, country) + "2,,,,,,,,,Clerk,,,\n";
    scenario.write("customers.csv", rows);
    let end = scenario.run([]).exits(2).says(CLEARS);
    assert_eq!(scenario.ledger().0.len(), 3, "two rows, and one put back");
    assert_eq!(scenario.sandbox_thread().customer(2), before);
    assert!(!end.files.contains_key("before.ndjson"), "nothing is left");
}

#[test]
fn complete_updates_lose_nothing_and_rows_that_would_are_not_sent() {
    for seed in (500..).take(rounds(4, 50)) {
        let rows = rows(CUSTOMERS, &mut SplitMix64::new(seed));
        let known = |id: u64| id.is_multiple_of(2);
        let scenario = probing(&rows, known, |options| {
            options.seed = seed;
            options.put = Put::Replace;
            options.faults = "503=5%".parse().expect("a plan");
        });
        let before = customers(&scenario);
        let end = scenario
            .run(["--complete", "--max-errors", "none"])
            .exits(1);
        let results = end.results();
        let now = customers(&scenario);
        let mut unsendable = 0;
        let mut reader = csv::Reader::from_reader(rows.as_bytes());
        for (row, record) in (1..).zip(reader.records()) {
            let record = record.expect("rows are CSV");
            let id: u64 = record[0].parse().expect("an id");
            let mut want = before[&id].clone();
            let country = want["country_id"].as_u64().expect("a country");
            let line = results.row(row);
            if line["error"] == "unsendable" {
                unsendable += 1;
                assert_eq!(line["outcome"], "failed", "{line}");
                assert_eq!(line["errors"][0]["field"], "country_id", "{line}");
                assert!(!known(country) && record[3].is_empty(), "{line}");
                let sent = end.ledger.0.iter().filter(|applied| applied.id == id);
                assert_eq!(sent.count(), 0, "seed {seed}: {line}");
            } else {
                for (column, field) in [(1, "first_name"), (2, "job"), (4, "email")] {
                    if !record[column].is_empty() {
                        want[field] = json!(record[column]);
                    }
                }
                if !record[3].is_empty() {
                    want["country_id"] = json!(7);
                }
            }
            assert_eq!(now[&id], want, "seed {seed}: row {row}");
        }
        assert!(unsendable > 0, "seed {seed}");
    }
}

/// An earlier process sent the first row with all fields, and the input has only its own. While the
/// others are refused, the run repeats it to find out whether the API works.
#[test]
fn a_complete_update_of_an_earlier_process_is_repeated_with_all_fields() {
    let mut rows = "id,job\n1,Judge\n".to_owned();
    for id in CUSTOMERS + 1..=CUSTOMERS + 12 {
        writeln!(rows, "{id},Nurse").expect("text grows");
    }
    let scenario = probing(&rows, |_| true, |options| options.put = Put::Replace);
    let mut want = customers(&scenario);
    want.get_mut(&1).expect("the first one")["job"] = json!("Judge");
    scenario
        .run(["--complete", "--max-errors", "none", "--max-rows", "1"])
        .exits(0);
    let end = scenario
        .run(["--complete", "--max-errors", "none"])
        .exits(1);
    let repeated = end.ledger.0.iter().filter(|applied| applied.id == 1);
    assert_eq!(repeated.count(), 2, "it is the control: {}", end.stderr);
    assert_eq!(customers(&scenario), want);
}
