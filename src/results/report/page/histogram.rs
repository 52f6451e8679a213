//! The histogram of the times that answers took, over a logarithmic axis.

use super::place::Place;
use super::tables;
use super::units::{answer_time, round_time, share};
use crate::results::report::model::RunReport;
use crate::results::report::svg::{
    Anchor, Attribute, Chart, Markup, Percent, Scale, float, place_text,
};
use crate::results::summary::words::counted;
use crate::text::grouped;

/// The number of columns.
const COLUMNS: usize = 24;
/// The part of a column that its rectangle takes.
const FILLED: f64 = 0.9;
/// The heights in pixels: of the labels of the percentiles, of the plot, and of the axis.
const MARKS: u32 = 48;
const PLOT: u32 = 130;
const AXIS: u32 = 20;

/// A column: its bounds in microseconds, and the answers between them.
struct Bar {
    from: f64,
    to: f64,
    answers: u64,
}

/// Adds the histogram, if there were answers.
pub(super) fn draw(section: &mut Markup, place: &Place, run: &RunReport) {
    let Some((scale, bars)) = bars(&run.answer_times) else {
        return;
    };
    let all: u64 = bars.iter().map(|bar| bar.answers).sum();
    section.element("figure", &[], |figure| {
        chart(figure, place, run, &scale, &bars, all);
        figure.element("figcaption", &[], |caption| {
            caption.text(format_args!(
                "{} by the time that they took, on a logarithmic axis.",
                counted(all, "answer", "answers")
            ));
        });
    });
    let head = ["From", "To", "Answers", "Share"].map(str::to_owned);
    tables::behind(section, place, "answers by time", &head, |body| {
        for bar in bars.iter().filter(|bar| bar.answers > 0) {
            let cells = [edge(bar.to), grouped(bar.answers), share(bar.answers, all)];
            tables::row(body, edge(bar.from), cells);
        }
        tables::row(body, "sum", [String::new(), grouped(all), share(all, all)]);
    });
}

/// Returns the axis and the columns; `None` without answers.
fn bars(answer_times: &[(u64, u64)]) -> Option<(Scale, Vec<Bar>)> {
    let answers = answer_times.iter().filter(|(_, answers)| *answers > 0);
    let least = answers.clone().map(|(us, _)| *us).min()?.max(1);
    let most = answers.clone().map(|(us, _)| *us).max()?.max(1);
    let scale = Scale::log(float(least), float(most));
    let count = float(COLUMNS as u64);
    let mut bars: Vec<_> = (0..COLUMNS as u64)
        .map(|n| Bar {
            from: scale.value(float(n) / count),
            to: scale.value(float(n + 1) / count),
            answers: 0,
        })
        .collect();
    for (us, number) in answers {
        let us = float(*us);
        let last = bars.len() - 1;
        let found = bars.iter().position(|bar| us < bar.to).unwrap_or(last);
        if let Some(bar) = bars.get_mut(found) {
            bar.answers += number;
        }
    }
    Some((scale, bars))
}

/// Returns a bound of a column in words.
fn edge(us: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "a float is cut to the range of the number, and no time is negative"
    )]
    answer_time(us.round() as u64)
}

fn chart(
    figure: &mut Markup,
    place: &Place,
    run: &RunReport,
    scale: &Scale,
    bars: &[Bar],
    all: u64,
) {
    let most = bars.iter().map(|bar| bar.answers).max().unwrap_or_default();
    let heights = Scale::linear(float(most), 1.0);
    let largest = bars.iter().max_by_key(|bar| bar.answers);
    let chart = Chart {
        id: place.id("histogram"),
        title: "Answers by the time that they took".to_owned(),
        description: largest.map_or_else(String::new, |bar| {
            format!(
                "Most answers, {}, took {} to {}.",
                share(bar.answers, all),
                edge(bar.from),
                edge(bar.to)
            )
        }),
        top: MARKS,
        bottom: MARKS + PLOT,
        height: MARKS + PLOT + AXIS,
    };
    chart.draw(figure, |svg| {
        chart.grid(svg, &heights);
        columns(svg, &chart, &heights, bars);
        percentiles(svg, &chart, scale, run.latency_us);
        chart.labels(svg, &heights, if most == 1 { "answer" } else { "answers" });
        axis(svg, &chart, scale);
    });
}

fn columns(svg: &mut Markup, chart: &Chart, heights: &Scale, bars: &[Bar]) {
    let step = 100.0 / float(COLUMNS as u64);
    svg.element("g", &[("class", &"bars")], |group| {
        for (bar, n) in bars.iter().zip(0_u64..) {
            if bar.answers == 0 {
                continue;
            }
            let whole = f64::from(chart.bottom - chart.top);
            let height = (heights.part(float(bar.answers)) * whole).round().max(2.0);
            let place: [Attribute<'_>; 4] = [
                ("x", &Percent(step * (float(n) + (1.0 - FILLED) / 2.0))),
                ("y", &format!("{:.0}", f64::from(chart.bottom) - height)),
                ("width", &Percent(step * FILLED)),
                ("height", &format!("{height:.0}")),
            ];
            group.element("rect", &place, |rect| {
                rect.with_text(
                    "title",
                    &[],
                    format_args!(
                        "{} to {}: {}",
                        edge(bar.from),
                        edge(bar.to),
                        counted(bar.answers, "answer", "answers")
                    ),
                );
            });
        }
    });
}

/// Adds a line for each percentile. Each label has a height of its own, so that none overlaps.
fn percentiles(svg: &mut Markup, chart: &Chart, scale: &Scale, latency: Option<[u64; 3]>) {
    let marks = [("l-p50", "p50"), ("l-p95", "p95"), ("l-p99", "p99")];
    for ((us, (class, name)), n) in latency.into_iter().flatten().zip(marks).zip(0_u32..) {
        let at = 100.0 * scale.part(float(us));
        let (x, y) = (Percent(at), 11 + 15 * n);
        svg.element("g", &[("class", &class)], |group| {
            let line: [Attribute<'_>; 4] = [
                ("x1", &x),
                ("x2", &x),
                ("y1", &(y + 4)),
                ("y2", &chart.bottom),
            ];
            group.leaf("line", &line);
            let anchor = if at < 50.0 {
                Anchor::Start
            } else {
                Anchor::End
            };
            place_text(
                group,
                at,
                f64::from(y),
                anchor,
                &format!("{name} {}", answer_time(us)),
            );
        });
    }
}

fn axis(svg: &mut Markup, chart: &Chart, scale: &Scale) {
    let at = chart.bottom;
    let line: [Attribute<'_>; 4] = [
        ("class", &"base"),
        ("x2", &"100%"),
        ("y1", &at),
        ("y2", &at),
    ];
    svg.leaf("line", &line);
    svg.element("g", &[("class", &"label")], |labels| {
        for tick in scale.ticks() {
            let x = 100.0 * scale.part(*tick);
            let anchor = match x {
                x if x < 5.0 => Anchor::Start,
                x if x > 95.0 => Anchor::End,
                _ => Anchor::Middle,
            };
            place_text(labels, x, f64::from(at + 16), anchor, &round_time(*tick));
        }
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_answer_is_in_one_column() {
        let check = |times: &[(u64, u64)]| {
            let (_, bars) = bars(times).unwrap();
            let all: u64 = bars.iter().map(|bar| bar.answers).sum();
            assert_eq!(all, times.iter().map(|(_, answers)| answers).sum::<u64>());
            assert_eq!(bars.len(), COLUMNS);
            bars
        };
        check(&[(0, 3), (1, 1), (u64::MAX, 2)]);
        check(&[(5000, 1)]);
        let spread = check(&[(1000, 7), (1500, 2), (1_000_000, 4)]);
        assert_eq!((spread[0].answers, spread[1].answers), (7, 2));
        assert_eq!(spread[23].answers, 4);
        assert!(bars(&[]).is_none() && bars(&[(7, 0)]).is_none());
    }
}
