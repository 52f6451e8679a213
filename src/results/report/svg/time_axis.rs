//! The axis of time: stretches of columns one behind the other, breaks between them, and ticks at
//! round times in UTC.

use jiff::Timestamp;

use super::anchor::Anchor;
use super::number::float;

/// The width of a break between two stretches, in percent.
const BREAK: f64 = 2.4;
/// The widest column in percent: a run of one second is no wall of colour.
const COLUMN_MAX: f64 = 8.0;
/// The most ticks, so that their labels fit on a phone.
const TICKS_MAX: usize = 5;
/// The least distance between two ticks, in percent.
const TICK_DISTANCE: f64 = 19.0;
/// A label closer to an end than this, in percent, begins or ends there.
const NEAR_END: f64 = 9.0;
/// A millisecond, a second, a minute, an hour and a day in milliseconds.
const SECOND: i64 = 1000;
const MINUTE: i64 = 60 * SECOND;
const HOUR: i64 = 60 * MINUTE;
const DAY: i64 = 24 * HOUR;

/// A stretch of columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Span {
    /// The start of its first column.
    pub(crate) begin: Timestamp,
    /// The number of its columns.
    pub(crate) columns: usize,
}

/// The axis of time.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct TimeAxis {
    width_ms: i64,
    pieces: Vec<Piece>,
    /// The width of a column in percent.
    column: f64,
}

/// A stretch in its place.
#[derive(Debug, Clone, Copy, PartialEq)]
struct Piece {
    begin_ms: i64,
    end_ms: i64,
    left: f64,
    right: f64,
}

/// A label of the axis.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Tick {
    /// Its place in percent.
    pub(crate) at: f64,
    /// The time of day.
    pub(crate) label: String,
    /// The day, where it differs from that of the tick before.
    pub(crate) day: Option<String>,
    /// The point of the label that lies at its place.
    pub(crate) anchor: Anchor,
}

/// A time without a process.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Break {
    /// Its centre in percent.
    pub(crate) at: f64,
    /// Its length in milliseconds.
    pub(crate) ms: u64,
}

impl TimeAxis {
    /// Returns the axis of these stretches; `None` if they have no columns.
    pub(crate) fn new(spans: &[Span], width_ms: u64) -> Option<TimeAxis> {
        let spans: Vec<_> = spans.iter().filter(|span| span.columns > 0).collect();
        let columns: usize = spans.iter().map(|span| span.columns).sum();
        let last = spans.len().checked_sub(1)?;
        let breaks = BREAK * float(last as u64);
        let column = ((100.0 - breaks) / float(columns as u64)).min(COLUMN_MAX);
        let width_ms = i64::try_from(width_ms).unwrap_or(i64::MAX).max(1);
        let (mut pieces, mut left) = (Vec::new(), 0.0);
        for span in spans {
            let begin_ms = span.begin.as_millisecond();
            let ms = width_ms.saturating_mul(i64::try_from(span.columns).unwrap_or(i64::MAX));
            let right = left + column * float(span.columns as u64);
            pieces.push(Piece {
                begin_ms,
                end_ms: begin_ms.saturating_add(ms),
                left,
                right,
            });
            left = right + BREAK;
        }
        Some(TimeAxis {
            width_ms,
            pieces,
            column,
        })
    }

    /// Returns the left ends of all columns, in percent.
    pub(crate) fn columns(&self) -> Vec<f64> {
        let mut lefts = Vec::new();
        for piece in &self.pieces {
            let mut left = piece.left;
            // Half a column of tolerance: sums of floats are not exact.
            while left < piece.right - self.column / 2.0 {
                lefts.push(left);
                left += self.column;
            }
        }
        lefts
    }

    /// Returns the width of a column in percent.
    pub(crate) fn column(&self) -> f64 {
        self.column
    }

    /// Returns the columns, by their numbers, at which a stretch begins.
    pub(crate) fn begins(&self) -> Vec<bool> {
        let lefts = self.columns();
        let is_begin = |left: &f64| {
            let is_at = |piece: &Piece| (piece.left - left).abs() < self.column / 2.0;
            self.pieces.iter().any(is_at)
        };
        lefts.iter().map(is_begin).collect()
    }

    /// Returns the breaks between the stretches.
    pub(crate) fn breaks(&self) -> Vec<Break> {
        let pairs = self.pieces.iter().zip(self.pieces.iter().skip(1));
        pairs
            .map(|(before, after)| Break {
                at: f64::midpoint(before.right, after.left),
                ms: u64::try_from(after.begin_ms - before.end_ms).unwrap_or_default(),
            })
            .collect()
    }

    /// Whether the axis shows more than one day.
    pub(crate) fn has_days(&self) -> bool {
        let days = |piece: &Piece| [piece.begin_ms, piece.end_ms - 1].map(|ms| ms.div_euclid(DAY));
        let mut all = self.pieces.iter().flat_map(days);
        let first = all.next();
        all.any(|day| Some(day) != first)
    }

    /// Returns the ticks: those at the finest round times that fit, and one for each stretch that
    /// has no round time but room.
    pub(crate) fn ticks(&self) -> Vec<Tick> {
        let mut places = Vec::new();
        let mut used = DAY;
        for step in steps() {
            places = self.multiples(step);
            used = step;
            if fits(&places) {
                break;
            }
        }
        if places.len() < 2 {
            // A lone tick somewhere says less than the time at which the axis begins.
            places.clear();
        }
        for piece in &self.pieces {
            let has_tick = places
                .iter()
                .any(|(at, _)| (piece.left..=piece.right).contains(at));
            let is_new = !has_tick
                && places.len() < TICKS_MAX
                && (places.iter()).all(|(at, _)| (at - piece.left).abs() >= TICK_DISTANCE);
            if is_new {
                places.push((piece.left, piece.begin_ms));
            }
        }
        places.sort_by(|one, other| one.0.total_cmp(&other.0));
        self.labelled(&places, used)
    }

    /// Returns the places and times of all multiples of a step.
    fn multiples(&self, step: i64) -> Vec<(f64, i64)> {
        let mut places = Vec::new();
        let end_of_all = self.pieces.last().map(|piece| piece.end_ms);
        for piece in &self.pieces {
            let first = piece.begin_ms.div_euclid(step) + i64::from(piece.begin_ms % step != 0);
            // A tick at a break would be beside that of the next stretch.
            let is_last = Some(piece.end_ms) == end_of_all;
            let last = (piece.end_ms - i64::from(!is_last)).div_euclid(step);
            // One more than fits tells as much as all.
            for n in (first..=last).take(TICKS_MAX + 1) {
                places.push((self.place(piece, n * step), n * step));
            }
        }
        places
    }

    fn place(&self, piece: &Piece, ms: i64) -> f64 {
        let columns = float(ms.abs_diff(piece.begin_ms)) / float(self.width_ms.unsigned_abs());
        piece.left + self.column * columns
    }

    fn labelled(&self, places: &[(f64, i64)], step: i64) -> Vec<Tick> {
        let has_days = self.has_days();
        let mut before = None;
        let mut ticks = Vec::new();
        for &(at, ms) in places {
            let day = ms.div_euclid(DAY);
            let is_new_day = has_days && before.replace(day) != Some(day);
            let format = match ms {
                _ if ms % SECOND != 0 => "%H:%M:%S%.3f",
                _ if ms % MINUTE != 0 || step < MINUTE => "%H:%M:%S",
                _ => "%H:%M",
            };
            ticks.push(Tick {
                at,
                label: utc(ms, format),
                day: is_new_day.then(|| utc(ms, "%-d %b")),
                anchor: match at {
                    at if at < NEAR_END => Anchor::Start,
                    at if at > 100.0 - NEAR_END => Anchor::End,
                    _ => Anchor::Middle,
                },
            });
        }
        ticks
    }
}

/// Whether the labels of ticks at these places do not overlap.
fn fits(places: &[(f64, i64)]) -> bool {
    let mut pairs = places.iter().zip(places.iter().skip(1));
    places.len() <= TICKS_MAX && pairs.all(|(one, other)| other.0 - one.0 >= TICK_DISTANCE)
}

/// Returns the steps between ticks in milliseconds, the finest first.
fn steps() -> impl Iterator<Item = i64> {
    let fine = [1, 2, 5, 10, 20, 50, 100, 200, 500].into_iter();
    let seconds = [1, 2, 5, 10, 15, 30].map(|n| n * SECOND);
    let minutes = [1, 2, 5, 10, 15, 30].map(|n| n * MINUTE);
    let hours = [1, 2, 3, 6, 12].map(|n| n * HOUR);
    let days = std::iter::successors(Some(DAY), |days| days.checked_mul(2));
    fine.chain(seconds)
        .chain(minutes)
        .chain(hours)
        .chain(days.take(16))
}

/// Formats a time in UTC.
fn utc(ms: i64, format: &str) -> String {
    let at = Timestamp::from_millisecond(ms).unwrap_or_default();
    at.strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axis(spans: &[(&str, usize)], width_ms: u64) -> TimeAxis {
        let spans: Vec<_> = spans
            .iter()
            .map(|(begin, columns)| Span {
                begin: begin.parse().unwrap(),
                columns: *columns,
            })
            .collect();
        TimeAxis::new(&spans, width_ms).unwrap()
    }

    /// Returns the labels of the ticks, with the day where it is shown.
    fn labels(axis: &TimeAxis) -> Vec<String> {
        let label = |tick: Tick| match tick.day {
            Some(day) => format!("{} {day}", tick.label),
            None => tick.label,
        };
        axis.ticks().into_iter().map(label).collect()
    }

    #[test]
    fn ticks_are_at_round_times() {
        let check = |spans: &[(&str, usize)], width_ms, want: &[&str]| {
            assert_eq!(labels(&axis(spans, width_ms)), want, "{spans:?}");
        };
        check(
            &[("2026-11-29T12:00:05Z", 120)],
            10_000,
            &["12:05", "12:10", "12:15", "12:20"],
        );
        check(
            &[("2026-11-29T12:00:00Z", 100)],
            20,
            &[
                "12:00:00",
                "12:00:00.500",
                "12:00:01",
                "12:00:01.500",
                "12:00:02",
            ],
        );
        check(
            &[("2026-11-29T12:00:00Z", 72)],
            3_600_000,
            &["00:00 30 Nov", "00:00 1 Dec", "00:00 2 Dec"],
        );
        check(
            &[("2026-11-29T22:00:00Z", 60), ("2026-11-30T06:00:00Z", 60)],
            60_000,
            &["22:00 29 Nov", "22:30", "06:00 30 Nov", "06:30", "07:00"],
        );
        check(&[("2026-11-29T12:00:00.250Z", 1)], 100, &["12:00:00.250"]);
    }

    #[test]
    fn columns_fill_the_width_and_breaks_lie_between() {
        let axis = axis(
            &[
                ("2026-11-29T12:00:00Z", 40),
                ("2026-11-29T20:00:00Z", 50),
                ("2026-11-30T20:00:00Z", 30),
            ],
            1000,
        );
        let columns = axis.columns();
        assert_eq!(columns.len(), 120);
        assert!((columns[119] + axis.column() - 100.0).abs() < 1e-6);
        let begins: Vec<_> = axis.begins();
        let begins: Vec<_> = (0..120).filter(|n| begins[*n]).collect();
        assert_eq!(begins, [0, 40, 90]);
        let breaks = axis.breaks();
        assert_eq!(breaks[0].ms, 8 * 3_600_000 - 40_000);
        assert!(breaks[0].at > columns[39] && breaks[0].at < columns[40]);
        assert!(axis.has_days());
        assert_eq!(TimeAxis::new(&[], 1000), None);
    }
}
