//! The course of a run with its axis of time.

use jiff::Timestamp;

use super::units::{listed, span};
use crate::results::report::model::{Column, Course};
use crate::results::report::svg::{Chart, Markup, Span, TimeAxis, draw_times};

/// The breaks that are told in words; more of them are counted.
const BREAKS_TOLD: usize = 4;
/// The height of the labels of the ticks below the axis, and of a second line with the days.
const TICKS_HEIGHT: u32 = 20;
const DAYS_HEIGHT: u32 = 14;
/// The room above a plot, and with the labels of breaks.
const ROOM: u32 = 16;
const ROOM_FOR_BREAKS: u32 = 32;

/// The course of a run with its axis of time.
#[derive(Debug, Clone)]
pub(super) struct Timeline<'a> {
    pub(super) axis: TimeAxis,
    pub(super) columns: Vec<&'a Column>,
    course: &'a Course,
}

impl<'a> Timeline<'a> {
    /// Returns the timeline of a course; `None` if it has no columns.
    pub(super) fn of(course: &'a Course) -> Option<Timeline<'a>> {
        let spans: Vec<_> = course
            .stretches
            .iter()
            .map(|stretch| Span {
                begin: stretch.begin,
                columns: stretch.columns.len(),
            })
            .collect();
        let columns = course.stretches.iter().flat_map(|stretch| &stretch.columns);
        Some(Timeline {
            axis: TimeAxis::new(&spans, course.width_ms)?,
            columns: columns.collect(),
            course,
        })
    }

    /// Returns the seconds of a column.
    pub(super) fn column_ms(&self) -> u64 {
        self.course.width_ms
    }

    /// Returns the start of each column in words: the time, and the day if there are several.
    pub(super) fn times(&self) -> Vec<String> {
        let ms = i64::try_from(self.course.width_ms).unwrap_or(i64::MAX);
        let mut times = Vec::new();
        let format = self.format();
        for stretch in &self.course.stretches {
            let starts = std::iter::successors(Some(stretch.begin.as_millisecond()), |at| {
                at.checked_add(ms)
            });
            for at in starts.take(stretch.columns.len()) {
                let at = Timestamp::from_millisecond(at).unwrap_or_default();
                times.push(at.strftime(format).to_string());
            }
        }
        times
    }

    /// Returns the format of a column's start: as fine as the columns are.
    fn format(&self) -> &'static str {
        let width_ms = self.course.width_ms;
        match (self.axis.has_days(), width_ms) {
            (false, 60_000..) => "%H:%M",
            (true, 60_000..) => "%-d %b %H:%M",
            (false, ms) if ms.is_multiple_of(1000) => "%H:%M:%S",
            (true, ms) if ms.is_multiple_of(1000) => "%-d %b %H:%M:%S",
            (false, _) => "%H:%M:%S%.3f",
            (true, _) => "%-d %b %H:%M:%S%.3f",
        }
    }

    /// Returns a chart over this axis with a plot of this height and `lanes` pixels below it.
    pub(super) fn chart(&self, id: String, title: &str, plot: u32, lanes: u32) -> Chart {
        let top = if self.axis.breaks().is_empty() {
            ROOM
        } else {
            ROOM_FOR_BREAKS
        };
        let days = if self.axis.has_days() { DAYS_HEIGHT } else { 0 };
        Chart {
            id,
            title: title.to_owned(),
            description: String::new(),
            top,
            bottom: top + plot,
            height: top + plot + lanes + TICKS_HEIGHT + days,
        }
    }

    /// Adds the axis of time below the plot and the lanes.
    pub(super) fn draw_axis(&self, svg: &mut Markup, chart: &Chart, lanes: u32) {
        let at = chart.bottom + lanes;
        draw_times(svg, &self.axis, at, span);
    }

    /// Returns the sentences about the axis: the width of a column, the day, and the breaks.
    pub(super) fn caption(&self) -> String {
        let mut caption = format!(
            "Each column is {}. Times are UTC, {}.",
            span(self.course.width_ms),
            self.days()
        );
        let breaks = self.axis.breaks();
        let told: Vec<_> = (breaks.iter().take(BREAKS_TOLD))
            .map(|one| span(one.ms))
            .collect();
        if !told.is_empty() {
            let more = match breaks.len() - told.len() {
                0 => String::new(),
                more => format!(" and {more} more times"),
            };
            let told = if more.is_empty() {
                listed(&told)
            } else {
                told.join(", ")
            };
            caption.push_str(" No process worked for ");
            caption.push_str(&told);
            caption.push_str(&more);
            caption.push_str(": the axis breaks there.");
        }
        caption
    }

    /// Returns the day, or the first and the last one.
    fn days(&self) -> String {
        let stretches = &self.course.stretches;
        let begin = stretches.first().map(|stretch| stretch.begin);
        let day = |at: Option<Timestamp>| {
            at.map_or_else(String::new, |at| at.strftime("%Y-%m-%d").to_string())
        };
        if !self.axis.has_days() {
            return day(begin);
        }
        let end = stretches.last().map(|stretch| {
            let ms = self
                .course
                .width_ms
                .saturating_mul(stretch.columns.len() as u64);
            let ms = i64::try_from(ms).unwrap_or(i64::MAX);
            let end = stretch
                .begin
                .as_millisecond()
                .saturating_add(ms)
                .saturating_sub(1);
            Timestamp::from_millisecond(end).unwrap_or(stretch.begin)
        });
        format!("from {} to {}", day(begin), day(end))
    }
}
