//! The command that a run or check prints last does what the line before it says.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::process::Signal;
use serde_json::json;

use crate::harness::{Customers, End, Reply, Scenario};

const TWO: &str = "id,email\n1,a@example.com\n2,b@example.com\n";
const ONE_BAD: &str = "id,email\n1,a@example.com\n2,b@@example.com\n";

fn scenario(file: &str) -> Scenario {
    Scenario::new().file("a.csv", file).sandbox(|_| {})
}

/// Returns the command that is printed below a line with this text.
fn command_below<'e>(end: &'e End, advice: &str) -> &'e str {
    let mut lines = end.stdout.lines().skip_while(|line| *line != advice);
    assert!(
        lines.next().is_some(),
        "{advice:?} is not in\n{}",
        end.stdout
    );
    lines.next().expect("a command").trim()
}

fn applied(scenario: &Scenario) -> u64 {
    scenario.counts().applied
}

#[test]
fn what_was_checked_can_be_sent() {
    let all = scenario(TWO);
    let end = all.check(["--explain", "1"]).exits(0);
    let end = end.prints("All 2 rows can be sent.\n");
    all.shell(command_below(&end, "To send them:")).exits(0);
    assert_eq!(applied(&all), 2);
    // The directory of the check holds a check, so the run has one beside it.
    assert!(all.read("run-run/summary.json").is_some());

    let some = scenario(ONE_BAD);
    let end = some.check([]).exits(1);
    let again = command_below(&end, "Correct the input and check it again:");
    some.write("a.csv", TWO);
    some.shell(again)
        .exits(0)
        .prints("All 2 rows can be sent.\n");
    some.write("a.csv", ONE_BAD);
    some.shell(command_below(&end, "To send the valid row:"))
        .exits(1)
        .prints("1 of 2 rows updated in ");
    assert_eq!(applied(&some), 1);
}

#[test]
fn what_was_planned_can_be_sent_by_its_plan() {
    let scenario = scenario(ONE_BAD);
    let end = scenario.check(["--write-plan", "--max-errors", "none"]);
    let end = end.exits(1);
    let command = command_below(&end, "To send the valid row:");
    assert!(command.contains(" --plan run "), "{command}");
    scenario.write("a.csv", TWO);
    let text = "a.csv:3: the row's request is another one";
    scenario.shell(command).exits(5).says(text);
    scenario.write("a.csv", ONE_BAD);
    let sent = scenario.shell(command).exits(1);
    assert_eq!(applied(&scenario), 1);
    // The corrected rows are not those of the plan.
    let correction = sent.next_command();
    assert!(!correction.contains("--plan"), "{correction}");
}

#[test]
fn a_dry_run_offers_the_run() {
    let scenario = scenario(TWO);
    let end = scenario.run(["--dry-run"]).exits(0);
    let command = end.next_command();
    assert!(!command.contains("--dry-run"), "{command}");
    scenario.shell(command).exits(0);
    assert_eq!(applied(&scenario), 2);
}

#[test]
fn a_check_without_a_token_says_that_a_run_needs_one() {
    let end = Scenario::new().file("a.csv", TWO).check([]).exits(0);
    end.prints("\nTo send them (add --token-file FILE, or --sandbox for a trial):\n  ");
    let piped = Scenario::new().stdin(TWO).input("-").check([]).exits(0);
    piped.prints("\nTo send them, pipe the same bytes again into:\n  ");
}

#[test]
fn rows_that_a_run_would_stop_at_are_not_offered() {
    let rows = |bad: u64| {
        let rows =
            (1..=200).map(|id| format!("{id},{}\n", if id <= bad { "nope" } else { "a@b.c" }));
        format!("id,email\n{}", rows.collect::<String>())
    };
    let offers = |bad, flags: &[&str]| {
        let scenario = scenario(&rows(bad));
        let words = ["check", "a.csv"].into_iter().chain(flags.iter().copied());
        let end = scenario.start_words(words).end().exits(1);
        end.stdout.contains("\nTo send the ")
    };
    assert!(offers(20, &[]));
    assert!(!offers(21, &[]));
    assert!(offers(21, &["--max-errors", "50%"]));
    assert!(!offers(200, &["--max-errors", "none"]), "no row is valid");
}

#[test]
fn failed_rows_can_be_corrected_and_run() {
    // The layout of the first file is not that of its failed rows; its mapping is.
    let scenario = scenario("a title\nNr;E-Mail\n1;a@example.com\n2;b@@example.com\n").flags([
        "--header-row",
        "2",
        "--delimiter",
        ";",
        "--map",
        "Nr=id",
        "-m",
        "E-Mail=email",
    ]);
    let end = scenario.run(["--skip-rows=0", "--max-rows", "9"]).exits(1);
    let command = command_below(&end, "Correct run/failed.csv and run it:");
    for flag in [
        "--header-row",
        "--delimiter",
        "rows",
        "a.csv",
        "--run-dir run ",
    ] {
        assert!(!command.contains(flag), "{flag} is in {command}");
    }
    scenario.edit("run/failed.csv", |rows| {
        *rows = String::from_utf8(rows.clone())
            .unwrap()
            .replace("@@", "@")
            .into_bytes();
    });
    let corrected = scenario.shell(command).exits(0);
    corrected.is_not_shown("is read by its own layout, without");
    assert_eq!(applied(&scenario), 2);
    assert!(scenario.read("run-corrected/summary.json").is_some());
    // A second correction does not meet the directory of the first.
    let again = scenario.run(["--skip-rows=0", "--max-rows", "9"]).exits(1);
    assert!(again.next_command().contains("--run-dir run-corrected-2"));
}

#[test]
fn a_correction_goes_to_a_sandbox_of_its_own_again() {
    let scenario = Scenario::new().file("a.csv", ONE_BAD);
    let run = ["run", "a.csv", "--sandbox", "--fresh"];
    let end = scenario.start_words(run).end().exits(1);
    let command = end.next_command();
    assert!(
        command.contains("/failed.csv --sandbox") && !command.contains("run-dir"),
        "{command}"
    );
    // Uncorrected, it ends as before.
    scenario
        .shell(command)
        .exits(1)
        .prints("1 row was not updated.\n");
}

#[test]
fn rows_that_failed_are_sent_again_by_the_same_command() {
    let works = Arc::new(AtomicBool::new(false));
    let server_works = works.clone();
    let scenario = Scenario::new()
        .file("a.csv", "id,job\n1,a\n2,b\n3,c\n")
        .flags(["--attempts", "1", "--max-errors", "none"])
        .server(move |request| {
            if request.line.contains("/customers/2 ") && !server_works.load(Ordering::Relaxed) {
                Reply::error(500, "broken")
            } else {
                Reply::json(200, &json!({"data": {}, "success": true}))
            }
        });
    let end = scenario.run([]).exits(1);
    let command = command_below(&end, "To send the failed row again:");
    works.store(true, Ordering::Relaxed);
    scenario
        .shell(command)
        .exits(0)
        .prints("All 3 rows updated.\n");
}

#[test]
fn rows_behind_max_rows_can_be_sent() {
    let scenario = scenario(TWO);
    let end = scenario.run(["--max-rows", "1"]).exits(0);
    let end = end.prints("1 row updated in ");
    scenario
        .shell(command_below(&end, "To send the rows that follow:"))
        .exits(0)
        .prints("All 2 rows updated.\n");
    assert_eq!(scenario.counts().requests, 2);
}

#[test]
fn rows_behind_max_rows_are_those_of_the_plan() {
    let rows = (1..=9).map(|id| format!("{id},{id}@b.c\n"));
    let rows = rows.collect::<String>();
    let scenario = scenario(&format!("id,email\n{rows}"));
    let cut = ["--skip-rows", "1", "--max-rows", "6"];
    let flags = ["--write-plan", "--run-dir", "plan"];
    let flags: Vec<_> = flags.into_iter().chain(cut).collect();
    let words = ["check", "a.csv"].into_iter().chain(flags);
    scenario.start_words(words).end().exits(0);
    let flags = ["--plan", "plan", "--skip-rows", "1", "--max-rows", "2"];
    let end = scenario.run(flags).exits(0);
    let end = scenario
        .shell(command_below(&end, "To send the rows that follow:"))
        .exits(0);
    // The plan ends before the input, and allows no further row.
    assert!(
        !end.stdout.contains("To send the rows that follow"),
        "{}",
        end.stdout
    );
    assert_eq!(scenario.counts().applied, 6);
    assert!(end.stdout.contains("All 6 rows updated"), "{}", end.stdout);
}

#[test]
fn rows_behind_max_rows_of_a_pipe_can_be_sent() {
    let scenario = Scenario::new().stdin(TWO).input("-").sandbox(|_| {});
    let end = scenario.run(["--max-rows", "1"]).exits(0);
    let advice = "To send the rows that follow, pipe the same bytes again into:";
    let command = command_below(&end, advice).to_owned();
    scenario.write("same.csv", TWO);
    scenario
        .shell(&format!("{command} < same.csv"))
        .exits(0)
        .prints("All 2 rows updated.\n");
    assert_eq!(scenario.counts().requests, 2);
}

#[test]
fn a_run_that_its_error_limit_stopped_can_go_on_with_another() {
    let rows = (1..=300).map(|id| format!("{id},{}\n", if id % 5 == 0 { "nope" } else { "a@b.c" }));
    let rows = rows.collect::<String>();
    let scenario = scenario(&format!("id,email\n{rows}")).unlimited();
    let end = scenario.run([]).exits(6);
    assert!(
        end.stdout.starts_with("Stopped by --max-errors: "),
        "{}",
        end.stdout
    );
    let end = end.says(" rows ended badly, more than --max-errors 10%\n");
    let command = command_below(
        &end,
        "Look at the failed rows first. To go on all the same:",
    );
    scenario
        .shell(command)
        .exits(1)
        .prints("240 of 300 rows updated; 60 were not.\n");
}

#[test]
fn requests_that_were_cut_off_are_told() {
    let scenario = || {
        Scenario::new()
            .csv(&Customers::in_turn(20, 1, 5))
            .unlimited()
            .sandbox(|options| options.latency = "40s".parse().expect("a time"))
    };
    let under_way = |scenario: &Scenario| scenario.counts().requests >= 4;
    let told = "4 requests were cut off: the API may have applied them; the rows are sent again\n";
    let first = scenario();
    let twice = first.start([]).until("requests", under_way);
    let twice = twice.signal_until_its_end(Signal::INT).end().exits(130);
    let twice = twice.prints(told);
    assert!(
        twice.stdout.starts_with("Interrupted: "),
        "{}",
        twice.stdout
    );
    let second = scenario().flags(["--grace", "200ms"]);
    let given_up = second.start([]).until("requests", under_way);
    given_up.signal(Signal::TERM).end().exits(143).prints(told);
}

#[test]
fn a_run_that_can_be_taken_back_says_how_and_the_undo_how_to_overwrite_others() {
    let scenario = scenario(TWO).unlimited();
    let run = scenario.run(["--undoable"]).exits(0);
    let undo = command_below(&run, "To take it all back:").to_owned();
    let sandbox = scenario.sandbox_thread();
    sandbox
        .edit(1, "email", json!("other@example.com"))
        .expect("an edit");
    let end = scenario.shell(&undo).exits(1);
    let end = end.prints("1 of 2 customers put back");
    let advice = "1 customer was changed since, and run/undo/results.ndjson says which fields. To put those back, too:";
    let force = command_below(&end, advice).to_owned();
    let before = scenario.counts().applied;
    scenario
        .shell(&force)
        .exits(0)
        .prints("All 2 customers put back.\n");
    assert_eq!(scenario.counts().applied, before + 1);
    scenario
        .shell(&undo)
        .exits(0)
        .prints("Nothing left to put back: finished on ");
    let end = scenario.run(["--undoable"]).exits(5);
    end.says("is being put back (custsync undo): begin a new one");
}
