//! Reports for tests: each is a scene that the page must show well.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::results::report::model::{
    AfterCanary, Books, Canary, Column, Course, Group, InputReport, Process, Report, RowEnd,
    RunReport, SendingColumn, Setting, Shards, Step, Stretch,
};
use crate::results::report::page::Links;
use crate::results::summary::{EchoField, EchoSummary, Tone};

/// All ends that a course can show.
const ENDS: [RowEnd; 10] = [
    RowEnd::Updated,
    RowEnd::Unchanged,
    RowEnd::Superseded,
    RowEnd::Elsewhere,
    RowEnd::Invalid,
    RowEnd::Rejected,
    RowEnd::Conflict,
    RowEnd::Failed,
    RowEnd::Other,
    RowEnd::SentAgain,
];
/// Causes by their names in the timeline.
const CAUSES: [&str; 6] = [
    "pause",
    "outage",
    "no_answer",
    "window",
    "rate",
    "answer_times",
];

/// Returns all scenes by their names.
pub(super) fn all() -> Vec<(&'static str, Report, Links)> {
    let alone = |name, run| (name, Report { runs: vec![run] }, Links::RunDirectory);
    vec![
        alone("clean", clean()),
        alone("outage", outage()),
        alone("one-row", one_row()),
        alone("continued-twice", continued_twice()),
        alone("500-errors", many_errors()),
        alone("three-days", three_days()),
        alone("script-names", script_names()),
        alone("right-to-left", right_to_left()),
        alone("empty", empty()),
        alone("down", down_from_the_start()),
        alone("check", check()),
        alone("shards", shards()),
        alone("eight-stretches", eight_stretches()),
        alone("largest", largest()),
        ("several", several(), Links::None),
    ]
}

/// Returns several runs in one report.
pub(super) fn several() -> Report {
    Report {
        runs: vec![check(), outage(), clean(), empty()],
    }
}

fn time(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// Returns a number from 0 to 99 that looks random.
fn noise(n: u64) -> u64 {
    n.wrapping_mul(2_654_435_761).rotate_right(13) % 100
}

fn float(number: u64) -> f64 {
    u32::try_from(number).map_or(f64::MAX, f64::from)
}

fn sending(n: u64, rate: f64, held: &[(&str, f64)]) -> SendingColumn {
    SendingColumn {
        requests_per_second: rate * (0.9 + float(noise(n)) / 1000.0),
        rate_per_second: Some(rate),
        in_flight: 8.0 + float(noise(n + 7)) / 20.0,
        in_flight_max: if n < 12 { 4 + n } else { 16 },
        held_back_by: held
            .iter()
            .map(|(name, part)| ((*name).to_owned(), *part))
            .collect(),
    }
}

/// Returns a column in which everything goes well.
fn calm(n: u64) -> Column {
    let updated = 900 + noise(n);
    Column {
        rows: BTreeMap::from([
            (RowEnd::Updated, updated),
            (RowEnd::Unchanged, noise(n + 3) / 2),
        ]),
        latency_us: Some([
            8000 + 30 * noise(n),
            21_000 + 90 * noise(n + 1),
            48_000 + 400 * noise(n + 2),
        ]),
        sending: Some(sending(n, 100.0, &[("rate", 0.85), ("max_in_flight", 0.1)])),
    }
}

/// Returns a column in which the API is down.
fn down(cause: &str) -> Column {
    Column {
        sending: Some(SendingColumn {
            requests_per_second: 0.1,
            rate_per_second: Some(100.0),
            in_flight: 0.1,
            in_flight_max: 1,
            held_back_by: vec![(cause.to_owned(), 0.98)],
        }),
        ..Column::default()
    }
}

fn course(begin: &str, width_ms: u64, columns: Vec<Column>) -> Course {
    Course {
        width_ms,
        stretches: vec![Stretch {
            begin: time(begin),
            columns,
        }],
    }
}

/// Returns a run with this course, whose books are the sums of its columns.
fn run(course: Option<Course>) -> RunReport {
    let mut parts: BTreeMap<RowEnd, u64> = BTreeMap::new();
    let stretches = course.iter().flat_map(|course| &course.stretches);
    for (end, rows) in stretches
        .clone()
        .flat_map(|one| &one.columns)
        .flat_map(|one| &one.rows)
    {
        if *end != RowEnd::SentAgain {
            *parts.entry(*end).or_default() += rows;
        }
    }
    parts.retain(|_, rows| *rows > 0);
    let records = parts.values().sum();
    let started = stretches
        .clone()
        .next()
        .map_or(time("2026-11-29T12:00:00Z"), |one| one.begin);
    let ended = stretches.last().map_or(started, |last| {
        let width_ms = course.as_ref().map_or(0, |course| course.width_ms);
        let ms = width_ms * last.columns.len() as u64;
        last.begin + SignedDuration::from_millis(i64::try_from(ms).expect("a short run"))
    });
    let answer_times = (0..60)
        .map(|n| (4000 + 300 * n * n, 9000 / (1 + n) + noise(n)))
        .collect();
    RunReport {
        command: "run".to_owned(),
        directories: vec!["runs/november".to_owned()],
        shards: None,
        tone: Tone::Good,
        verdict: format!(
            "All {} rows are as the file says.",
            crate::text::grouped(records)
        ),
        reasons: Vec::new(),
        next: Vec::new(),
        started,
        ended,
        inputs: vec![InputReport {
            name: "customers.csv".to_owned(),
            read_as: Some("CSV with `,`".to_owned()),
            bytes: Some(12_345_678),
        }],
        books: Books {
            lacks_valid_rows: false,
            records,
            total: Some(records),
            parts,
        },
        canaries: Vec::new(),
        course,
        answer_times,
        latency_us: Some([8400, 25_300, 61_000]),
        errors: Vec::new(),
        warnings: Vec::new(),
        echo: None,
        notes: Vec::new(),
        failed_files: Vec::new(),
        settings: vec![setting("rate", "100", Some("--rate"))],
        processes: vec![process(started, 1200.0, 0, records)],
        processes_number: 1,
        text: String::new(),
    }
}

pub(super) fn canary(shard: Option<u32>, bad: u64, then: AfterCanary) -> Canary {
    Canary {
        shard,
        at: time("2026-11-29T22:31:48Z"),
        is_good: bad == 0,
        customers: 20,
        updated: 23 - bad,
        bad,
        echo: Vec::new(),
        then,
    }
}

fn setting(name: &str, value: &str, origin: Option<&str>) -> Setting {
    Setting {
        name: name.to_owned(),
        value: Some(value.to_owned()),
        origin: origin.map(str::to_owned),
    }
}

fn process(started: Timestamp, seconds: f64, exit: u8, rows: u64) -> Process {
    Process {
        version: "0.3.0".to_owned(),
        shard: None,
        started,
        seconds: Some(seconds),
        exit: Some(exit),
        rows,
        requests: Some(rows + rows / 100),
    }
}

fn step(advice: &str, command: &str) -> Step {
    Step {
        advice: advice.to_owned(),
        command: Some(command.to_owned()),
    }
}

fn correct() -> Step {
    step(
        "Correct runs/november/failed.csv and run it:",
        "custsync run runs/november/failed.csv --rate 100 --token-file token.txt",
    )
}

fn group(end: Option<RowEnd>, field: Option<&str>, code: &str, rows: u64, wrong: &str) -> Group {
    Group {
        end,
        field: field.map(str::to_owned),
        code: code.to_owned(),
        status: (end != Some(RowEnd::Invalid) && end.is_some()).then_some(422),
        rows,
        share: float(rows) / 1000.0,
        first: ["42", "57", "1203"]
            .map(|line| format!("customers.csv:{line}"))
            .to_vec(),
        wrong: vec![wrong.to_owned()],
    }
}

pub(super) fn echo(field: &str, [differs, next_day, spelling]: [u64; 3]) -> EchoField {
    let first = |rows: u64, lines: [&str; 2]| {
        let lines = lines.map(|line| format!("customers.csv:{line}"));
        lines.into_iter().filter(|_| rows > 0).collect()
    };
    EchoField {
        field: field.to_owned(),
        differs,
        next_day,
        spelling,
        share: float(differs) / 764.31,
        first: first(differs, ["2", "9"]),
        first_spelling: first(spelling, ["3", "4"]),
    }
}

fn clean() -> RunReport {
    run(Some(course(
        "2026-11-29T12:00:00Z",
        10_000,
        (0..117).map(calm).collect(),
    )))
}

/// Returns a run with two pauses, an outage, and failed rows.
pub(super) fn outage() -> RunReport {
    let column = |n| match n {
        20..24 | 70..73 => down("pause"),
        40..58 => down("outage"),
        58..60 => down("no_answer"),
        _ => {
            let mut column = calm(n);
            column
                .rows
                .insert(RowEnd::Failed, if n > 60 { noise(n) / 3 } else { 0 });
            column.rows.insert(RowEnd::Invalid, noise(n + 5) / 12);
            column.rows.insert(RowEnd::Rejected, noise(n + 6) / 4);
            column
        }
    };
    let columns = (0..100).map(column).collect();
    RunReport {
        tone: Tone::Mixed,
        verdict: "76,431 of 78,902 rows were updated; 2,471 were not.".to_owned(),
        reasons: vec![
            "The API was down once, for 3 min 0 s.".to_owned(),
            "The API asked for waits twice, 1 min 10 s in all.".to_owned(),
        ],
        next: vec![correct()],
        failed_files: vec!["failed.csv".to_owned()],
        canaries: vec![canary(None, 0, AfterCanary::WentOn)],
        errors: vec![
            group(
                Some(RowEnd::Rejected),
                Some("email"),
                "invalid_email",
                1200,
                "the API rejects it: the e-mail address is not one",
            ),
            group(
                Some(RowEnd::Failed),
                None,
                "http_503",
                911,
                "every attempt failed: 503",
            ),
            group(
                Some(RowEnd::Invalid),
                Some("birth_date"),
                "date",
                360,
                "the date does not exist",
            ),
        ],
        warnings: vec![group(
            None,
            Some("phone"),
            "spaces",
            77,
            "spaces around the value were removed",
        )],
        echo: Some(EchoSummary {
            rows: 402,
            rejected: false,
            fields: vec![
                echo("date_of_birth", [402, 400, 0]),
                echo("phone_number", [0, 0, 31_204]),
            ],
        }),
        notes: vec![
            "2 requests were cut off: the API may have applied them; the rows are sent again."
                .to_owned(),
        ],
        settings: vec![
            setting("rate", "100", Some("--rate")),
            setting("max-in-flight", "16", Some("CUSTSYNC_MAX_IN_FLIGHT")),
            setting("map", "e-mail=email", Some("custsync.toml")),
            setting("left-out", "trust", None),
        ],
        ..run(Some(course("2026-11-29T22:31:40Z", 10_000, columns)))
    }
}

fn one_row() -> RunReport {
    let column = Column {
        rows: BTreeMap::from([(RowEnd::Updated, 1)]),
        latency_us: Some([12_345; 3]),
        sending: Some(SendingColumn {
            requests_per_second: 4.0,
            rate_per_second: None,
            in_flight: 0.05,
            in_flight_max: 1,
            held_back_by: Vec::new(),
        }),
    };
    RunReport {
        verdict: "The row is as the file says.".to_owned(),
        answer_times: vec![(12_345, 1)],
        latency_us: Some([12_345; 3]),
        settings: Vec::new(),
        ..run(Some(course("2026-11-29T12:00:00.250Z", 250, vec![column])))
    }
}

fn continued_twice() -> RunReport {
    let stretch = |begin: &str, count, from| Stretch {
        begin: time(begin),
        columns: (from..from + count).map(calm).collect(),
    };
    let mut course = Course {
        width_ms: 30_000,
        stretches: vec![
            stretch("2026-11-27T22:10:00Z", 34, 0),
            stretch("2026-11-28T06:22:30Z", 21, 40),
            stretch("2026-11-29T13:00:00Z", 55, 80),
        ],
    };
    // The rows that failed in the first stretch are sent again in the second one.
    for column in &mut course.stretches[0].columns {
        column.rows.insert(RowEnd::SentAgain, 60);
    }
    let at = |n: usize| course.stretches[n].begin;
    let processes = vec![
        process(at(0), 1020.0, 4, 32_000),
        Process {
            seconds: None,
            exit: None,
            requests: None,
            ..process(at(1), 0.0, 0, 20_000)
        },
        process(at(2), 1650.5, 0, 52_000),
    ];
    let mut run = RunReport {
        processes,
        processes_number: 3,
        tone: Tone::Bad,
        verdict: "Stopped by Ctrl-C: 5,000 rows are left.".to_owned(),
        next: vec![step("To go on:", "custsync run customers.csv --rate 100")],
        ..run(Some(course))
    };
    run.books.parts.insert(RowEnd::Unsent, 5000);
    run.books.records += 5000;
    run.books.total = Some(run.books.records + 12_000);
    run
}

fn many_errors() -> RunReport {
    let column = |n| {
        let mut column = calm(n);
        column.rows = BTreeMap::from([
            (RowEnd::Updated, 100),
            (RowEnd::Invalid, 200 + noise(n)),
            (RowEnd::Rejected, 100 + noise(n + 1)),
        ]);
        column
    };
    let errors = (0..500).map(|n| {
        let end = if n % 3 == 0 {
            RowEnd::Rejected
        } else {
            RowEnd::Invalid
        };
        group(
            Some(end),
            Some(&format!("attribute_{n}")),
            "too_long",
            900 - n,
            "the value is longer than 200 characters",
        )
    });
    RunReport {
        tone: Tone::Mixed,
        verdict: "4,000 of 16,000 rows were updated; 12,000 were not.".to_owned(),
        errors: errors.collect(),
        failed_files: vec!["failed.csv".to_owned(), "failed-2.csv".to_owned()],
        next: vec![correct()],
        ..run(Some(course(
            "2026-11-29T12:00:00Z",
            1000,
            (0..40).map(column).collect(),
        )))
    }
}

fn three_days() -> RunReport {
    let column = |n| match n {
        30..42 => down("pause"),
        80..83 => down("no_answer"),
        _ => {
            let mut column = calm(n);
            column.rows.insert(RowEnd::Updated, 60_000 + 40 * noise(n));
            column.latency_us = column.latency_us.map(|[p50, p95, p99]| {
                if noise(n) > 90 {
                    [p50, 40 * p95, 90 * p99]
                } else {
                    [p50, p95, p99]
                }
            });
            column
        }
    };
    let columns = (0..108).map(column).collect();
    run(Some(course("2026-11-27T06:00:00Z", 2_400_000, columns)))
}

/// Returns a run whose names try to be markup.
pub(super) fn script_names() -> RunReport {
    let evil = "<script>alert('1')</script>\"><img src=x onerror=alert(1)>&amp;.csv".to_owned();
    let mut run = outage();
    for input in &mut run.inputs {
        input.name.clone_from(&evil);
        input.read_as = Some(evil.clone());
    }
    for group in run.errors.iter_mut().chain(&mut run.warnings) {
        group.field = Some("</td><script src=http:x>".to_owned());
        "<svg onload=alert(1)>".clone_into(&mut group.code);
        group.first = vec![format!("{evil}:7"), format!("{evil}:8")];
        group.wrong = vec!["]]></style><style>*{display:none}".to_owned()];
    }
    for field in run.echo.iter_mut().flat_map(|echo| &mut echo.fields) {
        field.field = "</th><script>alert(1)</script>".to_owned();
        field.first = vec![format!("{evil}:7")];
    }
    run.directories = vec![format!("{evil}.custsync")];
    run.failed_files = vec!["javascript:alert(1)//<b>.csv".to_owned()];
    run.settings = vec![setting(
        "map",
        "\"<b style=color:red>\u{202e}x\0",
        Some("<i>"),
    )];
    run.verdict += " <b>";
    run.next.push(step(
        "Then <i>look</i>:",
        "custsync report '<script>' && echo \"&lt;\"",
    ));
    run
}

fn right_to_left() -> RunReport {
    let name = "לקוחות 2026 (עותק).csv".to_owned();
    let mut run = outage();
    for input in &mut run.inputs {
        input.name.clone_from(&name);
    }
    for group in &mut run.errors {
        group.field = Some("דואר".to_owned());
        group.first = vec![
            format!("{name}:7"),
            format!("{name}:19"),
            "عملاء.csv:3".to_owned(),
        ];
    }
    run.directories = vec![format!("{name}.custsync")];
    run
}

fn empty() -> RunReport {
    RunReport {
        tone: Tone::Mixed,
        verdict: "The input has no rows.".to_owned(),
        answer_times: Vec::new(),
        latency_us: None,
        ..run(None)
    }
}

/// Returns a run whose API never answered.
fn down_from_the_start() -> RunReport {
    let columns = (0..20).map(|_| down("outage")).collect();
    let mut run = RunReport {
        tone: Tone::Bad,
        verdict: "Stopped, since the API is down: none of the 500 rows was updated.".to_owned(),
        next: vec![step("To go on, later:", "custsync run customers.csv")],
        answer_times: Vec::new(),
        latency_us: None,
        ..run(Some(course("2026-11-29T12:00:00Z", 15_000, columns)))
    };
    run.books = Books {
        lacks_valid_rows: false,
        records: 500,
        total: Some(500),
        parts: BTreeMap::from([(RowEnd::Unsent, 450), (RowEnd::Unrecorded, 50)]),
    };
    run
}

fn check() -> RunReport {
    let mut run = RunReport {
        command: "check".to_owned(),
        tone: Tone::Bad,
        verdict: "900 of 1,000 rows can be sent; 99 cannot.".to_owned(),
        next: vec![step(
            "Correct the input and run:",
            "custsync check customers.csv",
        )],
        answer_times: Vec::new(),
        latency_us: None,
        errors: vec![group(
            Some(RowEnd::Invalid),
            Some("email"),
            "email",
            99,
            "it is not an e-mail address",
        )],
        ..run(None)
    };
    run.books = Books {
        lacks_valid_rows: false,
        records: 1000,
        total: Some(1000),
        parts: BTreeMap::from([
            (RowEnd::Valid, 900),
            (RowEnd::Superseded, 1),
            (RowEnd::Invalid, 99),
        ]),
    };
    run
}

fn shards() -> RunReport {
    let mut run = clean();
    run.directories = (1..4)
        .map(|n| format!("customers.csv.{n}-of-4.custsync"))
        .collect();
    run.shards = Some(Shards {
        of: 4,
        found: vec![1, 2, 3],
        unfinished: vec![],
        unaccounted: 30_000,
    });
    run.processes = (1..4)
        .map(|n| Process {
            shard: Some(n),
            ..process(run.started, 1200.0, 0, 30_000)
        })
        .collect();
    run.processes_number = 3;
    run.failed_files = vec!["failed.csv".to_owned()];
    run.canaries = vec![
        canary(Some(1), 0, AfterCanary::WentOn),
        canary(Some(2), 3, AfterCanary::Stopped),
        Canary {
            is_good: false,
            echo: ["date_of_birth", "job"].map(str::to_owned).to_vec(),
            ..canary(Some(3), 0, AfterCanary::Stopped)
        },
    ];
    run
}

fn eight_stretches() -> RunReport {
    let stretch = |n: u64| Stretch {
        begin: time("2026-11-27T22:00:00Z")
            + SignedDuration::from_hours(i64::try_from(n * n).expect("small")),
        columns: (0..=(3 + noise(n) / 10)).map(calm).collect(),
    };
    run(Some(Course {
        width_ms: 60_000,
        stretches: (0..8).map(stretch).collect(),
    }))
}

/// Returns a short run with a bit of everything, whose page is kept as a file.
pub(super) fn small() -> Report {
    let mut run = outage();
    let columns: Vec<_> = run
        .course
        .iter()
        .flat_map(|course| &course.stretches)
        .flat_map(|stretch| &stretch.columns)
        .skip(36)
        .take(12)
        .cloned()
        .collect();
    run.course = Some(course("2026-11-29T12:00:00Z", 10_000, columns));
    Report { runs: vec![run] }
}

/// Returns the largest report that the page has to show in a bounded size.
pub(super) fn largest() -> RunReport {
    let column = |n: u64| Column {
        rows: ENDS
            .iter()
            .zip(0..)
            .map(|(end, k)| (*end, 6000 + 45 * noise(n + k)))
            .collect(),
        latency_us: Some([
            123_456 + 700 * noise(n),
            334_567 + 4000 * noise(n + 1),
            4_567_890 + 91_000 * noise(n + 2),
        ]),
        sending: Some(sending(
            n,
            1234.5,
            &CAUSES.map(|name| (name, 0.10 + float(noise(n)) / 900.0)),
        )),
    };
    let mut course = course(
        "2026-11-27T22:00:05Z",
        600_000,
        (0..60).map(column).collect(),
    );
    course.stretches.push(Stretch {
        begin: time("2026-12-24T22:00:05Z"),
        columns: (60..120).map(column).collect(),
    });
    let long = "a long name of a file, as other programs write them";
    let mut run = RunReport {
        errors: many_errors().errors,
        warnings: many_errors().errors.into_iter().take(8).collect(),
        tone: Tone::Mixed,
        next: vec![correct()],
        failed_files: vec!["failed.csv".to_owned()],
        settings: (0..20)
            .map(|n| setting(&format!("setting-{n}"), long, Some("custsync.toml")))
            .collect(),
        inputs: (0..100)
            .map(|n| InputReport {
                name: format!("{n} {long}.csv"),
                read_as: Some("CSV with `,`".to_owned()),
                bytes: Some(1 << 33),
            })
            .collect(),
        ..run(Some(course))
    };
    for group in &mut run.errors {
        group.first = (1..=5).map(|n| format!("{n} {long}.csv:1234567")).collect();
        group.wrong = vec![
            "the API rejects it: this is no value that the field can have, since it is too long"
                .to_owned(),
        ];
    }
    run.processes = (0..45)
        .map(|n| process(run.started, float(n), 4, 1_000_000 + n))
        .collect();
    run.processes_number = 1234;
    run
}
