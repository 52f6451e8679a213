//! The timeline of a run: `timeline.ndjson`, a line for each second at most, with the requests in
//! flight, the rate, and what holds the run back. Only reports read it, so an error while it is
//! written ends it and nothing else.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, Read as _, Write as _};
use std::os::unix::fs::FileExt as _;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use tracing::info;

use super::held_back::{Brake, BrakeTimes, by_known_brake};
use crate::journal::{RunDir, RunDirError};
use crate::schedule::Moment;
use crate::text;

/// The timeline's file name.
pub(crate) const TIMELINE_NAME: &str = "timeline.ndjson";
/// The most points that wait for the first row of a process.
const PENDING_MAX: usize = 3600;
/// The longest line that is read.
const LINE_BYTES_MAX: u64 = 64 << 10;
/// The times between lines: the first holds until the process has run for this long, and so on.
const INTERVALS: [(Duration, Duration); 3] = [
    (Duration::from_hours(1), Duration::from_secs(1)),
    (Duration::from_hours(24), Duration::from_secs(10)),
    (Duration::MAX, Duration::from_mins(1)),
];

/// A line of the timeline: what happened since the line before it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelinePoint {
    /// The time of its end.
    #[serde(with = "crate::journal::milliseconds")]
    pub at: Timestamp,
    /// The milliseconds that it covers, up to that time.
    pub ms: u64,
    /// Rows that ended in this time.
    pub rows: u64,
    /// Those among them that ended badly.
    pub bad: u64,
    /// Requests that were sent in this time.
    pub requests: u64,
    /// The mean number of requests in flight.
    pub in_flight: f64,
    /// The most requests that were allowed in flight at any time of it.
    pub in_flight_max: u64,
    /// The limit of requests per second at its end: the lower of the user's and the learned one; null
    /// without one. The API's window is no limit of a second.
    pub rate_per_second: Option<f64>,
    /// The milliseconds for which each cause held the run back.
    #[serde(deserialize_with = "by_known_brake")]
    pub held_back_ms: BTreeMap<Brake, u64>,
}

/// The numbers of a run at one moment, from its start on.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sample<'s> {
    /// Rows that ended.
    pub(crate) rows: u64,
    /// Rows that ended badly.
    pub(crate) bad: u64,
    /// Requests that were sent.
    pub(crate) requests: u64,
    /// Requests in flight.
    pub(crate) in_flight: usize,
    /// The most requests that are allowed in flight.
    pub(crate) in_flight_max: usize,
    /// The limit of requests per second.
    pub(crate) rate_per_second: Option<f64>,
    /// The causes that held the run back.
    pub(crate) brake_times: &'s BrakeTimes,
}

/// Makes points of samples.
#[derive(Debug, Default)]
pub(crate) struct Sampler {
    /// The end of the last point.
    last: Moment,
    rows: u64,
    bad: u64,
    requests: u64,
    held_back: BTreeMap<Brake, Duration>,
    /// The requests in flight, summed up over the samples since then, and the most that were allowed.
    in_flight: u64,
    in_flight_max: usize,
    samples: u64,
}

impl Sampler {
    /// Takes a sample. Returns a point if one is due.
    pub(crate) fn take(&mut self, now: Moment, sample: &Sample<'_>) -> Option<TimelinePoint> {
        self.add(sample);
        let interval = INTERVALS
            .iter()
            .find(|(until, _)| now.since_start() < *until)
            .map_or(Duration::MAX, |(_, interval)| *interval);
        (now.since(self.last) >= interval).then(|| self.point(now, sample))
    }

    /// Takes the last sample of a process. Returns a point if time has passed since the last one.
    pub(crate) fn finish(&mut self, now: Moment, sample: &Sample<'_>) -> Option<TimelinePoint> {
        self.add(sample);
        (now > self.last).then(|| self.point(now, sample))
    }

    fn add(&mut self, sample: &Sample<'_>) {
        self.in_flight += u64::try_from(sample.in_flight).unwrap_or(u64::MAX);
        self.samples += 1;
        self.in_flight_max = self.in_flight_max.max(sample.in_flight_max);
    }

    fn point(&mut self, now: Moment, sample: &Sample<'_>) -> TimelinePoint {
        let brakes = sample.brake_times.all().iter();
        let brakes: BTreeMap<_, _> = brakes
            .filter_map(|(brake, time)| Some(((*brake)?, *time)))
            .collect();
        let new = brakes.iter().map(|(brake, time)| {
            let before = self.held_back.get(brake).copied().unwrap_or_default();
            (*brake, ms(time.saturating_sub(before)))
        });
        let point = TimelinePoint {
            at: Timestamp::now(),
            ms: ms(now.since(self.last)),
            rows: sample.rows - self.rows,
            bad: sample.bad - self.bad,
            requests: sample.requests - self.requests,
            in_flight: mean(self.in_flight, self.samples),
            in_flight_max: u64::try_from(self.in_flight_max).unwrap_or(u64::MAX),
            rate_per_second: sample.rate_per_second.map(two_decimals),
            held_back_ms: new.filter(|(_, ms)| *ms > 0).collect(),
        };
        *self = Sampler {
            last: now,
            rows: sample.rows,
            bad: sample.bad,
            requests: sample.requests,
            held_back: brakes,
            in_flight: 0,
            in_flight_max: 0,
            samples: 0,
        };
        point
    }
}

fn ms(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[expect(clippy::cast_precision_loss, reason = "a mean has two decimals")]
fn mean(sum: u64, count: u64) -> f64 {
    two_decimals(sum as f64 / count.max(1) as f64)
}

/// Rounds to two decimals.
pub(in crate::results) fn two_decimals(number: f64) -> f64 {
    (number * 100.0).round() / 100.0
}

/// The file of the timeline, to which processes append.
#[derive(Debug)]
pub(crate) struct TimelineFile {
    run_dir: RunDir,
    /// The file; `None` once it could not be written.
    file: Option<File>,
    /// The points before the first row of this process ended: until then the directory may turn out
    /// to belong to another input.
    pending: Option<Vec<TimelinePoint>>,
}

impl TimelineFile {
    /// Begins the timeline of a new run.
    pub(crate) fn begin(run_dir: &RunDir) -> TimelineFile {
        TimelineFile::of(run_dir, run_dir.create_file(TIMELINE_NAME))
    }

    /// Continues the timeline of earlier processes.
    pub(crate) fn resume(run_dir: &RunDir) -> TimelineFile {
        TimelineFile::of(run_dir, run_dir.append_file(TIMELINE_NAME))
    }

    fn of(run_dir: &RunDir, file: Result<File, RunDirError>) -> TimelineFile {
        let mut timeline = TimelineFile {
            run_dir: run_dir.clone(),
            file: None,
            pending: Some(Vec::new()),
        };
        match file {
            Ok(file) => timeline.file = Some(file),
            Err(error) => timeline.give_up(&error),
        }
        timeline
    }

    /// Adds a point.
    pub(crate) fn push(&mut self, point: &TimelinePoint) {
        match &mut self.pending {
            Some(pending) if pending.len() < PENDING_MAX => pending.push(point.clone()),
            // The report lacks a part of a long wait.
            Some(_) => {}
            None => self.write(point),
        }
    }

    /// Writes the points so far: the directory belongs to this run.
    pub(crate) fn confirm(&mut self) {
        let Some(pending) = self.pending.take() else {
            return;
        };
        if let Some(Err(error)) = self.file.as_mut().map(end_line) {
            self.give_up(&error);
        }
        for point in &pending {
            self.write(point);
        }
    }

    fn write(&mut self, point: &TimelinePoint) {
        let Some(file) = &mut self.file else { return };
        let mut line = Vec::new();
        serde_json::to_writer(&mut line, point).expect("numbers, written to memory, cannot fail");
        line.push(b'\n');
        if let Err(error) = file.write_all(&line) {
            self.give_up(&error);
        }
    }

    fn give_up(&mut self, error: &dyn std::error::Error) {
        self.file = None;
        // Rows are sent all the same.
        let error = text::with_causes(error).replace("; nothing was sent", "");
        info!(
            "{} cannot be written any more, so the report will lack a part: {}",
            self.run_dir.display_path(TIMELINE_NAME),
            text::without_os_errors(&error)
        );
    }
}

/// Ends the last line, which a process that was killed may have left without its end.
fn end_line(file: &mut File) -> io::Result<()> {
    let length = file.metadata()?.len();
    let Some(last) = length.checked_sub(1) else {
        return Ok(());
    };
    let mut byte = [0];
    file.read_exact_at(&mut byte, last)?;
    if byte == *b"\n" {
        return Ok(());
    }
    file.write_all(b"\n")
}

/// Reads the points of a timeline. Torn lines are skipped: nothing but the report depends on them.
pub(crate) fn points(timeline: impl BufRead) -> impl Iterator<Item = io::Result<TimelinePoint>> {
    Points {
        timeline,
        line: Vec::new(),
    }
}

struct Points<R> {
    timeline: R,
    line: Vec<u8>,
}

impl<R: BufRead> Iterator for Points<R> {
    type Item = io::Result<TimelinePoint>;

    fn next(&mut self) -> Option<io::Result<TimelinePoint>> {
        loop {
            self.line.clear();
            let mut bounded = (&mut self.timeline).take(LINE_BYTES_MAX);
            match bounded.read_until(b'\n', &mut self.line) {
                Ok(0) => return None,
                Ok(_) => {}
                Err(error) => return Some(Err(error)),
            }
            if let Ok(point) = serde_json::from_slice(&self.line) {
                return Some(Ok(point));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Moment {
        Moment::after_start(Duration::from_secs_f64(seconds))
    }

    fn sample(rows: u64, brake_times: &BrakeTimes) -> Sample<'_> {
        Sample {
            rows,
            bad: rows / 10,
            requests: rows * 2,
            in_flight: 4,
            in_flight_max: 8,
            rate_per_second: Some(10.0 / 3.0),
            brake_times,
        }
    }

    #[test]
    fn points_add_up_to_the_whole_process() {
        let (mut sampler, mut brakes) = (Sampler::default(), BrakeTimes::default());
        let mut points = Vec::new();
        for tick in 1..=35_u32 {
            let now = at(f64::from(tick) / 10.0);
            let brake = if tick % 2 == 0 {
                Some(Brake::Window)
            } else {
                None
            };
            brakes.add(now, brake);
            points.extend(sampler.take(now, &sample(u64::from(tick) * 10, &brakes)));
        }
        points.extend(sampler.finish(at(3.5), &sample(353, &brakes)));
        assert_eq!(sampler.finish(at(3.5), &sample(353, &brakes)), None);
        assert_eq!(points.len(), 4, "three seconds and a rest");
        let sum = |of: fn(&TimelinePoint) -> u64| points.iter().map(of).sum::<u64>();
        assert_eq!(
            (
                sum(|point| point.ms),
                sum(|point| point.rows),
                sum(|point| point.bad),
                sum(|point| point.requests)
            ),
            (3_500, 353, 35, 706)
        );
        let held_back = sum(|point| point.held_back_ms[&Brake::Window]);
        assert!((1_699..=1_700).contains(&held_back), "{held_back}");
        assert!(
            points
                .iter()
                .all(|point| (point.in_flight - 4.0).abs() < 0.01)
        );
        assert_eq!(points[0].rate_per_second, Some(3.33));
    }

    #[test]
    fn points_get_rarer_as_a_process_gets_older() {
        let (mut sampler, brakes) = (Sampler::default(), BrakeTimes::default());
        let mut count = |from_s: u32, to_s: u32| {
            let ticks = from_s * 2 + 1..=to_s * 2;
            let points = ticks
                .filter_map(|tick| sampler.take(at(f64::from(tick) / 2.0), &sample(0, &brakes)));
            points.count()
        };
        assert_eq!(count(0, 60), 60);
        assert_eq!(count(60, 3_600), 3_539, "the last one comes later");
        assert_eq!(count(3_600, 7_200), 360);
        assert_eq!(count(7_200, 86_400), 7_920);
        assert_eq!(count(86_400, 90_000), 60);
    }

    #[test]
    fn torn_lines_and_unknown_causes_are_passed_over() {
        let timeline = concat!(
            "\n",
            r#"{"at":"2026-11-29T09:06:49.955Z","ms":1000,"rows":4,"bad":1,"requests":5,"in_flight":2.5,"in_flight_max":8,"rate_per_second":null,"held_back_ms":{"pause":20,"moon":30},"more":1}"#,
            "\n{\"at\":\"2026-1",
        );
        let points: Vec<_> = points(timeline.as_bytes())
            .collect::<Result<_, _>>()
            .expect("memory");
        let [point] = points.as_slice() else {
            panic!("{points:?}")
        };
        assert_eq!((point.rows, point.rate_per_second), (4, None));
        assert_eq!(point.held_back_ms, [(Brake::Pause, 20)].into());
    }

    #[test]
    fn a_torn_line_is_ended_before_the_next_point() {
        let folder = tempfile::tempdir().expect("a folder");
        let run_dir = RunDir::create(folder.path()).expect("it is there");
        let point = TimelinePoint {
            at: Timestamp::UNIX_EPOCH,
            ms: 1,
            rows: 1,
            bad: 0,
            requests: 1,
            in_flight: 1.0,
            in_flight_max: 1,
            rate_per_second: None,
            held_back_ms: BTreeMap::new(),
        };
        let write = |mut timeline: TimelineFile| {
            timeline.push(&point);
            timeline.confirm();
            timeline.push(&point);
        };
        write(TimelineFile::begin(&run_dir));
        TimelineFile::resume(&run_dir).push(&point);
        let path = run_dir.file(TIMELINE_NAME);
        let whole = std::fs::read(&path).expect("a file");
        assert_eq!(points(&*whole).count(), 2);
        std::fs::write(&path, &whole[..whole.len() - 9]).expect("it can be written");
        write(TimelineFile::resume(&run_dir));
        let lines = std::fs::read_to_string(&path).expect("a text");
        assert_eq!(
            (lines.lines().count(), points(lines.as_bytes()).count()),
            (4, 3)
        );
    }
}
