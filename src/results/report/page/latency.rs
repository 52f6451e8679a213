//! The times that answers took: percentiles over time, and a histogram.

use super::ends::{self, Entry};
use super::histogram;
use super::place::Place;
use super::tables;
use super::timeline::Timeline;
use super::units::{answer_time, round_time};
use crate::results::report::model::RunReport;
use crate::results::report::svg::{Line, Markup, Scale, float, line, pointer, spread};

/// The height of the plot in pixels.
const PLOT: u32 = 170;
/// The percentiles: class, label, and the name in a legend.
const PERCENTILES: [(&str, &str, &str); 3] = [
    ("l-p50", "p50", "p50 (half of the answers)"),
    ("l-p95", "p95", "p95"),
    ("l-p99", "p99", "p99"),
];

/// Adds the section of a run with a course.
pub(super) fn draw(page: &mut Markup, place: &Place, timeline: &Timeline<'_>, run: &RunReport) {
    let columns = timeline.columns.iter().map(|column| column.latency_us);
    let columns: Vec<_> = columns.collect();
    if columns.iter().all(Option::is_none) {
        draw_without_course(page, place, run);
        return;
    }
    place.section(page, "Answer times", |section| {
        section.element("figure", &[], |figure| {
            legend(figure, run.latency_us);
            over_time(figure, place, timeline, &columns, run.latency_us);
        });
        let names = PERCENTILES.iter().map(|(_, label, _)| (*label).to_owned());
        let head: Vec<_> = std::iter::once("From (UTC)".to_owned())
            .chain(names)
            .collect();
        tables::behind(section, place, "answer times over time", &head, |body| {
            for (time, latency) in timeline.times().iter().zip(&columns) {
                if let Some(latency) = latency {
                    tables::row(body, time, latency.map(answer_time));
                }
            }
        });
        histogram::draw(section, place, run);
    });
}

/// Adds the section of a run without a course: only the histogram.
pub(super) fn draw_without_course(page: &mut Markup, place: &Place, run: &RunReport) {
    if run.answer_times.iter().any(|(_, answers)| *answers > 0) {
        place.section(page, "Answer times", |section| {
            histogram::draw(section, place, run);
        });
    }
}

fn legend(figure: &mut Markup, latency: Option<[u64; 3]>) {
    let figures = latency.map(|latency| latency.map(answer_time));
    let entries: Vec<Entry> = PERCENTILES
        .iter()
        .enumerate()
        .map(|(n, (class, _, name))| -> Entry {
            let told = figures.as_ref().and_then(|figures| figures.get(n));
            let told = told.cloned().unwrap_or_default();
            (ends::dash, class, (*name).to_owned(), told)
        })
        .collect();
    ends::legend(figure, &entries);
}

fn over_time(
    figure: &mut Markup,
    place: &Place,
    timeline: &Timeline<'_>,
    columns: &[Option<[u64; 3]>],
    overall: Option<[u64; 3]>,
) {
    let mut chart = timeline.chart(
        place.id("latency"),
        "Answer times over time: median, 95th and 99th percentile",
        PLOT,
        0,
    );
    chart.description = overall.map_or_else(String::new, |[p50, p95, p99]| {
        format!(
            "Of all answers, half took at most {}, 95 % at most {} and 99 % at most {}.",
            answer_time(p50),
            answer_time(p95),
            answer_time(p99)
        )
    });
    let values = columns.iter().flatten().flatten();
    let least = float(values.clone().min().copied().unwrap_or(1).max(1));
    let most = float(values.max().copied().unwrap_or(1).max(1));
    let scale = Scale::around(least, most, 1.0);
    let lines: Vec<_> = PERCENTILES
        .iter()
        .enumerate()
        .map(|(n, (class, label, _))| {
            let value = |latency: &Option<[u64; 3]>| {
                latency.and_then(|all| all.get(n).map(|us| float(*us)))
            };
            Line {
                class,
                label,
                values: columns.iter().map(value).collect(),
            }
        })
        .collect();
    let times = timeline.times();
    chart.draw(figure, |svg| {
        chart.grid(svg, &scale);
        for one in lines.iter().rev() {
            line(svg, &chart, &timeline.axis, &scale, one);
        }
        timeline.draw_axis(svg, &chart, 0);
        chart.labels_as(svg, &scale, round_time);
        spread(svg, &chart, &timeline.axis, &scale, &lines);
        pointer(svg, &timeline.axis, |n| {
            let (time, latency) = (times.get(n)?, columns.get(n).copied().flatten()?);
            let [p50, p95, p99] = latency.map(answer_time);
            Some(format!("{time}: p50 {p50}, p95 {p95}, p99 {p99}"))
        });
    });
    if scale.is_log() {
        figure.with_text(
            "figcaption",
            &[],
            "The scale is logarithmic: each step up is a multiple of the one below.",
        );
    }
}
