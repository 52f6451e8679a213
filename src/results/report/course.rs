//! The course of a run in columns of time. Their width grows with the length of the run, so that a
//! run of days takes no more memory, and no more of a page, than one of minutes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use jiff::Timestamp;

use super::model::{Column, Course, RowEnd, SendingColumn, Stretch};
use crate::journal::AnswerTimes;
use crate::results::held_back::Brake;
use crate::results::tally::Latencies;
use crate::results::timeline::{TimelinePoint, two_decimals};

/// The widths of columns in milliseconds. Each divides the next, so that columns can be added up.
const WIDTHS_MS: [i64; 17] = [
    100,
    200,
    1_000,
    2_000,
    10_000,
    30_000,
    60_000,
    300_000,
    900_000,
    1_800_000,
    3_600_000,
    10_800_000,
    21_600_000,
    43_200_000,
    86_400_000,
    604_800_000,
    6_048_000_000,
];
/// The most columns that are shown.
const COLUMNS_MAX: i64 = 120;
/// The most columns with rows that are kept until the whole course is known.
const KEPT_MAX: usize = 480;
/// The most stretches.
const STRETCHES_MAX: usize = 8;
/// A time without a process that is shorter than this part of the rest is shown like any other.
const GAP_PARTS: i64 = 50;

/// Collects what happened in a run, column by column.
#[derive(Debug, Default)]
pub(super) struct CourseBuilder {
    /// The place of the width in [`WIDTHS_MS`].
    width: usize,
    /// The columns with rows, by their time in widths since 1970.
    columns: BTreeMap<i64, ColumnSums>,
    /// The times at which processes worked, in milliseconds since 1970.
    worked: Vec<RangeInclusive<i64>>,
}

/// The columns of a course whose width is known, ready for the figures of sending.
#[derive(Debug)]
pub(super) struct CourseColumns {
    width_ms: i64,
    columns: BTreeMap<i64, ColumnSums>,
    /// The places of the columns to show.
    stretches: Vec<RangeInclusive<i64>>,
    /// The figures of sending of one run directory after the other, by place.
    sending: Vec<BTreeMap<i64, SendingSums>>,
}

#[derive(Debug, Default)]
struct ColumnSums {
    rows: BTreeMap<RowEnd, u64>,
    answers: AnswerTimes,
}

/// The sums over the points of a timeline in the time of one column.
#[derive(Debug, Default, Clone)]
struct SendingSums {
    /// The milliseconds that the points cover.
    ms: f64,
    requests: f64,
    /// Requests in flight, times milliseconds.
    in_flight_ms: f64,
    in_flight_max: u64,
    /// The limit of requests per second, times milliseconds, and the milliseconds with a limit.
    rate_ms: f64,
    limited_ms: f64,
    held_back_ms: BTreeMap<Brake, f64>,
}

impl CourseBuilder {
    /// Adds rows that ended at a time, with the time that the answer took in microseconds.
    pub(super) fn add_rows(
        &mut self,
        at: Timestamp,
        end: RowEnd,
        rows: u64,
        answer_us: Option<u64>,
    ) {
        let column = self
            .columns
            .entry(at.as_millisecond().div_euclid(self.width_ms()));
        let column = column.or_default();
        *column.rows.entry(end).or_default() += rows;
        if let Some(us) = answer_us {
            column.answers.add(us, rows);
        }
        if self.columns.len() > KEPT_MAX {
            self.widen();
        }
    }

    /// Adds a time at which a process worked.
    pub(super) fn add_process(&mut self, started: Timestamp, ended: Timestamp) {
        let (started, ended) = (started.as_millisecond(), ended.as_millisecond());
        self.worked.push(started..=ended.max(started));
    }

    /// Adds the course of another shard.
    pub(super) fn append(&mut self, mut other: CourseBuilder) {
        while self.width < other.width {
            self.widen();
        }
        while other.width < self.width {
            other.widen();
        }
        for (place, sums) in other.columns {
            self.columns.entry(place).or_default().append(sums);
        }
        self.worked.extend(other.worked);
    }

    /// Returns the columns; `None` if no row has ended.
    pub(super) fn finish(mut self) -> Option<CourseColumns> {
        if self.columns.is_empty() {
            return None;
        }
        let stretches = loop {
            let stretches = self.stretches();
            let columns: i64 = stretches.iter().map(width_of).sum();
            if columns <= COLUMNS_MAX || self.is_widest() {
                break stretches;
            }
            self.widen();
        };
        Some(CourseColumns {
            width_ms: self.width_ms(),
            columns: self.columns,
            stretches,
            sending: Vec::new(),
        })
    }

    fn width_ms(&self) -> i64 {
        WIDTHS_MS.get(self.width).copied().unwrap_or(i64::MAX)
    }

    fn is_widest(&self) -> bool {
        self.width + 1 >= WIDTHS_MS.len()
    }

    fn widen(&mut self) {
        if self.is_widest() {
            return;
        }
        let before = self.width_ms();
        self.width += 1;
        let parts = self.width_ms() / before;
        for (place, sums) in std::mem::take(&mut self.columns) {
            let wider = self.columns.entry(place.div_euclid(parts)).or_default();
            wider.append(sums);
        }
    }

    /// Returns the places of the columns to show: all in which processes worked or rows ended.
    fn stretches(&self) -> Vec<RangeInclusive<i64>> {
        let width_ms = self.width_ms();
        let worked = self
            .worked
            .iter()
            .map(|time| time.start().div_euclid(width_ms)..=time.end().div_euclid(width_ms));
        let with_rows = self.columns.keys().map(|place| *place..=*place);
        let mut parts: Vec<_> = worked.chain(with_rows).collect();
        parts.sort_by_key(|part| *part.start());
        let parts = joined(parts, 0);
        let all: i64 = parts.iter().map(width_of).sum();
        let mut stretches = joined(parts, all / GAP_PARTS);
        while stretches.len() > STRETCHES_MAX {
            let gaps = stretches.windows(2).map(|pair| match pair {
                [one, next] => next.start() - one.end() - 1,
                _ => i64::MAX,
            });
            let smallest = gaps.min().unwrap_or_default();
            stretches = joined(stretches, smallest);
        }
        stretches
    }
}

impl CourseColumns {
    /// Adds the figures of sending of a run directory. A point that lies in several columns counts in
    /// each of them in part.
    pub(super) fn add_timeline(&mut self, points: impl Iterator<Item = TimelinePoint>) {
        let mut sums = BTreeMap::<i64, SendingSums>::new();
        for point in points {
            let end = point.at.as_millisecond();
            let start = end.saturating_sub_unsigned(point.ms);
            let places = start.div_euclid(self.width_ms)..=(end - 1).div_euclid(self.width_ms);
            for stretch in &self.stretches {
                let first = *places.start().max(stretch.start());
                let last = *places.end().min(stretch.end());
                for place in first..=last {
                    let begin = place * self.width_ms;
                    let ms = end.min(begin + self.width_ms) - start.max(begin);
                    sums.entry(place).or_default().add(&point, float(ms));
                }
            }
        }
        self.sending.push(sums);
    }

    /// Returns the course.
    pub(super) fn course(self) -> Course {
        let stretches = self.stretches.iter().map(|places| Stretch {
            begin: Timestamp::from_millisecond(places.start() * self.width_ms)
                .unwrap_or(Timestamp::MIN),
            columns: places.clone().map(|place| self.column(place)).collect(),
        });
        Course {
            stretches: stretches.collect(),
            width_ms: self.width_ms.unsigned_abs(),
        }
    }

    fn column(&self, place: i64) -> Column {
        let none = ColumnSums::default();
        let sums = self.columns.get(&place).unwrap_or(&none);
        let sending = self.sending.iter().filter_map(|sums| sums.get(&place));
        let sending: Vec<_> = sending.filter(|sums| sums.ms > 0.0).collect();
        Column {
            rows: sums.rows.clone(),
            latency_us: percentiles(&sums.answers),
            sending: SendingSums::column(&sending),
        }
    }
}

impl ColumnSums {
    fn append(&mut self, other: ColumnSums) {
        for (end, rows) in other.rows {
            *self.rows.entry(end).or_default() += rows;
        }
        self.answers.append(&other.answers);
    }
}

impl SendingSums {
    #[expect(clippy::cast_precision_loss, reason = "shown with two decimals")]
    fn add(&mut self, point: &TimelinePoint, ms: f64) {
        let share = ms / (point.ms.max(1) as f64);
        self.ms += ms;
        self.requests += point.requests as f64 * share;
        self.in_flight_ms += point.in_flight * ms;
        self.in_flight_max = self.in_flight_max.max(point.in_flight_max);
        if let Some(rate) = point.rate_per_second {
            self.rate_ms += rate * ms;
            self.limited_ms += ms;
        }
        for (brake, held_back) in &point.held_back_ms {
            *self.held_back_ms.entry(*brake).or_default() += *held_back as f64 * share;
        }
    }

    /// Returns the figures of run directories whose processes sent at the same time.
    fn column(all: &[&SendingSums]) -> Option<SendingColumn> {
        if all.is_empty() {
            return None;
        }
        let sum = |of: fn(&SendingSums) -> f64| two_decimals(all.iter().map(|sums| of(sums)).sum());
        let has_limit = all.iter().all(|sums| sums.limited_ms > 0.0);
        let ms: f64 = all.iter().map(|sums| sums.ms).sum();
        let mut held_back = BTreeMap::<_, f64>::new();
        for (brake, time) in all.iter().flat_map(|sums| &sums.held_back_ms) {
            *held_back.entry(*brake).or_default() += time / ms;
        }
        let mut held_back_by: Vec<_> = held_back
            .into_iter()
            .map(|(brake, share)| (brake.name().to_owned(), two_decimals(share.min(1.0))))
            .filter(|(_, share)| *share > 0.0)
            .collect();
        held_back_by.sort_by(|one, other| other.1.total_cmp(&one.1));
        Some(SendingColumn {
            requests_per_second: sum(|sums| sums.requests * 1000.0 / sums.ms),
            rate_per_second: has_limit.then(|| sum(|sums| sums.rate_ms / sums.limited_ms)),
            in_flight: sum(|sums| sums.in_flight_ms / sums.ms),
            in_flight_max: all.iter().map(|sums| sums.in_flight_max).sum(),
            held_back_by,
        })
    }
}

/// Joins ranges in the order of their starts if at most this many places lie between them.
fn joined(parts: Vec<RangeInclusive<i64>>, gap_max: i64) -> Vec<RangeInclusive<i64>> {
    let mut all: Vec<RangeInclusive<i64>> = Vec::new();
    for part in parts {
        match all.last_mut() {
            Some(last) if part.start() - last.end() - 1 <= gap_max => {
                *last = *last.start()..=*last.end().max(part.end());
            }
            Some(_) | None => all.push(part),
        }
    }
    all
}

fn width_of(places: &RangeInclusive<i64>) -> i64 {
    places.end() - places.start() + 1
}

/// Returns the median, the 95th and the 99th percentile in microseconds.
pub(super) fn percentiles(answers: &AnswerTimes) -> Option<[u64; 3]> {
    let latencies = Latencies::of(answers);
    let us = |percent| {
        let time = latencies.percentile(percent)?;
        Some(u64::try_from(time.as_micros()).unwrap_or(u64::MAX))
    };
    Some([us(50.0)?, us(95.0)?, us(99.0)?])
}

#[expect(clippy::cast_precision_loss, reason = "a time of a column")]
fn float(ms: i64) -> f64 {
    ms.max(0) as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(ms: i64) -> Timestamp {
        Timestamp::from_millisecond(1_795_000_000_000 + ms).expect("a time")
    }

    /// Returns the course of a run whose processes worked at these times, in seconds, and ended a row
    /// every so many milliseconds.
    fn course(worked: &[(i64, i64)], every_ms: i64) -> Course {
        let mut builder = CourseBuilder::default();
        for (from, to) in worked {
            builder.add_process(at(from * 1000), at(to * 1000));
            let mut ms = from * 1000;
            while ms <= to * 1000 {
                builder.add_rows(at(ms), RowEnd::Updated, 1, Some(1_000));
                ms += every_ms;
            }
        }
        builder.finish().expect("rows").course()
    }

    fn rows(course: &Course) -> u64 {
        let columns = course.stretches.iter().flat_map(|stretch| &stretch.columns);
        columns.flat_map(|column| column.rows.values()).sum()
    }

    #[test]
    fn the_width_grows_with_the_run_and_no_row_is_lost() {
        for (seconds, every_ms, width_ms) in [
            (0, 1, 100),
            (1, 10, 100),
            (20, 10, 200),
            (100, 100, 1_000),
            (600, 1_000, 10_000),
            (30_000, 10_000, 300_000),
            (3 * 86_400, 60_000, 3_600_000),
            (400 * 86_400, 3_600_000, 604_800_000),
        ] {
            let course = course(&[(0, seconds)], every_ms);
            let columns: usize = course
                .stretches
                .iter()
                .map(|stretch| stretch.columns.len())
                .sum();
            assert!(columns <= 120, "{seconds}: {columns}");
            assert_eq!(course.width_ms, width_ms, "{seconds}");
            assert_eq!(
                rows(&course),
                u64::try_from(seconds * 1000 / every_ms + 1).expect("rows")
            );
        }
    }

    #[test]
    fn long_times_without_a_process_are_left_out() {
        let check = |worked: &[(i64, i64)], stretches: usize| {
            let course = course(worked, 500);
            assert_eq!(course.stretches.len(), stretches, "{worked:?}");
            let want: i64 = worked.iter().map(|(from, to)| (to - from) * 2 + 1).sum();
            assert_eq!(rows(&course), want.unsigned_abs(), "{worked:?}");
        };
        check(&[(0, 100)], 1);
        check(&[(0, 100), (101, 200)], 1);
        check(&[(0, 100), (4_000, 4_100), (90_000, 90_010)], 3);
        // Times that go backwards, as after a correction of the clock.
        check(&[(5_000, 5_100), (0, 100)], 2);
    }

    #[test]
    fn many_processes_have_few_stretches() {
        let worked: Vec<_> = (0..100)
            .map(|start| (start * start * 100, start * start * 100 + 5))
            .collect();
        let course = course(&worked, 500);
        assert!(
            course.stretches.len() <= STRETCHES_MAX,
            "{}",
            course.stretches.len()
        );
        assert_eq!(rows(&course), 1_100);
    }

    #[test]
    fn points_count_in_each_column_that_they_cover() {
        let mut builder = CourseBuilder::default();
        builder.add_process(at(0), at(1_000));
        builder.add_rows(at(50), RowEnd::Updated, 1, None);
        let mut columns = builder.finish().expect("a row");
        let point = |end: i64, ms: u64, requests: u64| TimelinePoint {
            at: at(end),
            ms,
            rows: 0,
            bad: 0,
            requests,
            in_flight: 3.0,
            in_flight_max: 5,
            rate_per_second: Some(50.0),
            held_back_ms: [(Brake::Pause, ms / 2)].into(),
        };
        columns.add_timeline([point(250, 250, 25), point(1_000, 750, 0)].into_iter());
        columns.add_timeline([point(1_000, 1_000, 10)].into_iter());
        let course = columns.course();
        let columns = &course.stretches[0].columns;
        let per_second: Vec<_> = columns
            .iter()
            .map(|column| {
                column
                    .sending
                    .as_ref()
                    .map(|sending| sending.requests_per_second)
            })
            .collect();
        // The last column begins where the points end.
        let (first, third, rest) = (Some(110.0), Some(60.0), Some(10.0));
        let want = [
            first, first, third, rest, rest, rest, rest, rest, rest, rest, None,
        ];
        assert_eq!(per_second, want);
        let sending = columns[2].sending.as_ref().expect("points");
        assert_eq!((sending.in_flight, sending.in_flight_max), (6.0, 10));
        assert_eq!(sending.rate_per_second, Some(100.0));
        assert_eq!(sending.held_back_by, [("pause".to_owned(), 0.5)]);
    }
}
