//! The table: what is measured of a case, its bounds, and its row in the page.

use std::fmt;
use std::ops::RangeInclusive;

use crate::process::exit::Exit;
use crate::schedule::Random;
use crate::schedule::simulation::quota::Quota;
use crate::schedule::simulation::server::Server;
use crate::schedule::simulation::world::{self, Report, Setup};
use crate::schedule::simulation::{Seed, seeds};

pub(super) const PAGE: &str = include_str!("../../../../docs/api-in-trouble.md");

const SEEDS: u64 = 10;

/// A run, and the bounds for every seed.
pub(super) struct Case {
    api: String,
    settings: &'static str,
    setup: Box<dyn Fn(&mut Random) -> Setup>,
    wanted: Wanted,
    note: Option<Note>,
    aim: Aim,
}

/// Whether a case is expected to be within its bounds.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Aim {
    Met,
    /// Known not to be, for all seeds. The test fails as soon as it is.
    Missed,
}

/// The bounds of a run.
pub(super) struct Wanted {
    /// The most requests.
    pub(super) requests: usize,
    pub(super) seconds: RangeInclusive<f64>,
    pub(super) exit: Exit,
    /// The exit of the second start.
    pub(super) again: Exit,
}

/// Another figure, shown beside the time.
pub(super) struct Note {
    pub(super) before: &'static str,
    pub(super) behind: &'static str,
    pub(super) decimals: usize,
    pub(super) of: Box<dyn Fn(&Report) -> f64>,
    pub(super) at_most: f64,
}

/// The lowest and the highest of all seeds.
#[derive(Clone, Copy)]
struct Measured {
    lowest: f64,
    highest: f64,
}

/// A row of the table.
struct Row<'a> {
    case: &'a Case,
    requests: Measured,
    seconds: Measured,
    noted: Measured,
    wronged: Measured,
    exit: Exit,
    updated_again: Measured,
    exit_again: Exit,
}

impl Measured {
    const NOTHING: Measured = Measured {
        lowest: f64::INFINITY,
        highest: f64::NEG_INFINITY,
    };

    fn add(&mut self, figure: f64) {
        self.lowest = self.lowest.min(figure);
        self.highest = self.highest.max(figure);
    }

    fn show(self, show: impl Fn(f64) -> String) -> String {
        let (lowest, highest) = (show(self.lowest), show(self.highest));
        if lowest == highest {
            lowest
        } else {
            format!("{lowest} to {highest}")
        }
    }

    /// Formats a time in the unit that fits.
    fn show_time(self) -> String {
        let (unit, seconds) = match self.highest {
            ..120.0 => ("s", 1.0),
            ..7200.0 => ("min", 60.0),
            _ => ("h", 3600.0),
        };
        format!(
            "{} {unit}",
            self.show(|figure| format!("{:.1}", figure / seconds))
        )
    }
}

impl fmt::Display for Row<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Row {
            case,
            requests,
            seconds,
            noted,
            wronged,
            exit,
            updated_again,
            exit_again,
        } = self;
        let (requests, wronged) = (requests.show(count), wronged.show(count));
        write!(
            f,
            "| {} | {} | {requests} | {}",
            case.api,
            case.settings,
            seconds.show_time()
        )?;
        if let Some(Note {
            before,
            behind,
            decimals,
            ..
        }) = &case.note
        {
            write!(
                f,
                "; {before}{}{behind}",
                noted.show(|figure| format!("{figure:.decimals$}"))
            )?;
        }
        let sent_again = if updated_again.highest > 0.0 {
            format!("updates {}", updated_again.show(count))
        } else {
            "sends nothing".to_owned()
        };
        write!(
            f,
            " | {wronged} | {} | {sent_again}, exit {} |",
            exit.code(),
            exit_again.code()
        )
    }
}

/// Formats a number with commas between its thousands.
fn count(figure: f64) -> String {
    let digits = format!("{figure:.0}");
    let groups: Vec<&str> = digits
        .as_bytes()
        .rchunks(3)
        .rev()
        .map(|group| str::from_utf8(group).expect("digits"))
        .collect();
    groups.join(",")
}

impl Case {
    pub(super) fn new(
        api: impl Into<String>,
        settings: &'static str,
        wanted: Wanted,
        setup: impl Fn(&mut Random) -> Setup + 'static,
    ) -> Case {
        Case {
            api: api.into(),
            settings,
            setup: Box::new(setup),
            wanted,
            note: None,
            aim: Aim::Met,
        }
    }

    /// Adds another figure.
    pub(super) fn with_note(self, note: Note) -> Case {
        Case {
            note: Some(note),
            ..self
        }
    }

    /// Marks the case as known to leave its bounds.
    pub(super) fn missed(self) -> Case {
        Case {
            aim: Aim::Missed,
            ..self
        }
    }

    /// Simulates the case for each seed, and adds what is out of bounds to `faults`.
    fn measure(&self, faults: &mut Vec<String>) -> Row<'_> {
        let mut row = Row {
            case: self,
            requests: Measured::NOTHING,
            seconds: Measured::NOTHING,
            noted: Measured::NOTHING,
            wronged: Measured::NOTHING,
            exit: self.wanted.exit,
            updated_again: Measured::NOTHING,
            exit_again: self.wanted.again,
        };
        for seed in seeds(SEEDS) {
            let _names_itself = Seed(seed);
            let first = world::run((self.setup)(&mut Random::seeded(seed)), seed);
            let again = world::continued(
                well_again((self.setup)(&mut Random::seeded(seed))),
                &first.ended,
                seed,
            );
            let wanted = &self.wanted;
            let (requests, seconds, exit) = (
                first.sends.len(),
                first.lasted.as_secs_f64(),
                exit_of(&first, 0),
            );
            let exit_again = exit_of(&again, first.rejected);
            let noted = self.note.as_ref().map(|note| (note.of)(&first));
            let wronged = first.wronged + again.wronged;
            let is_good = requests <= wanted.requests
                && wanted.seconds.contains(&seconds)
                && exit == wanted.exit
                && exit_again == wanted.again
                && wronged == 0
                && self
                    .note
                    .as_ref()
                    .zip(noted)
                    .is_none_or(|(note, noted)| noted <= note.at_most);
            if !is_good {
                faults.push(format!(
                    "{} ({}), seed {seed}: {requests} requests, {seconds} s, noted {noted:?}, {wronged} wronged, {exit:?} by \
                     {:?}, then {exit_again:?} by {:?}",
                    self.api, self.settings, first.stopped, again.stopped
                ));
            }
            row.requests.add(requests as f64);
            row.seconds.add(seconds);
            row.noted.add(noted.unwrap_or_default());
            row.wronged.add(wronged as f64);
            row.updated_again.add(again.updated as f64);
            (row.exit, row.exit_again) = (exit, exit_again);
        }
        row
    }
}

/// The same run against an API without faults.
fn well_again(setup: Setup) -> Setup {
    let server = Server::well(setup.server.clock, setup.server.latency, Quota::Unlimited);
    Setup { server, ..setup }
}

/// The exit status of the program, after an earlier start that rejected this many rows.
fn exit_of(report: &Report, rejected_earlier: usize) -> Exit {
    match &report.stopped {
        Some(reason) => Exit::from(reason),
        None if report.rejected + report.failed + rejected_earlier > 0 => Exit::SomeRowsFailed,
        None => Exit::Success,
    }
}

/// Measures the cases, prints their rows, and compares them with the page.
pub(super) fn prove(cases: &[Case]) {
    let mut faults = Vec::new();
    for case in cases {
        let mut misses = Vec::new();
        let row = case.measure(&mut misses).to_string();
        println!("{row}");
        match case.aim {
            Aim::Met => faults.append(&mut misses),
            Aim::Missed if misses.is_empty() => {
                faults.push(format!("{} is within its bounds now", case.api));
            }
            Aim::Missed => {}
        }
        if !PAGE.contains(&row) {
            faults.push(format!("the page has another row than {row}"));
        }
    }
    assert!(faults.is_empty(), "{}", faults.join("\n"));
}

/// The bounds of a run that updates every row.
pub(super) fn completed(requests: usize, seconds: RangeInclusive<f64>) -> Wanted {
    Wanted {
        requests,
        seconds,
        exit: Exit::Success,
        again: Exit::Success,
    }
}

/// The bounds of a run that stops and that a second start completes.
pub(super) fn stopped(exit: Exit, requests: usize, seconds: RangeInclusive<f64>) -> Wanted {
    Wanted {
        requests,
        seconds,
        exit,
        again: Exit::Success,
    }
}
