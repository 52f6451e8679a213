//! A table of runs against an API in trouble, which `docs/api-in-trouble.md` quotes. `cargo test
//! prove -- --nocapture` prints its rows.
//!
//! Each case is a run and a second start of it against a repaired API, over several seeds. A test
//! fails if a seed leaves the bounds of its case, or if the page differs from what was measured.

mod table;

use std::ops::RangeInclusive;

use self::table::{Case, Note, PAGE, Wanted, completed, prove, stopped};
use super::quota::{FixedWindow, Headers, Quota};
use super::server::{Down, MESSAGE, Reads, STATUS, Trouble};
use super::world::{self, Report, Setup};
use super::{at, latency, ms, s, well};
use crate::process::exit::Exit;
use crate::schedule::error_limit::{ErrorLimit, Share};
use crate::schedule::rate::{LimitedRate, Rate, RateUnit};
use crate::schedule::{Moment, Random};

/// The start of a trouble that does not start with the run.
const BEGINS: Moment = Moment::after_start(s(1));
/// The end of a trouble that outlasts every run.
const NEVER: Moment = Moment::after_start(s(1_000_000));
/// The longest time between two probes in seconds, with jitter and some time for the answers.
const PROBED_WITHIN: f64 = 34.0;

/// A run with the program's own settings, except for an unlimited rate.
fn usual(rows: u64, random: &mut Random) -> Setup {
    let mut setup = well(rows, random);
    setup.rules.error_limit =
        ErrorLimit::Share(Share::from_per_million(100_000).expect("a good share"));
    setup
}

/// 2,000 rows at 300 a second: 6.7 s without trouble.
fn at_300(random: &mut Random) -> Setup {
    let mut setup = usual(2000, random);
    setup.rules.rate = rate(300, RateUnit::Second);
    setup
}

fn rate(requests: u32, unit: RateUnit) -> Rate {
    Rate::Limited(LimitedRate::new(requests, unit).expect("a good rate"))
}

/// 2,000 rows at 300 a second, with this trouble.
fn at_300_with(trouble: Trouble) -> impl Fn(&mut Random) -> Setup {
    move |random| {
        let mut setup = at_300(random);
        setup.server.troubles = vec![trouble];
        setup
    }
}

/// The time from the end of a trouble to the end of the run, as a factor of the time that the rows
/// left would take without trouble.
fn work_left(until: Moment, at_most: f64) -> Note {
    let without = world::run(at_300(&mut Random::seeded(0)), 0)
        .lasted
        .as_secs_f64();
    let of = move |report: &Report| {
        let left = report.ended.iter().filter(|(at, _)| *at > until).count();
        let ideal = without * left as f64 / report.ended.len() as f64;
        Moment::after_start(report.lasted)
            .since(until)
            .as_secs_f64()
            / ideal
    };
    Note {
        before: "after the trouble ",
        behind: " × the time of the rows left",
        decimals: 2,
        of: Box::new(of),
        at_most,
    }
}

/// The time of 2,000 rows at 300 a second with a trouble of this length: a fifth more for all rows,
/// and the time until the end of the trouble is noticed, which grows with its length.
fn soon_after(lasts: f64) -> RangeInclusive<f64> {
    6.6..=7.7 * 1.2 + lasts + (1.5 * lasts + 3.0).min(PROBED_WITHIN)
}

fn black_holes() -> Vec<Case> {
    let case = |in_flight: u16, timeout_s: u64, settings: &'static str| {
        let timeout = s(timeout_s);
        // The last probe before the longest wait is over may be given up in the grace.
        let seconds = 60.9..=61.0 + 25.0 + 1.0;
        let wanted = stopped(Exit::StoppedEarly, 80, seconds);
        let case = Case::new(
            "takes requests and answers none, from 1 s on for ever",
            settings,
            wanted,
            move |random| {
                let mut setup = at_300(random);
                (
                    setup.rules.in_flight_max,
                    setup.rules.timeout,
                    setup.rules.wait_max,
                ) = (in_flight, timeout, s(60));
                setup.server.troubles = vec![Trouble::Outage(BEGINS, NEVER, Down::BlackHole)];
                setup
            },
        );
        case.with_note(Note {
            before: "known to be down after ",
            behind: " s",
            decimals: 1,
            of: Box::new(|report| {
                report
                    .opened_at
                    .map_or(f64::INFINITY, |at| at.since(BEGINS).as_secs_f64())
            }),
            // Two rows without an answer show an outage after ten seconds, however short the
            // timeout is.
            at_most: (timeout * 2).max(s(10)).as_secs_f64() + 0.2,
        })
    };
    vec![
        case(
            4,
            3,
            "2,000 rows at 300/s, `--max-in-flight 4 --timeout 3s --max-wait 1m`",
        ),
        case(
            4,
            30,
            "2,000 rows at 300/s, `--max-in-flight 4 --timeout 30s --max-wait 1m`",
        ),
        case(
            1,
            3,
            "2,000 rows at 300/s, `--max-in-flight 1 --timeout 3s --max-wait 1m`",
        ),
        case(
            1,
            30,
            "2,000 rows at 300/s, `--max-in-flight 1 --timeout 30s --max-wait 1m`",
        ),
    ]
}

fn shares() -> Vec<Case> {
    let partial = |until, share, with| {
        at_300_with(Trouble::Partial {
            from: BEGINS,
            until,
            share,
            with,
        })
    };
    let settings = "2,000 rows at 300/s";
    vec![
        Case::new(
            "answers 503 to 42 % of the requests, for 3 s",
            settings,
            completed(2400, soon_after(3.0)),
            partial(at(4), 0.42, Down::text(503)),
        )
        .with_note(work_left(at(4), 1.2))
        .missed(),
        Case::new(
            "answers 502 to 60 % of the requests, for 5 min",
            settings,
            completed(3000, soon_after(300.0)),
            partial(at(301), 0.6, Down::text(502)),
        ),
        // One or two refusals held together are believed: such rows end rejected.
        Case::new(
            "has a gateway that answers 404 with `{\"message\":…}` to 2 % of the requests, for 5 s",
            settings,
            completed(2400, soon_after(5.0)),
            partial(at(6), 0.02, Down::Status(404, MESSAGE)),
        )
        .missed(),
        Case::new(
            "answers 404 as text from half of its pods, for 2 s",
            settings,
            completed(2400, soon_after(2.0)),
            partial(at(3), 0.5, Down::text(404)),
        ),
    ]
}

fn outages() -> Vec<Case> {
    let outage = |until, with| at_300_with(Trouble::Outage(BEGINS, until, with));
    let settings = "2,000 rows at 300/s";
    let few = |with| {
        move |random: &mut Random| {
            let mut setup = usual(3, random);
            setup.server.troubles = vec![Trouble::Outage(Moment::START, at(60), with)];
            setup
        }
    };
    vec![
        Case::new(
            "answers 500 in its own shape, from the start for 60 s",
            "3 rows",
            completed(40, 60.0..=121.0),
            few(Down::api(500)),
        ),
        Case::new(
            "answers 500 as text, from the start for 60 s",
            "3 rows",
            completed(40, 60.0..=60.0 + PROBED_WITHIN),
            few(Down::text(500)),
        ),
        Case::new(
            "answers 500 in its own shape, for 8 s",
            settings,
            completed(2200, soon_after(8.0)),
            outage(at(9), Down::api(500)),
        ),
        Case::new(
            "answers 404 as text, for 2 s",
            settings,
            completed(2200, soon_after(2.0)),
            outage(at(3), Down::text(404)),
        ),
        Case::new(
            "has a gateway that answers 404 with `{\"message\":…}`, for 2 s",
            settings,
            completed(3000, soon_after(2.0)),
            outage(at(3), Down::Status(404, MESSAGE)),
        ),
        Case::new(
            "has a gateway that answers 403 with `{\"message\":…}`, for 2 s",
            settings,
            completed(3000, soon_after(2.0)),
            outage(at(3), Down::Status(403, MESSAGE)),
        ),
        Case::new(
            "answers 200 with `{\"status\":\"maintenance\"}`, for 5 s",
            settings,
            completed(2200, soon_after(5.0)),
            outage(at(6), Down::Status(200, STATUS)),
        ),
        Case::new(
            "answers 200 with `{\"status\":\"maintenance\"}`, from the start for ever",
            settings,
            stopped(Exit::StoppedEarly, 20, 0.0..=3.0),
            at_300_with(Trouble::Outage(
                Moment::START,
                NEVER,
                Down::Status(200, STATUS),
            )),
        ),
    ]
}

fn read_only() -> Vec<Case> {
    let read_only = |until| Trouble::Outage(BEGINS, until, Down::ReadOnly);
    vec![
        Case::new(
            "answers 503 to PUT and 200 to GET, for 20 s",
            "2,000 rows at 300/s",
            completed(2200, soon_after(20.0)),
            at_300_with(read_only(at(21))),
        ),
        Case::new(
            "answers 503 to PUT and 200 to GET, from 1 s on for ever",
            "2,000 rows at 300/s, `--max-wait 1m`",
            stopped(Exit::StoppedEarly, 320, 60.9..=63.0),
            move |random| {
                let mut setup = at_300_with(read_only(NEVER))(random);
                setup.rules.wait_max = s(60);
                setup
            },
        ),
    ]
}

/// A run of 200 rows, of which the API always answers this one like this.
fn bad_row(row: u64, with: Down) -> impl Fn(&mut Random) -> Setup {
    move |random| {
        let mut setup = usual(200, random);
        setup.server.troubles = vec![Trouble::Poison {
            first: row,
            every: 1_000_000,
            with,
        }];
        setup
    }
}

/// The number of requests for the row that ended badly.
fn attempts_at_it(at_most: u32) -> Note {
    let of = |report: &Report| {
        report
            .bad_attempts
            .iter()
            .copied()
            .max()
            .map_or(f64::INFINITY, f64::from)
    };
    Note {
        before: "",
        behind: " attempts at the row",
        decimals: 0,
        of: Box::new(of),
        at_most: f64::from(at_most),
    }
}

fn bad_rows() -> Vec<Case> {
    // The same command sends a failed row again, but not a rejected one.
    let case = |what: &str, row: u64, with: Down, attempts: u32, seconds: f64, again: Exit| {
        let place = match row {
            0 => "the first row",
            100 => "a row in the middle",
            _ => "the last row",
        };
        let wanted = Wanted {
            requests: 230,
            seconds: 0.5..=seconds,
            exit: Exit::SomeRowsFailed,
            again,
        };
        Case::new(
            format!("answers {what} to {place}, always"),
            "200 rows",
            wanted,
            bad_row(row, with),
        )
        .with_note(attempts_at_it(attempts))
    };
    let mut cases = vec![case(
        "406 as text",
        0,
        Down::text(406),
        3,
        10.0,
        Exit::SomeRowsFailed,
    )];
    // Ten waits with another row's success in between. While other rows are left, there are some
    // more without one.
    for (row, waits) in [(100, 20), (199, 10)] {
        cases.extend([
            case(
                "406 as text",
                row,
                Down::text(406),
                3,
                10.0,
                Exit::SomeRowsFailed,
            ),
            case("502", row, Down::text(502), 5, 15.0, Exit::Success),
            case("500", row, Down::api(500), 3, 10.0, Exit::Success),
            case(
                "429 without `Retry-After`",
                row,
                Down::Wait(429, None),
                waits,
                400.0,
                Exit::Success,
            ),
            case(
                "429 with `Retry-After: 1`",
                row,
                Down::Wait(429, Some(1)),
                waits,
                30.0,
                Exit::Success,
            ),
            case("503", row, Down::text(503), 5, 15.0, Exit::Success),
        ]);
    }
    cases.push(no_customer_is_known());
    cases.extend([
        without_reads(
            "502",
            Down::text(502),
            stopped(Exit::StoppedEarly, 230, 60.0..=70.0),
        ),
        {
            let rejected = Wanted {
                requests: 230,
                seconds: 60.0..=70.0,
                exit: Exit::SomeRowsFailed,
                again: Exit::SomeRowsFailed,
            };
            without_reads("404 in its own shape", Down::api(404), rejected)
        },
    ]);
    cases
}

/// A file about another system's customers, which the user knows.
fn no_customer_is_known() -> Case {
    let settings = "5,000 rows, `--max-errors none`";
    let wanted = Wanted {
        requests: 6100,
        seconds: 35.0..=180.0,
        exit: Exit::SomeRowsFailed,
        again: Exit::SomeRowsFailed,
    };
    Case::new(
        "answers 404 in its own shape to all rows, always",
        settings,
        wanted,
        |random| {
            let mut setup = usual(5000, random);
            setup.rules.error_limit = ErrorLimit::None;
            setup.server.troubles = vec![Trouble::Poison {
                first: 0,
                every: 1,
                with: Down::api(404),
            }];
            setup
        },
    )
}

/// The last row is at fault, and no control shows it, because customers cannot be read.
fn without_reads(what: &str, with: Down, wanted: Wanted) -> Case {
    let api = format!("answers {what} to the last row, always, and 403 to GET");
    Case::new(api, "200 rows, `--max-wait 1m`", wanted, move |random| {
        let mut setup = bad_row(199, with)(random);
        setup.rules.wait_max = s(60);
        setup.server.reads = Reads::Forbidden;
        setup
    })
}

/// A window that starts with the run or before, with this many requests left.
fn quota_left(rows: u64, left: u64, length_s: u64, since_s: u64) -> impl Fn(&mut Random) -> Setup {
    move |random| {
        let mut setup = usual(rows, random);
        setup.server.clock.at_start = s(86_400 * 20_000 + since_s);
        setup.server.quota =
            Quota::Fixed(FixedWindow::new(1000, length_s, Headers::All).used_before(1000 - left));
        setup
    }
}

fn quotas() -> Vec<Case> {
    vec![
        Case::new(
            "its first answer says `Remaining: 0` and names a reset an hour away, with or without `Date`",
            "40 rows",
            stopped(Exit::StoppedEarly, 4, 0.0..=0.5),
            quota_left(40, 1, 3600, 0),
        ),
        Case::new(
            "has 900 requests left of a daily quota",
            "40 rows",
            completed(40, 0.0..=2.0),
            quota_left(40, 900, 86_400, 3600),
        ),
        Case::new(
            "has 95 requests left of a daily quota",
            "40 rows",
            completed(40, 0.0..=2.0),
            quota_left(40, 95, 86_400, 3600),
        ),
        Case::new(
            "has 95 requests left of a daily quota",
            "5,000 rows",
            stopped(Exit::StoppedEarly, 95 + 4, 0.0..=3.0),
            quota_left(5000, 95, 86_400, 3600),
        ),
    ]
}

fn slow_and_lonely() -> Vec<Case> {
    vec![
        Case::new(
            "answers 503 once",
            "3 rows, `--rate 1/h`",
            completed(4, 10_790.0..=10_810.0),
            |random| {
                let mut setup = usual(3, random);
                setup.rules.rate = rate(1, RateUnit::Hour);
                setup.server.troubles = vec![Trouble::Outage(at(3500), at(3700), Down::text(503))];
                setup.ends_within = s(5 * 3600);
                setup
            },
        ),
        Case::new(
            "refuses connections, from the start for ever",
            "1 row, `--max-wait 2s`",
            stopped(Exit::StoppedEarly, 8, 2.0..=3.0),
            |random| {
                let mut setup = usual(1, random);
                setup.rules.wait_max = s(2);
                setup.server.troubles = vec![Trouble::Outage(Moment::START, NEVER, Down::Refused)];
                setup
            },
        ),
        Case::new(
            "is well, and takes 200 ms for an answer",
            "1,000 rows, 32 in flight",
            completed(1000, 6.2..=7.5),
            |random| {
                let mut setup = usual(1000, random);
                setup.server.latency = latency(ms(200));
                setup
            },
        ),
    ]
}

#[test]
fn a_black_hole() {
    prove(&black_holes());
}

#[test]
fn a_share_of_the_answers() {
    prove(&shares());
}

#[test]
fn all_answers() {
    prove(&outages());
}

#[test]
fn reads_that_are_well_while_writes_are_not() {
    prove(&read_only());
}

#[test]
fn a_row_that_is_at_fault() {
    prove(&bad_rows());
}

#[test]
fn a_quota() {
    prove(&quotas());
}

#[test]
fn slow_and_lonely_runs() {
    prove(&slow_and_lonely());
}

#[test]
fn the_page_has_no_other_rows() {
    let all = [
        black_holes(),
        shares(),
        outages(),
        read_only(),
        bad_rows(),
        quotas(),
        slow_and_lonely(),
    ];
    let table = PAGE
        .lines()
        .skip_while(|line| !line.starts_with("| what the API does |"))
        .skip(2);
    assert_eq!(
        table.take_while(|line| line.starts_with('|')).count(),
        all.iter().map(Vec::len).sum::<usize>()
    );
}
