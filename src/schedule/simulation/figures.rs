//! Figures on how well the schedule does against an API of one kind. `cargo test figures --
//! --nocapture` prints the table that docs/sending.md quotes.

use std::fmt;

use super::quota::{FixedWindow, Headers, Quota};
use super::server::{Down, Latency, Shape, Trouble};
use super::world::{self, Report, Setup};
use super::{Seed, at, latency, mean_in_flight, ms, s, well};
use crate::schedule::rate::Rate;
use crate::schedule::{Moment, Random};

const PAGE: &str = include_str!("../../../docs/sending.md");

/// A figure to measure: its name, and the range in which it has to be for every seed.
struct Wanted {
    name: &'static str,
    at_least: f64,
    at_most: f64,
}

/// A measured figure: the lowest and the highest of all seeds.
struct Figure {
    api: &'static str,
    wanted: Wanted,
    lowest: f64,
    highest: f64,
}

impl Figure {
    fn is_good(&self) -> bool {
        self.wanted.at_least <= self.lowest && self.highest <= self.wanted.at_most
    }
}

impl fmt::Display for Figure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Figure {
            api,
            wanted,
            lowest,
            highest,
        } = self;
        let Wanted {
            name,
            at_least,
            at_most,
        } = wanted;
        write!(
            f,
            "| {api} | {name} | {lowest:.2} to {highest:.2} | {at_least} to {at_most} |"
        )
    }
}

fn wanted(name: &'static str, at_least: f64, at_most: f64) -> Wanted {
    Wanted {
        name,
        at_least,
        at_most,
    }
}

/// Simulates a run for each seed and measures it.
fn measure<const N: usize>(
    api: &'static str,
    seeds: u64,
    setup: impl Fn(&mut Random) -> Setup,
    figures_of: impl Fn(&Report) -> [f64; N],
    wanted: [Wanted; N],
) -> Vec<Figure> {
    let (mut lowest, mut highest) = ([f64::INFINITY; N], [f64::NEG_INFINITY; N]);
    for seed in 0..seeds {
        let _names_itself = Seed(seed);
        let measured = figures_of(&world::run(setup(&mut Random::seeded(seed)), seed));
        for (index, figure) in measured.into_iter().enumerate() {
            lowest[index] = figure.min(lowest[index]);
            highest[index] = figure.max(highest[index]);
        }
    }
    let ranges = lowest.into_iter().zip(highest);
    wanted
        .into_iter()
        .zip(ranges)
        .map(|(wanted, (lowest, highest))| Figure {
            api,
            wanted,
            lowest,
            highest,
        })
        .collect()
}

/// Ten windows of a minute, and a little more, with a quota that the client does not know.
fn window(
    api: &'static str,
    seeds: u64,
    per_minute: u64,
    headers: Headers,
    wanted: [Wanted; 2],
) -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(per_minute * 115 / 10 + 1, random);
        setup.rules.rate = Rate::Auto;
        setup.server.quota = Quota::Fixed(FixedWindow::new(per_minute, 60, headers));
        setup
    };
    let figures_of = |report: &Report| {
        let Quota::Fixed(window) = &report.server.quota else {
            panic!("the quota is a fixed window")
        };
        [window.used_part(10) * 100.0, share_of(429, report) * 100.0]
    };
    measure(api, seeds, setup, figures_of, wanted)
}

fn share_of(status: u16, report: &Report) -> f64 {
    float(report.answers.get(&status).copied().unwrap_or_default()) / float(report.sends.len())
}

fn updated_percent(report: &Report) -> f64 {
    100.0 * float(report.updated)
        / float(report.updated + report.rejected + report.failed + report.unsent)
}

fn float(count: usize) -> f64 {
    count as f64
}

fn windows() -> Vec<Figure> {
    let used = || {
        [
            wanted("% of the quota used in ten windows", 99.0, 100.0),
            wanted("% answers 429", 0.0, 0.1),
        ]
    };
    let learned = [
        wanted("% of the quota used in ten windows", 99.0, 100.0),
        wanted("% answers 429", 0.0, 1.0),
    ];
    [
        window("window of 60 a minute", 40, 60, Headers::All, used()),
        window("window of 600 a minute", 10, 600, Headers::All, used()),
        window("window of 6,000 a minute", 2, 6000, Headers::All, used()),
        window(
            "window of 600 a minute, its end never named",
            10,
            600,
            Headers::ResetOn429,
            learned,
        ),
    ]
    .into_iter()
    .flatten()
    .collect()
}

fn random_503() -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(1000, random);
        setup.server.troubles = vec![Trouble::Random(0.1, Down::api(503))];
        setup
    };
    let figures_of =
        |report: &Report| [updated_percent(report), float(report.sends.len()) / 1000.0];
    let wanted = [
        wanted("% of the rows updated", 100.0, 100.0),
        wanted("requests a row", 1.0, 1.15),
    ];
    measure("one answer in ten is 503", 20, setup, figures_of, wanted)
}

/// An outage of a minute, from the tenth second on.
fn outage(api: &'static str, down: Down) -> Vec<Figure> {
    let (from, until) = (at(10), at(70));
    let setup = |random: &mut Random| {
        let mut setup = well(6000, random);
        setup.server.troubles = vec![Trouble::Outage(from, until, down)];
        setup
    };
    // A request without an answer has failed once it times out.
    let noticed = if down == Down::BlackHole {
        from + s(30)
    } else {
        from
    };
    let figures_of = |report: &Report| {
        let is_probe = |sent: &&Moment| noticed + s(5) <= **sent && **sent < until;
        let probes: Vec<Moment> = report.sends.iter().filter(is_probe).copied().collect();
        let in_a_second = |probe: &Moment| {
            probes
                .iter()
                .filter(|sent| probe <= sent && sent.since(*probe) < s(1))
                .count()
        };
        let back = report
            .sends
            .iter()
            .find(|sent| **sent >= until)
            .map_or(f64::INFINITY, |sent| seconds(*sent, until));
        let most = probes.iter().map(in_a_second).max().unwrap_or_default();
        [
            float(most),
            float(report.failed),
            updated_percent(report),
            back,
        ]
    };
    let wanted = [
        wanted("probes in any second, after the first five", 0.0, 1.0),
        wanted("rows failed", 0.0, 0.0),
        wanted("% of the rows updated", 100.0, 100.0),
        wanted("seconds until its end is noticed", 0.0, 33.0),
    ];
    measure(api, 5, setup, figures_of, wanted)
}

fn seconds(later: Moment, earlier: Moment) -> f64 {
    later.since(earlier).as_secs_f64()
}

fn five_at_once() -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(1500, random);
        setup.server.at_once_max = 5;
        setup
    };
    let figures_of = |report: &Report| {
        let mean = mean_in_flight(report, at(2), Moment::after_start(report.lasted));
        [
            mean,
            float(report.failed),
            float(report.sends.len()) / 1500.0,
        ]
    };
    let wanted = [
        wanted("mean in flight", 3.0, 5.5),
        wanted("rows failed", 0.0, 0.0),
        wanted("requests a row", 1.0, 1.15),
    ];
    measure(
        "no more than five at once, else 503",
        10,
        setup,
        figures_of,
        wanted,
    )
}

fn slower_with_load() -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(2500, random);
        setup.server.latency = Latency {
            shape: Shape::Knee(8),
            ..latency(ms(75))
        };
        setup
    };
    let figures_of = |report: &Report| {
        [mean_in_flight(
            report,
            at(2),
            Moment::after_start(report.lasted),
        )]
    };
    measure(
        "slower with each beyond eight at once",
        5,
        setup,
        figures_of,
        [wanted("mean in flight", 6.0, 18.0)],
    )
}

/// The first rows of a run, at 200 ms an answer. With 32 in flight from the start they would take
/// 6.3 s.
fn first_rows() -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(1000, random);
        setup.server.latency = latency(ms(200));
        setup
    };
    let figures_of = |report: &Report| [report.lasted.as_secs_f64()];
    measure(
        "200 ms an answer, 32 in flight at most",
        20,
        setup,
        figures_of,
        [wanted("seconds for the first 1,000 rows", 6.2, 7.5)],
    )
}

fn a_hundred_at_once() -> Vec<Figure> {
    let setup = |random: &mut Random| {
        let mut setup = well(12_000, random);
        setup.rules.in_flight_max = 512;
        setup.server.at_once_max = 100;
        setup
    };
    let figures_of = |report: &Report| {
        let mean = mean_in_flight(report, at(2), Moment::after_start(report.lasted));
        [mean, share_of(503, report) * 100.0, float(report.failed)]
    };
    let wanted = [
        wanted("mean in flight", 85.0, 130.0),
        wanted("% answers 503", 0.0, 4.0),
        wanted("rows failed", 0.0, 0.0),
    ];
    measure(
        "no more than a hundred at once, else 503",
        5,
        setup,
        figures_of,
        wanted,
    )
}

/// Answers take 20 ms, and from the second second on 200 ms, whatever the number in flight.
fn latency_step() -> Vec<Figure> {
    let (step, slow) = (at(2), ms(200));
    let setup = |random: &mut Random| {
        let mut setup = well(5500, random);
        setup.server.latency = Latency {
            shape: Shape::Step(step, slow),
            ..latency(ms(20))
        };
        setup.recording = ms(1);
        setup
    };
    let figures_of = |report: &Report| {
        let before = mean_in_flight(report, at(1), step);
        let round_trip = |n: u32| mean_in_flight(report, step + slow * (n - 1), step + slow * n);
        let halved = (1..100).find(|n| round_trip(*n) <= before / 2.0);
        let back = (halved.unwrap_or(100)..100).find(|n| round_trip(*n) >= before * 0.8);
        let number = |n: Option<u32>| n.map_or(f64::INFINITY, f64::from);
        [before, number(halved), number(back)]
    };
    let wanted = [
        wanted("mean in flight before", 30.0, 32.1),
        wanted("round trips until it has halved", 1.0, 10.0),
        wanted("round trips until it is back at 80 %", 1.0, 60.0),
    ];
    measure("20 ms an answer, then 200 ms", 5, setup, figures_of, wanted)
}

#[test]
fn figures() {
    let figures: Vec<Figure> = [
        windows(),
        random_503(),
        outage("60 s of outage: refused", Down::Refused),
        outage("60 s of outage: 503", Down::text(503)),
        outage("60 s of outage: timeouts", Down::BlackHole),
        first_rows(),
        five_at_once(),
        a_hundred_at_once(),
        slower_with_load(),
        latency_step(),
    ]
    .into_iter()
    .flatten()
    .collect();
    for figure in &figures {
        println!("{figure}");
    }
    for figure in &figures {
        assert!(figure.is_good(), "{figure}");
        assert!(
            PAGE.contains(&figure.to_string()),
            "the page quotes another figure than {figure}"
        );
    }
}
