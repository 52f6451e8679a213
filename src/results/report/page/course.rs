//! Rows over time by outcome, and below them what held the run back.

use std::collections::BTreeMap;

use super::ends;
use super::place::Place;
use super::tables;
use super::timeline::Timeline;
use super::units::{listed, span};
use crate::results::held_back::label_of;
use crate::results::report::model::{Column, RowEnd};
use crate::results::report::svg::{Attribute, Markup, Scale, float, lane, pointer, stack};
use crate::results::summary::words::{rows, took};
use crate::text::grouped;

/// The height of the plot in pixels.
const PLOT: u32 = 200;
/// The height of a lane with its label, and of the label, in pixels.
const LANE: u32 = 34;
const LANE_LABEL: u32 = 18;
/// The most lanes.
const LANES_MAX: usize = 4;
/// The causes that come first, whatever time they took: the API could not be used.
const FIRST: [&str; 3] = ["pause", "outage", "no_answer"];
/// The least part of a column, from 0 to 1, that such a cause takes where the plot is shaded.
const SHADED_FROM: f64 = 0.5;
/// The ends that a pointer shows of a column.
const ENDS_SHOWN: usize = 2;

/// A cause with the part of each column that it took.
struct Cause {
    label: String,
    is_first: bool,
    parts: Vec<f64>,
    seconds: f64,
}

/// Adds the section.
pub(super) fn draw(page: &mut Markup, place: &Place, timeline: &Timeline<'_>) {
    let totals = totals(timeline);
    let causes = causes(timeline);
    place.section(page, "Rows over time", |section| {
        section.element("figure", &[], |figure| {
            let entry = |(end, rows): (&RowEnd, &u64)| -> ends::Entry {
                let name = ends::label(*end).to_owned();
                (ends::swatch, ends::class(*end), name, grouped(*rows))
            };
            ends::legend(figure, &totals.iter().map(entry).collect::<Vec<_>>());
            chart(figure, place, timeline, &totals, &causes);
            figure.element("figcaption", &[], |caption| {
                caption.text(timeline.caption());
                if !causes.is_empty() {
                    caption.text(
                        " The lanes below the columns show what held the run back, and for how much of each column's time. The background is shaded where the API let nothing through for half of the time or more.",
                    );
                }
            });
        });
        table(section, place, timeline, &totals, &causes);
    });
}

/// Returns the rows by their ends over the whole time.
fn totals(timeline: &Timeline<'_>) -> BTreeMap<RowEnd, u64> {
    let mut totals = BTreeMap::new();
    for column in &timeline.columns {
        for (end, rows) in &column.rows {
            *totals.entry(*end).or_default() += rows;
        }
    }
    totals.retain(|_, rows| *rows > 0);
    totals
}

/// Returns the causes that get a lane.
fn causes(timeline: &Timeline<'_>) -> Vec<Cause> {
    let mut parts: BTreeMap<&str, Vec<f64>> = BTreeMap::new();
    let count = timeline.columns.len();
    for (n, column) in timeline.columns.iter().enumerate() {
        for (name, part) in column
            .sending
            .iter()
            .flat_map(|sending| &sending.held_back_by)
        {
            let all = parts.entry(name).or_insert_with(|| vec![0.0; count]);
            if let Some(place) = all.get_mut(n) {
                *place += part;
            }
        }
    }
    let column_s = float(timeline.column_ms()) / 1000.0;
    let mut causes: Vec<_> = parts
        .into_iter()
        .map(|(name, parts)| Cause {
            label: label_of(name).map_or_else(|| name.to_owned(), str::to_owned),
            is_first: FIRST.contains(&name),
            seconds: parts.iter().sum::<f64>() * column_s,
            parts,
        })
        .filter(|cause| cause.seconds > 0.0)
        .collect();
    causes.sort_by(|one, other| {
        (other.is_first.cmp(&one.is_first)).then(other.seconds.total_cmp(&one.seconds))
    });
    causes.truncate(LANES_MAX);
    causes
}

fn chart(
    figure: &mut Markup,
    place: &Place,
    timeline: &Timeline<'_>,
    totals: &BTreeMap<RowEnd, u64>,
    causes: &[Cause],
) {
    let lanes = LANE * u32::try_from(causes.len()).unwrap_or_default();
    let mut chart = timeline.chart(place.id("rows"), "Rows over time by outcome", PLOT, lanes);
    chart.description = description(totals, causes);
    let sum = |column: &&Column| column.rows.values().sum::<u64>();
    let most = timeline.columns.iter().map(sum).max().unwrap_or_default();
    let scale = Scale::linear(float(most), 1.0);
    let series: Vec<_> = totals
        .keys()
        .map(|end| {
            let value = |column: &&Column| float(column.rows.get(end).copied().unwrap_or_default());
            (
                ends::class(*end),
                timeline.columns.iter().map(value).collect(),
            )
        })
        .collect();
    let times = timeline.times();
    chart.draw(figure, |svg| {
        let shaded = shaded(timeline, causes);
        lane(
            svg,
            &timeline.axis,
            [chart.top, chart.bottom],
            "shade",
            &shaded,
        );
        chart.grid(svg, &scale);
        stack(svg, &chart, &timeline.axis, &scale, &series);
        timeline.draw_axis(svg, &chart, lanes);
        chart.labels(svg, &scale, if most <= 1 { "row" } else { "rows" });
        for (cause, n) in causes.iter().zip(0..) {
            draw_lane(svg, timeline, cause, chart.bottom + LANE * n);
        }
        pointer(svg, &timeline.axis, |n| {
            let (time, column) = (times.get(n)?, timeline.columns.get(n)?);
            let has_rows = column.rows.values().any(|rows| *rows > 0);
            has_rows.then(|| format!("{time}: {}", ended(column)))
        });
    });
}

/// Returns 1 for each column in which the API could not be used, and 0 for the others.
fn shaded(timeline: &Timeline<'_>, causes: &[Cause]) -> Vec<f64> {
    let mut parts = vec![0.0; timeline.columns.len()];
    for cause in causes.iter().filter(|cause| cause.is_first) {
        for (sum, part) in parts.iter_mut().zip(&cause.parts) {
            *sum += part;
        }
    }
    let is_shaded = |part| if part >= SHADED_FROM { 1.0 } else { 0.0 };
    parts.into_iter().map(is_shaded).collect()
}

fn draw_lane(svg: &mut Markup, timeline: &Timeline<'_>, cause: &Cause, top: u32) {
    let (class, bottom) = if cause.is_first {
        ("lane first", top + LANE)
    } else {
        ("lane", top + LANE)
    };
    let label: [Attribute<'_>; 3] = [
        ("class", &"lane-label"),
        ("x", &2),
        ("y", &(top + LANE_LABEL - 4)),
    ];
    svg.with_text(
        "text",
        &label,
        format_args!("{} · {}", cause.label, took(cause.seconds)),
    );
    let range = [top + LANE_LABEL, bottom];
    lane(svg, &timeline.axis, range, class, &cause.parts);
    if bottom > top {
        let y = bottom;
        let line: [Attribute<'_>; 4] =
            [("class", &"track"), ("x2", &"100%"), ("y1", &y), ("y2", &y)];
        svg.leaf("line", &line);
    }
}

fn description(totals: &BTreeMap<RowEnd, u64>, causes: &[Cause]) -> String {
    let told: Vec<_> = totals
        .iter()
        .map(|(end, rows)| format!("{} {}", grouped(*rows), ends::label(*end)))
        .collect();
    let description = match told.as_slice() {
        [] => "No row ended.".to_owned(),
        told => format!("In all {}.", listed(told)),
    };
    if !causes.is_empty() {
        let told: Vec<_> = causes
            .iter()
            .map(|cause| format!("{} for {}", cause.label, took(cause.seconds)))
            .collect();
        return format!("{description} Held back by {}.", listed(&told));
    }
    description
}

/// Returns the rows of a column in words, the largest numbers first.
fn ended(column: &Column) -> String {
    let mut parts: Vec<_> = column.rows.iter().filter(|(_, rows)| **rows > 0).collect();
    let all: u64 = parts.iter().map(|(_, rows)| **rows).sum();
    parts.sort_by(|one, other| other.1.cmp(one.1));
    let mut told: Vec<_> = parts
        .iter()
        .take(ENDS_SHOWN)
        .map(|(end, rows)| format!("{} {}", grouped(**rows), ends::label(**end)))
        .collect();
    if parts.len() > ENDS_SHOWN {
        told.push("…".to_owned());
    }
    match parts.as_slice() {
        [(end, _)] => format!("{} {}", rows(all), ends::label(**end)),
        _ => format!("{}: {}", rows(all), told.join(", ")),
    }
}

fn table(
    section: &mut Markup,
    place: &Place,
    timeline: &Timeline<'_>,
    totals: &BTreeMap<RowEnd, u64>,
    causes: &[Cause],
) {
    let mut head = vec![format!("From (UTC), {} each", span(timeline.column_ms()))];
    head.extend(totals.keys().map(|end| ends::label(*end).to_owned()));
    head.extend(causes.iter().map(|cause| format!("% {}", cause.label)));
    tables::behind(section, place, "rows over time", &head, |body| {
        for (n, (time, column)) in timeline.times().iter().zip(&timeline.columns).enumerate() {
            let rows = totals
                .keys()
                .map(|end| column.rows.get(end).copied().unwrap_or_default());
            let part = |cause: &Cause| cause.parts.get(n).copied().unwrap_or_default();
            let parts = causes
                .iter()
                .map(|cause| format!("{:.0}", 100.0 * part(cause)));
            tables::row(body, time, rows.map(grouped).chain(parts));
        }
        let sums = totals.values().map(|rows| grouped(*rows));
        let took = causes.iter().map(|cause| took(cause.seconds));
        tables::row(body, "sum", sums.chain(took));
    });
}
