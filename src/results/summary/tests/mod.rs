//! The text of summaries.

use jiff::Timestamp;

use super::*;
use crate::journal::{Process, Processes, SentFigures};
use crate::results::tally::MessageCount;
use crate::row::Position;

/// Rows by outcome: updated, invalid, rejected, failed, superseded and unsent.
type Counts = [u64; 6];

/// Returns the summary of a run of one process, which took 11.4 s.
fn run([updated, invalid, rejected, failed, superseded, unsent]: Counts) -> Summary {
    Summary {
        version: "1".to_owned(),
        command: Purpose::Run,
        inputs: Vec::new(),
        read_as: Vec::new(),
        run_dir: Some("runs/november".to_owned()),
        started: String::new(),
        ended: String::new(),
        seconds: 11.4,
        records: updated + invalid + rejected + failed + superseded + unsent,
        read_to_end: true,
        total: Some(updated + invalid + rejected + failed + superseded + unsent),
        valid: None,
        updated: Some(updated),
        invalid,
        rejected: Some(rejected),
        failed: Some(failed),
        superseded: Some(superseded),
        unsent: Some(unsent),
        unrecorded: None,
        errors: Vec::new(),
        warnings: Vec::new(),
        dates_normalised: 0,
        fields_left_out: 0,
        left_out_is_kept: None,
        fields_overtaken: 0,
        blank_rows: 0,
        sending: None,
        processes: None,
        totals: Some(totals(1)),
        stopped: None,
        continue_with: None,
        error_message: None,
        exit_code: 0,
        ..Summary::default()
    }
}

/// Returns the sums over processes of which nothing is known.
fn totals(number: usize) -> Totals {
    let mut processes = Processes::default();
    for _ in 0..number {
        processes.add(Process {
            version: "1".to_owned(),
            started: Timestamp::UNIX_EPOCH,
            rows: 0,
            end: None,
        });
    }
    Totals::of(&processes)
}

/// Returns the summary of a check.
fn checked([valid, invalid, superseded]: [u64; 3]) -> Summary {
    Summary {
        command: Purpose::Check,
        valid: Some(valid),
        updated: None,
        unsent: None,
        totals: None,
        ..run([0, invalid, 0, 0, superseded, valid])
    }
}

fn check_verdict(summary: &Summary, end: &End, want: &str) {
    assert_eq!(
        SummaryText::of(summary, end).verdict,
        format!("{want}\n"),
        "{summary:?} {end:?}"
    );
}

fn details(summary: &Summary) -> String {
    SummaryText::of(summary, &End::default()).details
}

#[test]
fn a_finished_run_is_told_in_one_sentence() {
    for (counts, want) in [
        ([1_000, 0, 0, 0, 0, 0], "All 1,000 rows updated in 11.4 s."),
        ([1, 0, 0, 0, 0, 0], "1 row updated in 11.4 s."),
        (
            [991, 5, 3, 1, 0, 0],
            "991 of 1,000 rows updated in 11.4 s; 9 were not.",
        ),
        (
            [1, 1, 0, 0, 0, 0],
            "1 of 2 rows updated in 11.4 s; 1 was not.",
        ),
        ([0, 0, 3, 0, 0, 0], "None of the 3 rows was updated."),
        ([0, 1, 0, 0, 0, 0], "1 row was not updated."),
        (
            [998, 0, 0, 0, 2, 0],
            "998 of 1,000 rows updated in 11.4 s; 2 are not sent: later rows of their customers replace them.",
        ),
        (
            [1, 1, 0, 0, 1, 2],
            "1 of 5 rows updated in 11.4 s; 1 was not; 1 is not sent: later rows of its customer replace it; \
             2 were not asked for (--skip-rows, --max-rows).",
        ),
        ([0, 0, 0, 0, 0, 0], "There are no rows to send."),
    ] {
        check_verdict(&run(counts), &End::default(), want);
    }
    let rare = Summary {
        records: 9,
        unchanged: Some(1),
        elsewhere: Some(2),
        conflict: Some(3),
        other: Some(2),
        ..run([1, 0, 0, 0, 0, 0])
    };
    check_verdict(
        &rare,
        &End::default(),
        "1 of 9 rows updated in 11.4 s; 5 were not; 1 is unchanged; 2 belong to other shards.",
    );
    for (rows, want) in [
        (1, "Nothing to send: the row is unchanged."),
        (3, "Nothing to send: all 3 rows are unchanged."),
    ] {
        let unchanged = Summary {
            records: rows,
            unchanged: Some(rows),
            ..run([0, 0, 0, 0, 0, 0])
        };
        check_verdict(&unchanged, &End::default(), want);
    }
    let skipped = End {
        skipped_rows: 5,
        ..End::default()
    };
    check_verdict(
        &run([0; 6]),
        &skipped,
        "No row was read: --skip-rows 5 skips the whole input.",
    );
}

#[test]
fn the_rows_of_several_processes_took_another_time() {
    let summary = Summary {
        totals: Some(totals(2)),
        ..run([2, 0, 0, 0, 0, 0])
    };
    check_verdict(&summary, &End::default(), "All 2 rows updated.");
    let want = "in all   2 starts (2 of them without figures): 0 requests in 0.0 s\n";
    assert!(details(&summary).contains(want), "{}", details(&summary));
    assert!(!details(&run([2, 0, 0, 0, 0, 0])).contains("in all"));
}

#[test]
fn a_check_is_told_in_one_sentence() {
    for (counts, want) in [
        ([1_000, 0, 0], "All 1,000 rows can be sent."),
        ([991, 9, 0], "991 of 1,000 rows can be sent; 9 cannot."),
        ([0, 3, 0], "None of the 3 rows can be sent."),
        ([0, 1, 0], "1 row cannot be sent."),
        ([1, 0, 0], "1 row can be sent."),
        (
            [1, 1, 1],
            "1 of 3 rows can be sent; 1 cannot; 1 is not sent: later rows of its customer replace it.",
        ),
    ] {
        check_verdict(&checked(counts), &End::default(), want);
    }
    let cut = End {
        is_cut_by_max_rows: true,
        ..End::default()
    };
    check_verdict(
        &checked([3, 0, 0]),
        &cut,
        "All 3 rows can be sent. More rows may follow (--max-rows).",
    );
    for (total, read) in [(None, "4 rows"), (Some(20), "4 of 20 rows")] {
        let stopped = End {
            stopped: Some(StoppedBy::ErrorLimit),
            ..End::default()
        };
        let summary = Summary {
            total,
            ..checked([1, 3, 0])
        };
        let want =
            format!("Stopped by --max-errors: {read} were checked; 1 can be sent; 3 cannot.");
        check_verdict(&summary, &stopped, &want);
    }
}

#[test]
fn a_stopped_run_tells_what_is_left() {
    let check = |stopped, counts: Counts, total, want: &str| {
        let summary = Summary {
            total,
            ..run(counts)
        };
        let end = End {
            stopped: Some(stopped),
            ..End::default()
        };
        check_verdict(&summary, &end, want);
    };
    let (interrupt, api, all) = (StoppedBy::Interrupt, StoppedBy::Api, Some(20_000));
    for (stopped, counts, all, want) in [
        (
            interrupt,
            [30, 0, 0, 0, 0, 11_161],
            all,
            "Interrupted: 30 of 20,000 rows are done; 19,970 are left.",
        ),
        (
            interrupt,
            [30, 0, 0, 0, 0, 11_161],
            None,
            "Interrupted: 30 rows are done; 11,161 or more are left.",
        ),
        (
            interrupt,
            [30, 0, 0, 0, 0, 0],
            None,
            "Interrupted: 30 rows are done; how many are left is not known.",
        ),
        (
            api,
            [28, 1, 0, 1, 0, 5],
            all,
            "Stopped early: 30 of 20,000 rows are done (2 of them badly); 19,970 are left.",
        ),
        (
            api,
            [0, 0, 0, 0, 0, 5],
            None,
            "Stopped early: no row is done; 5 or more are left.",
        ),
        (
            StoppedBy::Journal,
            [0, 0, 0, 0, 0, 5],
            all,
            "Stopped because outcomes cannot be recorded: none of 20,000 rows is done; 20,000 are left.",
        ),
        (
            StoppedBy::ErrorLimit,
            [1, 1, 0, 0, 0, 1],
            None,
            "Stopped by --max-errors: 2 rows are done (1 of them badly); 1 or more are left.",
        ),
    ] {
        check(stopped, counts, all, want);
    }
    let want = "Terminated: 1 of 2 rows is done; 1 is left.";
    check(StoppedBy::Termination, [1, 0, 0, 0, 0, 1], Some(2), want);
    let want = "Stopped because the terminal hung up: 2 of 2 rows are done; none is left.";
    check(StoppedBy::HangUp, [2, 0, 0, 0, 0, 0], Some(2), want);
}

/// The echo of 3 rows of a run: a date that is mostly a day off, and phone numbers.
fn echo(rejected: bool) -> EchoSummary {
    let field = |field: &str, [differs, next_day, spelling]: [u64; 3]| EchoField {
        field: field.to_owned(),
        differs,
        next_day,
        spelling,
        share: 0.0,
        first: vec!["a.csv:2".to_owned()],
        first_spelling: vec!["a.csv:4".to_owned()],
    };
    EchoSummary {
        rows: 3,
        rejected,
        fields: vec![
            field("date_of_birth", [3, 2, 0]),
            field("phone_number", [0, 0, 9]),
        ],
    }
}

#[test]
fn rows_that_are_shown_with_other_values_are_warnings_unless_they_are_rejected() {
    let summary = |rejected| Summary {
        echo: Some(echo(rejected)),
        ..run([1_000, 0, 0, 0, 0, 0])
    };
    for rejected in [false, true] {
        let lines = "warning  date_of_birth: 3 answers show another value, 2 of them a day off: most likely a time zone; first at a.csv:2\n\
                     note     phone_number: 9 answers show another spelling; first at a.csv:4\n";
        let details = details(&summary(rejected));
        assert!(details.contains(lines), "{details}");
        assert_eq!(summary(rejected).has_bad_rows(), rejected);
    }
    let end = End::default();
    check_verdict(&summary(false), &end, "All 1,000 rows updated in 11.4 s.");
    check_verdict(
        &summary(true),
        &end,
        "All 1,000 rows updated in 11.4 s; 3 updated rows are shown with other values than were sent.",
    );
    let spelling = Summary {
        echo: Some(EchoSummary {
            rows: 0,
            ..echo(true)
        }),
        ..run([1_000, 0, 0, 0, 0, 0])
    };
    assert!(!spelling.has_bad_rows(), "spelling is no other value");
    let stopped = End {
        stopped: Some(StoppedBy::Echo),
        ..End::default()
    };
    let summary = Summary {
        echo: Some(echo(true)),
        ..run([20, 0, 0, 0, 0, 10])
    };
    check_verdict(
        &summary,
        &stopped,
        "Stopped by --echo reject: 20 of 30 rows are done; 10 are left.",
    );
}

#[test]
fn a_finished_run_has_nothing_left_to_send() {
    let end = End {
        finished_before: Some("2026-11-27T22:56:41Z".parse().expect("a time")),
        ..End::default()
    };
    let want = "Nothing left to send: finished on 2026-11-27 at 22:56 UTC.";
    check_verdict(&run([3, 0, 0, 0, 0, 0]), &end, want);
    let want =
        "Nothing left to send: finished on 2026-11-27 at 22:56 UTC; 2 rows were not updated.";
    check_verdict(&run([3, 1, 1, 0, 0, 0]), &end, want);
}

#[test]
fn reasons_follow_the_verdict_and_are_told_once() {
    let summary = Summary {
        stopped: Some("the API has been down for 900 s".to_owned()),
        ..run([30, 0, 0, 0, 0, 5])
    };
    let fault = "failed.csv cannot be written\n";
    let check = |stopped, cut_off, want: &str| {
        let end = End {
            stopped: Some(stopped),
            faults: vec![fault.trim_end().to_owned()],
            cut_off,
            ..End::default()
        };
        let reasons = SummaryText::of(&summary, &end).reasons;
        assert_eq!(reasons, format!("{fault}{want}"));
    };
    check(StoppedBy::Api, 0, "the API has been down for 900 s\n");
    let several =
        "5 requests were cut off: the API may have applied them; the rows are sent again\n";
    check(StoppedBy::Interrupt, 5, several);
    let one = "1 request was cut off: the API may have applied it; the row is sent again\n";
    check(StoppedBy::Interrupt, 1, one);
    let reported = End {
        stopped: Some(StoppedBy::Api),
        faults: vec!["a fault".to_owned(), "another".to_owned()],
        reported: vec![
            "another".to_owned(),
            "the API has been down for 900 s".to_owned(),
        ],
        ..End::default()
    };
    assert_eq!(SummaryText::of(&summary, &reported).reasons, "a fault\n");
}

/// Returns an error of many rows.
fn error(
    outcome: Outcome,
    code: &str,
    status: Option<u16>,
    messages: &[(&str, u64)],
) -> ErrorGroup {
    let messages = messages.iter().map(|(message, rows)| MessageCount {
        message: (*message).to_owned(),
        rows: *rows,
    });
    ErrorGroup {
        outcome: Some(outcome),
        field: Some("email".to_owned()),
        code: code.to_owned(),
        status,
        rows: 1_204,
        share: 0.0,
        first: vec!["a.csv:3".to_owned(), "a.csv:9".to_owned()],
        messages: messages.collect(),
    }
}

#[test]
fn errors_are_a_table() {
    let (invalid, rejected, failed) = (Outcome::Invalid, Outcome::Rejected, Outcome::Failed);
    let summary = Summary {
        errors: vec![
            error(invalid, "format", None, &[("is not an address", 1_204)]),
            error(invalid, "type", None, &[("is a", 1_200), ("is b", 4)]),
            error(rejected, "not_found", Some(404), &[]),
            error(rejected, "http_422", Some(422), &[]),
            error(failed, "timeout", None, &[]),
            error(failed, "overtaken", None, &[]),
        ],
        ..run([0, 1, 0, 0, 0, 0])
    };
    let table = "
 rows  field  first at  what is wrong
1,204  email  a.csv:3   is not an address
1,204  email  a.csv:3   1,200 rows: is a
                        4 rows: is b
1,204  email  a.csv:3   the API rejects it: 404 not_found
1,204  email  a.csv:3   the API rejects it: 422
1,204  email  a.csv:3   every attempt failed: timeout
1,204  email  a.csv:3   later rows of its customer set a part of it (--left-out trust sends the rest)

";
    assert!(details(&summary).contains(table), "{}", details(&summary));
}

#[test]
fn no_input_makes_the_text_long() {
    let many = |count: usize| {
        let numbers = 0..count;
        let groups = numbers.map(|number| {
            let message = format!("is {number}");
            error(Outcome::Invalid, "x", None, &[(&message, 1)])
        });
        let groups: Vec<_> = groups.collect();
        details(&Summary {
            errors: groups.clone(),
            warnings: groups,
            ..run([0, 1, 0, 0, 0, 0])
        })
    };
    assert!(!many(12).contains("more kind"), "{}", many(12));
    let one = "\nand 1 more kind: summary.json\n";
    assert!(many(13).contains(one), "{}", many(13));
    for several in [
        "\nand 488 more kinds: summary.json\n",
        "\nwarning  488 more kinds: summary.json\n",
    ] {
        assert!(many(500).contains(several), "{}", many(500));
    }
    assert!(many(500).lines().count() < 40, "{}", many(500));
}

#[test]
fn the_books_are_one_line_and_the_rest_has_labels() {
    let duplicate = error(
        Outcome::Invalid,
        "duplicate",
        None,
        &[("duplicates an earlier row", 12)],
    );
    let sent = SentFigures {
        requests: 1_300,
        retries: [("timeout".to_owned(), 2), ("503".to_owned(), 1_000)].into(),
        pauses: 2,
        paused_ms: 3_000,
        outages: 1,
        down_ms: 125_000,
        controls: 1,
        token_refreshes: 1,
        in_flight_max: 5,
        answers: vec![(26_000, 98), (46_000, 2)].into(),
    };
    let summary = Summary {
        dates_normalised: 1,
        blank_rows: 2,
        files: ["results.ndjson", "summary.json"]
            .map(|name| format!("runs/november/{name}"))
            .into(),
        warnings: vec![ErrorGroup {
            field: Some("id".to_owned()),
            ..duplicate
        }],
        read_to_end: false,
        total: None,
        sending: Some(SendingSummary {
            learned_rate_per_second: Some(48.2),
            learned_in_flight: Some(4),
            ..SendingSummary::of_all(&sent, 11_400)
        }),
        ..run([991, 5, 3, 1, 0, 7])
    };
    let end = End {
        input_notes: vec!["a.csv read as CSV with `;`".to_owned()],
        ..End::default()
    };
    let want = "\
records  1,007 rows read = 991 updated + 5 invalid + 3 rejected + 1 failed + 7 unsent (the input was not read to its end)
warning  1,204 rows: id duplicates an earlier row; first at a.csv:3
note     a.csv read as CSV with `;`
note     1 row with dates normalised to RFC 3339
note     2 rows skipped: only delimiters
speed    1,300 requests in 11.4 s, 114.0/s, at most 5 in flight
         answers take 26.0 ms, the slowest 1 % 46.0 ms or more
         retries: 503 ×1,000, timeout ×2; paused by the API twice, 3.0 s; API down once, 2 min 5 s; token renewed once; \
tested once by reading and repeating the last update, which changes nothing
         the API accepts about 48/s and 4 in flight (learned from its refusals)
files    runs/november/
         results.ndjson, summary.json
";
    assert_eq!(SummaryText::of(&summary, &end).details, want);
}

#[test]
fn rows_that_were_read_are_told_apart_from_those_that_are_left() {
    let summary = Summary {
        read_to_end: false,
        total: Some(100_000),
        fields_left_out: 15_659,
        ..run([6_041, 5, 0, 0, 0, 9_613])
    };
    let stopped = End {
        stopped: Some(StoppedBy::Interrupt),
        ..End::default()
    };
    let want = "Interrupted: 6,046 of 100,000 rows are done (5 of them badly); 93,954 are left.";
    check_verdict(&summary, &stopped, want);
    let want = "\
records  15,659 rows read = 6,041 updated + 5 invalid + 9,613 unsent; 84,341 rows not read
note     15,659 of the rows read leave fields out of the request, which the API may keep or clear (custsync help fields-left-out)
";
    let text = details(&summary);
    assert!(text.starts_with(want), "{text}");
    let one = Summary {
        fields_left_out: 1,
        ..summary
    };
    let want = "\nnote     1 of the rows read leaves fields out of the request, ";
    assert!(details(&one).contains(want), "{}", details(&one));
    let finished = Summary {
        fields_left_out: 2,
        ..run([2, 0, 0, 0, 0, 0])
    };
    let want = "records  2 = 2 updated\nnote     2 rows with fields left out of the request, ";
    assert!(
        details(&finished).starts_with(want),
        "{}",
        details(&finished)
    );
}

#[test]
fn a_search_for_duplicates_that_was_given_up_is_reported() {
    let check = |duplicates: u64, compared_to: Option<u64>, want: &str| {
        let mut read = RowsRead {
            rows: 4_000,
            compared_to,
            ..RowsRead::default()
        };
        for row in 1..=duplicates {
            read.duplicates.add(Position {
                row,
                input: 0,
                line: row + 1,
            });
        }
        let text = details(&Summary {
            warnings: warning_groups(&read, &InputNames::of_names(&["a.csv".to_owned()])),
            ..run([4_000, 0, 0, 0, 0, 0])
        });
        let warnings = text
            .lines()
            .filter_map(|line| line.strip_prefix("warning  "));
        assert_eq!(warnings.collect::<Vec<_>>().join("\n"), want);
    };
    let given_up = "only the first 3,000 rows were compared, as there are too many ids to remember";
    check(0, None, "");
    check(
        2,
        None,
        "2 rows: id duplicates an earlier row; first at a.csv:2",
    );
    check(
        0,
        Some(3_000),
        &format!("0 rows: id duplicates an earlier row; {given_up}"),
    );
    check(
        1,
        Some(3_000),
        &format!("1 row: id duplicates an earlier row; {given_up}; first at a.csv:2"),
    );
}

#[test]
fn the_next_step_ends_with_its_command() {
    let command = || "custsync run a.csv".to_owned();
    let go_on = |when| NextStep::GoOn {
        when,
        command: command(),
    };
    let send = |rows, needs| NextStep::Send {
        rows,
        needs,
        command: command(),
    };
    let noon: Timestamp = "2026-11-27T12:00:00Z".parse().expect("a time");
    let pipe = NextStep::PipeAgain {
        when: TimeToGoOn::Later,
        command: command(),
    };
    let correct = NextStep::Correct {
        files: vec!["r/failed.csv".to_owned(), "r/failed.tsv".to_owned()],
        command: command(),
    };
    let look = |when, needs| NextStep::LookAgain {
        command: command(),
        when,
        needs,
    };
    let rest = |needs| NextStep::SendRest {
        needs,
        command: command(),
    };
    let again = |rows| NextStep::SendFailedAgain {
        rows,
        command: command(),
    };
    for (step, advice) in [
        (go_on(TimeToGoOn::Now), "To go on:"),
        (
            go_on(TimeToGoOn::From(noon)),
            "To go on, from 2026-11-27 12:00:00 UTC on:",
        ),
        (go_on(TimeToGoOn::WithToken), "To go on, with a new token:"),
        (pipe, "To go on, later, pipe the same bytes again into:"),
        (send(None, Needs::Nothing), "To send them:"),
        (
            send(Some(991), Needs::Token),
            "To send the 991 valid rows (add --token-file FILE, or --sandbox for a trial):",
        ),
        (
            send(Some(1), Needs::SameBytes),
            "To send the valid row, pipe the same bytes again into:",
        ),
        (
            correct,
            "Correct r/failed.csv and r/failed.tsv and run them:",
        ),
        (rest(Needs::Nothing), "To send the rows that follow:"),
        (
            rest(Needs::SameBytes),
            "To send the rows that follow, pipe the same bytes again into:",
        ),
        (
            look(TimeToGoOn::WithToken, Needs::Nothing),
            "To look again from the start, with a new token:",
        ),
        (
            look(TimeToGoOn::Now, Needs::SameBytes),
            "To look again from the start, pipe the same bytes again into:",
        ),
        (again(1), "To send the failed row again:"),
        (again(1_200), "To send the 1,200 failed rows again:"),
    ] {
        let end = End {
            next: vec![step],
            ..End::default()
        };
        let text = SummaryText::of(&run([1, 0, 0, 0, 0, 0]), &end);
        assert_eq!(text.next, format!("{advice}\n  custsync run a.csv\n"));
    }
}
