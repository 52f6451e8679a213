//! `check --write-plan` and `run --plan`: what was checked is sent, or nothing.

use std::fs::{self, File, OpenOptions};
use std::os::unix::fs::{FileExt as _, PermissionsExt as _};
use std::path::PathBuf;

use custsync::testing::contract::CustomerId;
use custsync::testing::journal::{Fact, RunDir, RunKey};
use custsync::testing::plan::{Requests, SeenWriter};
use jiff::{SignedDuration, Timestamp};
use rustix::fs::{FlockOperation, flock};
use serde_json::{Value, json};

use crate::harness::{Customers, End, FIELDS, Form, Scenario};

const ROWS: &str = "id,email,job\n1,a@b.example,Nurse\n2,c@d.example,Chef\n3,,Driver\n";
const PLAN: &str = "plan";

fn scenario(rows: &str) -> Scenario {
    Scenario::new()
        .file("customers.csv", rows)
        .unlimited()
        .sandbox(|_| {})
}

/// Checks the inputs, and moves the run directory away: it is the plan.
fn planned(scenario: &Scenario) -> End {
    let end = scenario.check(["--write-plan", "--max-errors", "none"]);
    fs::rename(scenario.path("run"), scenario.path(PLAN)).expect("the check has a directory");
    end
}

/// Runs the plan with these flags.
fn run<const N: usize>(scenario: &Scenario, flags: [&str; N]) -> End {
    let mut words = vec!["run", "customers.csv", "--run-dir", "run", "--plan", PLAN];
    let url = scenario.url().expect("a sandbox");
    words.extend(["--base-url", &url, "--rate", "unlimited"]);
    words.extend(flags);
    scenario.start_words(words).end()
}

/// Checks that a run of the plan ends like this before anything is sent or recorded.
fn refuses<const N: usize>(scenario: &Scenario, flags: [&str; N], code: i32, text: &str) {
    let before = scenario.counts().requests;
    run(scenario, flags).exits(code).says(text);
    assert_eq!(scenario.counts().requests, before, "nothing is sent");
    assert!(
        scenario.read("run/results.ndjson").is_none(),
        "no run has begun"
    );
}

/// The run directory and the key of the plan.
fn plan_of(scenario: &Scenario) -> (RunDir, RunKey) {
    let run_dir = RunDir::create(&scenario.path(PLAN)).expect("the plan is there");
    let key = RunKey::read(&run_dir).expect("the plan has a key");
    (run_dir, key)
}

/// Adds the customers to a plan, as a preview sees them, with the bodies of their rows.
fn see(scenario: &Scenario, customers: &[(u64, &[Value])]) {
    let (run_dir, key) = plan_of(scenario);
    let mut writer = SeenWriter::create(&run_dir, key).expect("the plan can be written");
    for (customer, bodies) in customers {
        let id = CustomerId::new(*customer).expect("an id");
        let shown = json!({ "data": scenario.shown(*customer) }).to_string();
        let bodies: Vec<_> = bodies.iter().map(Value::to_string).collect();
        let bodies: Vec<_> = bodies.iter().map(String::as_bytes).collect();
        let added = writer.add_answer(id, shown.as_bytes(), &bodies);
        assert!(added.expect("the plan can be written"), "it is shown");
    }
    writer.finish().expect("the plan can be written");
}

/// Adds the customers of [`ROWS`] to a plan.
fn see_rows(scenario: &Scenario) {
    see(
        scenario,
        &[
            (1, &[json!({"email": "a@b.example", "job": "Nurse"})]),
            (2, &[json!({"email": "c@d.example", "job": "Chef"})]),
            (3, &[json!({"job": "Driver"})]),
        ],
    );
}

#[test]
fn what_check_plans_is_what_run_sends() {
    for (seed, form) in [(31, Form::Csv), (32, Form::Ndjson), (33, Form::Csv)] {
        let customers = Customers::with_bad(300, 20, form, seed);
        let scenario = Scenario::new()
            .rows(form, &customers)
            .unlimited()
            .sandbox(|_| {});
        planned(&scenario).exits(1);
        let flags = ["--plan", PLAN, "--max-errors", "none"];
        let end = scenario.run(flags).exits(1);
        let good = customers.valid().count();
        let (run_dir, key) = plan_of(&scenario);
        let mut requests = Requests::open(&run_dir)
            .expect("the plan can be read")
            .expect("there is a plan");
        assert_eq!(requests.rows(), 300);
        // The requests as they came in at the server.
        assert_eq!(end.ledger.len(), good);
        for applied in &end.ledger.0 {
            let members = FIELDS.iter().filter_map(|field| {
                let value = applied.body.get(field)?;
                Some(format!("\"{field}\":{value}"))
            });
            let body = format!("{{{}}}", members.collect::<Vec<_>>().join(","));
            let hash = key.request_hash(applied.id, body.as_bytes());
            let row = applied.row();
            assert!(
                requests.has(row, Some(hash)).expect("the plan can be read"),
                "row {row} is sent as planned: {body}"
            );
        }
        for (row, ..) in customers.bad() {
            assert!(requests.has(row, None).expect("the plan can be read"));
        }
    }
}

#[test]
fn one_byte_of_the_input_makes_it_another() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let check = |changed: &str, text: &str| {
        scenario.write("customers.csv", changed);
        refuses(&scenario, [], 5, text);
    };
    check(
        &ROWS.replace("Chef", "Chew"),
        "customers.csv:3: the row's request is another one than in the plan in plan: look at what has changed, and make the plan again; nothing was sent",
    );
    check(&ROWS.replace("3,,", "4,,"), "customers.csv:4: the row's");
    check(&ROWS.replace("a@b", "a@@b"), "customers.csv:2: the row's");
    check(
        &format!("{ROWS}4,,Clerk\n"),
        "customers.csv:5: the plan in plan ends before this row",
    );
    check(
        &ROWS.replace("3,,Driver\n", ""),
        "the input ends after row 2, and the plan in plan has 3 rows",
    );
    check(&ROWS.replace("job", "address"), "has other columns than");
    // Bytes that are not sent make no difference.
    scenario.write("customers.csv", ROWS.replace("Nurse\n", "\"Nurse\"\r\n"));
    run(&scenario, []).exits(0).counts([3, 0, 0, 0, 0]);
}

#[test]
fn a_setting_that_makes_requests_is_that_of_the_plan() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let text = "the plan in plan was made with another empty (";
    refuses(&scenario, ["--empty", "null"], 5, text);
    let text = "the plan in plan was made with another unique (";
    refuses(&scenario, ["--unique", "reject"], 5, text);
    // What only a run has, and limits, make no difference.
    let end = run(&scenario, ["--undoable", "--max-in-flight", "2"]);
    end.exits(0).counts([3, 0, 0, 0, 0]);
    scenario.undo([]).exits(0);
}

#[test]
fn rows_are_sent_in_parts_of_the_plan() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let end = run(&scenario, ["--max-rows", "1"]);
    end.exits(0).counts([1, 0, 0, 0, 0]);
    let end = run(&scenario, ["--skip-rows", "1"]);
    end.exits(0).counts([3, 0, 0, 0, 0]);
}

#[test]
fn shards_share_a_plan_of_all_rows() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let url = scenario.url().expect("a sandbox");
    for shard in ["1/2", "2/2"] {
        let words = ["run", "customers.csv", "--run-dir", "shards"].into_iter();
        let words = words.chain(["--plan", PLAN, "--base-url", &url, "--shard", shard]);
        scenario.start_words(words).end().exits(0);
    }
    assert_eq!(scenario.ledger().len(), 3);
}

#[test]
fn a_plan_of_one_shard_is_of_no_other() {
    let row = |id| format!("{id},Nurse {id}\n");
    let rows: String = (1..=20).map(row).collect();
    let scenario = scenario(&format!("id,job\n{rows}"));
    let end = scenario.check(["--write-plan", "--shard", "1/4"]);
    end.exits(0);
    fs::rename(scenario.path("run"), scenario.path(PLAN)).expect("the check has a directory");
    let check = |flag: &str, run: &str| {
        let text = format!("the plan in plan is of shard 1 of 4, and this run is of {run}: ");
        refuses(&scenario, [flag], 5, &text);
    };
    check("--shard=2/4", "shard 2 of 4");
    check("--shard=1/2", "shard 1 of 2");
    check("--plan-max-age=24h", "all rows");
    let end = run(&scenario, ["--shard", "1/4"]).exits(0);
    let sent: Vec<u64> = end.ledger.0.iter().map(|applied| applied.id).collect();
    assert!(!sent.is_empty() && sent.len() < 20, "{sent:?}");
    for id in 1..=20 {
        let is_sent = scenario.sandbox_thread().customer(id)["job"] == format!("Nurse {id}");
        assert_eq!(is_sent, sent.contains(&id), "{id}");
    }
    // The check stands alone in a report.
    let report = scenario.custsync(["report", PLAN]).exits(0);
    assert!(!report.stdout.contains("missing"), "{}", report.stdout);
}

#[test]
fn a_plan_without_the_first_rows_is_none_of_all() {
    let scenario = scenario(ROWS);
    let end = scenario.check(["--write-plan", "--skip-rows", "1"]);
    end.exits(0);
    fs::rename(scenario.path("run"), scenario.path(PLAN)).expect("the check has a directory");
    refuses(&scenario, [], 5, "customers.csv:2: the row's request");
    run(&scenario, ["--skip-rows", "1"]).exits(0);
}

#[test]
fn an_old_plan_is_refused_until_its_age_is_allowed() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    grows_old(&scenario, 25);
    refuses(&scenario, [], 5, "longer ago than --plan-max-age");
    refuses(
        &scenario,
        ["--plan-max-age", "24h"],
        5,
        "make the plan again",
    );
    run(&scenario, ["--plan-max-age", "26h"])
        .exits(0)
        .counts([3, 0, 0, 0, 0]);
    fs::remove_dir_all(scenario.path("run")).expect("the run is there");
    refuses(&scenario, [], 5, "longer ago than --plan-max-age");
    assert!(!scenario.path("run").exists(), "nothing is created");
    run(&scenario, ["--plan-max-age", "none"]).exits(0);
}

/// Makes the plan look as if it had been complete this many hours ago.
fn grows_old(scenario: &Scenario, hours: i64) {
    scenario.edit("plan/results.ndjson", |journal| {
        let at = Timestamp::now() - SignedDuration::from_hours(hours);
        let ended = Fact::Ended {
            at,
            exit: 0,
            until: None,
            opens: None,
            figures: None,
        };
        ended.encode(journal);
    });
}

#[test]
fn a_run_that_has_begun_goes_on_whatever_the_age_of_its_plan() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    run(&scenario, ["--max-rows", "1"]).exits(0);
    grows_old(&scenario, 1_000);
    run(&scenario, ["--max-rows", "2"]).exits(0);
    assert_eq!(scenario.ledger().len(), 2);
    let url = scenario.url().expect("a sandbox");
    let begins = |directory: &'static str, more: &[&'static str]| {
        let words = ["run", "customers.csv", "--plan", PLAN, "--base-url", &url];
        let words = words.into_iter().chain(["--run-dir", directory]);
        let end = scenario
            .start_words(words.chain(more.iter().copied()))
            .end();
        end.exits(5).says("longer ago than --plan-max-age");
    };
    // Another directory is another run, and a shard begins for itself. Nothing is created that a
    // newer plan would differ from.
    begins("other", &[]);
    begins("shards", &["--shard", "1/2"]);
    assert!(!scenario.path("other").exists() && !scenario.path("shards").exists());
    // A process that was killed before it had written its first line has begun nothing.
    fs::create_dir(scenario.path("other")).expect("a directory");
    scenario.write("other/results.ndjson", "");
    begins("other", &[]);
    assert_eq!(scenario.ledger().len(), 2);
    run(&scenario, []).exits(0).counts([3, 0, 0, 0, 0]);
    assert_eq!(scenario.sandbox_thread().customer(3)["job"], "Driver");
}

#[test]
fn a_run_without_a_name_goes_on_whatever_the_age_of_its_plan() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let url = scenario.url().expect("a sandbox");
    let run = |more: &[&str]| {
        let words = ["run", "customers.csv", "--plan", PLAN, "--base-url", &url];
        scenario
            .start_words(words.iter().chain(more).copied())
            .end()
    };
    run(&["--canary", "1"]).exits(6);
    grows_old(&scenario, 25);
    run(&["--canary", "1", "--canary-then", "go"]).exits(0);
    assert_eq!(scenario.ledger().len(), 3);
    run(&["--fresh"])
        .exits(5)
        .says("longer ago than --plan-max-age");
    assert_eq!(scenario.ledger().len(), 3);
}

#[test]
fn what_is_no_finished_check_is_no_plan() {
    let scenario = scenario(ROWS);
    let absent = "the plan plan cannot be read: No such file or directory; nothing was sent";
    refuses(&scenario, [], 5, absent);
    let check = |text: &str| {
        refuses(&scenario, [], 5, text);
        fs::remove_dir_all(scenario.path(PLAN)).expect("the plan is there");
    };
    let moved = || fs::rename(scenario.path("run"), scenario.path(PLAN)).expect("a directory");
    fs::create_dir(scenario.path(PLAN)).expect("a directory");
    check("plan is no plan, as it is no run directory (it holds no results.ndjson): make one");
    fs::write(scenario.path(PLAN), "").expect("a file");
    refuses(
        &scenario,
        [],
        5,
        "the plan plan cannot be read: Not a directory",
    );
    fs::remove_file(scenario.path(PLAN)).expect("the file is there");
    scenario.check([]).exits(0);
    moved();
    check("plan holds a check without a plan, which --write-plan makes: make one");
    scenario.run([]).exits(0);
    moved();
    check("plan holds a run, which is no plan");
    // A check that was killed before its plan was whole, or before it had ended.
    planned(&scenario).exits(0);
    scenario.edit("plan/plan.requests", |requests| {
        requests.truncate(requests.len() - 1);
    });
    check("plan holds no finished plan, as plan.requests is cut short or missing");
    let unfinished = "plan holds no finished plan, as its check or preview did not come to its end";
    planned(&scenario).exits(0);
    scenario.edit("plan/results.ndjson", |journal| {
        let ended = journal.strip_suffix(b"\n").expect("whole lines");
        let end = ended
            .iter()
            .rposition(|byte| *byte == b'\n')
            .expect("lines");
        journal.truncate(end + 1);
    });
    check(unfinished);
    // A check that stopped early.
    scenario.write("customers.csv", "id,email\n1,x\n2,y\n");
    let end = scenario.check(["--write-plan", "--max-errors", "1"]);
    end.exits(6);
    moved();
    check(unfinished);
    scenario.write("customers.csv", ROWS);
    planned(&scenario).exits(0);
    scenario.edit("plan/plan.requests", |requests| requests[30] ^= 1);
    check("plan/plan.requests is damaged (its checksum is wrong): make the plan again");
}

#[test]
fn a_later_check_removes_the_plan_of_an_earlier_one() {
    let scenario = scenario(ROWS);
    scenario.check(["--write-plan"]).exits(0);
    let mode = fs::metadata(scenario.path("run/plan.requests")).expect("there is a plan");
    assert_eq!(mode.permissions().mode() & 0o777, 0o600);
    let plan = scenario.read("run/plan.requests");
    scenario.check(["--write-plan"]).exits(0);
    assert_ne!(scenario.read("run/plan.requests"), plan, "another key");
    scenario.check([]).exits(0);
    assert_eq!(scenario.read("run/plan.requests"), None);
}

#[test]
fn a_plan_holds_no_value_and_forget_leaves_it() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    see_rows(&scenario);
    for name in ["plan/plan.requests", "plan/plan.redb"] {
        let content = scenario.read(name).expect("a file of the plan");
        for value in ["a@b.example", "Nurse"] {
            let found = content
                .windows(value.len())
                .any(|window| window == value.as_bytes());
            assert!(!found, "{value} is in {name}");
        }
    }
    scenario.custsync(["forget", PLAN]).exits(0);
    run(&scenario, []).exits(0);
}

#[test]
fn an_input_that_is_read_once_has_no_plan() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    let url = scenario.url().expect("a sandbox");
    let run = [
        "run",
        "-",
        "--run-dir",
        "run",
        "--plan",
        PLAN,
        "--base-url",
        &url,
    ];
    let end = scenario.custsync(run).exits(2);
    end.says("--plan reads the input twice");
    refuses(
        &scenario,
        ["--state", "nightly.state", "--full-resync"],
        2,
        "--plan and --state contradict each other",
    );
    let end = scenario.custsync(["check", "customers.csv", "--plan", PLAN]);
    end.exits(2).says("--plan has no effect in a check");
    let end = scenario.custsync(["run", "customers.csv", "--write-plan", "--sandbox"]);
    end.exits(2).says("--write-plan has no effect in a run");
    let end = scenario.custsync(["run", "customers.csv", "--plan-max-age", "1h", "--sandbox"]);
    end.exits(2)
        .says("--plan-max-age has no effect without --plan");
}

#[test]
fn a_row_that_changes_after_the_comparison_is_not_sent() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    fs::create_dir(scenario.path("run")).expect("a directory");
    let lock = File::open(scenario.path("run")).expect("the directory is there");
    flock(&lock, FlockOperation::LockExclusive).expect("it is not locked");
    let running = scenario.start(["--plan", PLAN, "--lock-wait", "60s"]);
    let running = running.until_it_says("all rows are those of the plan in plan");
    let path: PathBuf = scenario.path("customers.csv");
    let file = OpenOptions::new()
        .write(true)
        .open(path)
        .expect("the input");
    let at = ROWS.find("Chef").expect("a job") as u64;
    file.write_all_at(b"Cook", at)
        .expect("the input can be written");
    drop(lock);
    let end = running.end().exits(5);
    end.says("row 2 has another request, and is not sent");
    assert_eq!(scenario.ledger().len(), 0, "nothing of its block is sent");
}

#[test]
fn a_customer_who_was_changed_since_keeps_its_values() {
    let scenario = scenario(ROWS);
    planned(&scenario).exits(0);
    see_rows(&scenario);
    let sandbox = scenario.sandbox_thread();
    sandbox
        .edit(2, "email", json!("new@d.example"))
        .expect("a field");
    // A field that is not sent, and one that is as it is to be.
    sandbox
        .edit(1, "address", json!("elsewhere"))
        .expect("a field");
    sandbox.edit(3, "job", json!("Driver")).expect("a field");
    let end = run(&scenario, ["--max-errors", "none"]).exits(1);
    assert_eq!(end.summary()["conflict"], 1, "{}", end.stdout);
    let line = end.results().row(2).clone();
    assert_eq!(line["outcome"], "conflict");
    assert_eq!(line["errors"][0]["field"], "email", "{line}");
    assert_eq!(line["errors"].as_array().map(Vec::len), Some(1), "{line}");
    assert_eq!(end.failed_rows(Form::Csv)[0].place, "customers.csv:3");
    let customer = scenario.sandbox_thread().customer(2);
    assert_eq!(customer["email"], "new@d.example");
    assert_ne!(customer["job"], "Chef", "nothing of the row is sent");
    assert_eq!(scenario.ledger().len(), 2);
    // Nothing was sent to it, so the same command changes nothing.
    run(&scenario, ["--max-errors", "none"]).exits(1);
    assert_eq!(scenario.ledger().len(), 2);
}

#[test]
fn a_plan_goes_with_images_and_with_complete_updates() {
    let check = |flag: &str| {
        let scenario = Scenario::new()
            .file("customers.csv", ROWS)
            .sandbox(|options| options.tenant = None);
        planned(&scenario).exits(0);
        see_rows(&scenario);
        let sandbox = scenario.sandbox_thread();
        sandbox.edit(1, "job", json!("Clerk")).expect("a field");
        for customer in 1..=3 {
            // `--complete` sends it back, and its id is not known.
            let country = sandbox.edit(customer, "country_id", Value::Null);
            country.expect("a field");
            sandbox
                .edit(customer, "address", json!("new"))
                .expect("a field");
        }
        let end = run(&scenario, [flag, "--max-errors", "none"]).exits(1);
        assert_eq!(end.summary()["conflict"], 1, "{flag}: {}", end.stdout);
        assert_eq!(end.summary()["updated"], 2, "{flag}: {}", end.stdout);
        assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Clerk");
        assert_eq!(scenario.sandbox_thread().customer(2)["address"], "new");
    };
    check("--undoable");
    check("--complete");
}

#[test]
fn two_rows_of_a_customer_are_no_conflict_with_each_other() {
    let rows = "id,job,country_id\n1,Nurse,4\n1,Chef,5\n2,Clerk,\n1,Driver,6\n";
    let scenario = scenario(rows);
    planned(&scenario).exits(0);
    let of_1 = [
        json!({"job": "Nurse", "country_id": 4}),
        json!({"job": "Chef", "country_id": 5}),
        json!({"job": "Driver", "country_id": 6}),
    ];
    see(&scenario, &[(1, &of_1), (2, &[json!({"job": "Clerk"})])]);
    run(&scenario, []).exits(0).counts([4, 0, 0, 0, 0]);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Driver");
}

#[test]
fn what_the_api_makes_of_a_value_is_no_change_of_another() {
    let rows = "id,job,date_of_birth\n1,Head  Nurse,1985-04-12\n1,Chef,1985-04-15\n";
    let scenario = Scenario::new()
        .file("customers.csv", rows)
        .unlimited()
        .sandbox(|options| {
            let echo = "job=squeeze,date_of_birth=next-day".parse();
            options.echo = echo.expect("an echo");
        });
    planned(&scenario).exits(0);
    let of_1 = [
        json!({"job": "Head  Nurse", "date_of_birth": "1985-04-12T00:00:00Z"}),
        json!({"job": "Chef", "date_of_birth": "1985-04-15T00:00:00Z"}),
    ];
    see(&scenario, &[(1, &of_1)]);
    run(&scenario, []).exits(0).counts([2, 0, 0, 0, 0]);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Chef");
}

#[test]
fn what_the_api_has_made_of_a_value_is_known_to_later_processes() {
    let rows = "id,job,email\n1,Head  Nurse,a@b.example\n1,Chef,c@d.example\n2,Head  Cook,e@f.example\n2,Cook,g@h.example\n";
    let scenario = Scenario::new()
        .file("customers.csv", rows)
        .unlimited()
        .sandbox(|options| options.echo = "job=squeeze".parse().expect("an echo"));
    planned(&scenario).exits(0);
    let body = |job: &str, email: &str| json!({"job": job, "email": email});
    let of_1 = [
        body("Head  Nurse", "a@b.example"),
        body("Chef", "c@d.example"),
    ];
    let of_2 = [
        body("Head  Cook", "e@f.example"),
        body("Cook", "g@h.example"),
    ];
    see(&scenario, &[(1, &of_1), (2, &of_2)]);
    let flags = ["--max-errors", "none"];
    // Each process knows of the others only what the journal says.
    run(&scenario, ["--max-rows", "1"]).exits(0);
    run(&scenario, ["--max-rows", "3"]).exits(0);
    assert_eq!(scenario.sandbox_thread().customer(1)["job"], "Chef");
    assert_eq!(scenario.sandbox_thread().customer(2)["job"], "Head Cook");
    // What others change in another field is still a conflict.
    let sandbox = scenario.sandbox_thread();
    sandbox
        .edit(2, "email", json!("new@f.example"))
        .expect("a field");
    let end = run(&scenario, flags).exits(1);
    let line = end.results().row(4).clone();
    assert_eq!(line["outcome"], "conflict", "{line}");
    let fields: Vec<_> = line["errors"].as_array().into_iter().flatten().collect();
    assert_eq!(fields.len(), 1, "{line}");
    assert_eq!(
        fields[0]["field"], "email",
        "the job is the run's own: {line}"
    );
    assert_eq!(
        scenario.sandbox_thread().customer(2)["email"],
        "new@f.example"
    );
    assert_eq!(end.summary()["updated"], 3);
}

#[test]
fn a_run_that_is_killed_goes_on_by_its_plan() {
    let row = |id| format!("{id},Nurse,{}\n", id % 9);
    let rows: String = (1..=60).map(row).collect();
    let rows = format!("id,job,country_id\n{rows}");
    let scenario = Scenario::new()
        .file("customers.csv", &rows)
        .unlimited()
        .sandbox(|options| options.latency = "20ms".parse().expect("a time"));
    planned(&scenario).exits(0);
    let bodies: Vec<_> = (1..=60)
        .map(|id| [json!({"job": "Nurse", "country_id": id % 9})])
        .collect();
    let customers: Vec<_> = (1..).zip(bodies.iter().map(<[_; 1]>::as_slice)).collect();
    see(&scenario, &customers);
    let started = scenario.start(["--plan", PLAN, "--max-in-flight", "8"]);
    started.killed_once(|scenario| scenario.counts().writes() >= 20);
    let other = scenario.run([]).exits(5);
    other.says("another plan (");
    let end = scenario.run(["--plan", PLAN]).exits(0);
    end.counts([60, 0, 0, 0, 0]);
}
