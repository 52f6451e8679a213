//! Requests in flight and per second over time, each with its limit.

use super::ends;
use super::place::Place;
use super::tables;
use super::timeline::Timeline;
use super::units::figure;
use crate::results::report::model::SendingColumn;
use crate::results::report::svg::{Chart, Line, Markup, Scale, float, line, step_line};

/// The height of a plot, and the room between the two, in pixels.
const PLOT: u32 = 100;
const BETWEEN: u32 = 26;

/// A plot: a line, and the limit that was in force.
struct Plot {
    unit: &'static str,
    limit_name: &'static str,
    value: Line,
    limit: Line,
}

/// Adds the section, if the timeline has figures of sending.
pub(super) fn draw(page: &mut Markup, place: &Place, timeline: &Timeline<'_>) {
    let columns = timeline
        .columns
        .iter()
        .map(|column| column.sending.as_ref());
    let columns: Vec<_> = columns.collect();
    if columns.iter().all(Option::is_none) {
        return;
    }
    let line = |class, value: fn(&SendingColumn) -> Option<f64>| Line {
        class,
        label: "",
        values: columns.iter().map(|one| one.and_then(value)).collect(),
    };
    let in_flight = Plot {
        unit: "in flight",
        limit_name: "allowed in flight",
        value: line("l-value", |one| Some(one.in_flight)),
        limit: line("l-limit", |one| Some(float(one.in_flight_max))),
    };
    let rate = Plot {
        unit: "requests per second",
        limit_name: "rate in force",
        value: line("l-value", |one| Some(one.requests_per_second)),
        limit: line("l-limit", |one| one.rate_per_second),
    };
    place.section(page, "Requests in flight and per second", |section| {
        section.element("figure", &[], |figure| {
            legend(figure, &in_flight);
            legend(figure, &rate);
            chart(figure, place, timeline, &in_flight, &rate);
        });
        table(section, place, timeline, &columns);
    });
}

impl Plot {
    fn peak(&self) -> f64 {
        most(&self.value.values)
    }

    /// Returns the highest limit, if there was one.
    fn limit(&self) -> Option<f64> {
        let is_known = self.limit.values.iter().any(Option::is_some);
        is_known.then(|| most(&self.limit.values))
    }

    fn scale(&self) -> Scale {
        Scale::linear(self.peak().max(self.limit().unwrap_or_default()), 0.01)
    }

    fn told(&self) -> String {
        let limit = self.limit().map_or_else(String::new, |limit| {
            format!(" ({}: {})", self.limit_name, figure(limit))
        });
        format!(
            "In the mean of a column at most {} {}{limit}.",
            figure(self.peak()),
            self.unit
        )
    }

    fn draw(&self, svg: &mut Markup, chart: &Chart, timeline: &Timeline<'_>) {
        let scale = self.scale();
        chart.grid(svg, &scale);
        step_line(svg, chart, &timeline.axis, &scale, &self.limit);
        line(svg, chart, &timeline.axis, &scale, &self.value);
        chart.labels(svg, &scale, self.unit);
    }
}

fn most(values: &[Option<f64>]) -> f64 {
    values.iter().flatten().copied().fold(0.0, f64::max)
}

fn legend(figure: &mut Markup, plot: &Plot) {
    // A column shows the mean of its time, which is below the peak.
    let at_most = |most| format!("in the mean of a column at most {}", self::figure(most));
    let mut entries: Vec<ends::Entry> = vec![(
        ends::dash,
        "l-value",
        format!("{},", plot.unit),
        at_most(plot.peak()),
    )];
    if let Some(limit) = plot.limit() {
        let name = format!("{},", plot.limit_name);
        let figure = format!("at most {}", self::figure(limit));
        entries.push((ends::dash, "l-limit", name, figure));
    }
    ends::legend(figure, &entries);
}

/// Adds the two plots, one above the other over the same axis.
fn chart(
    figure: &mut Markup,
    place: &Place,
    timeline: &Timeline<'_>,
    in_flight: &Plot,
    rate: &Plot,
) {
    let lower = PLOT + BETWEEN;
    let title = "Requests in flight and requests per second over time";
    let mut chart = timeline.chart(place.id("sending"), title, PLOT, lower);
    chart.description = format!("{} {}", in_flight.told(), rate.told());
    let below = Chart {
        top: chart.top + lower,
        bottom: chart.bottom + lower,
        ..chart.clone()
    };
    chart.draw(figure, |svg| {
        timeline.draw_axis(svg, &chart, lower);
        in_flight.draw(svg, &chart, timeline);
        rate.draw(svg, &below, timeline);
    });
}

fn table(
    section: &mut Markup,
    place: &Place,
    timeline: &Timeline<'_>,
    columns: &[Option<&SendingColumn>],
) {
    let head = [
        "From (UTC)",
        "In flight",
        "Allowed",
        "Per second",
        "Rate in force",
    ];
    let label = "requests in flight and per second";
    tables::behind(section, place, label, &head.map(str::to_owned), |body| {
        for (time, one) in timeline.times().iter().zip(columns) {
            let Some(one) = one else { continue };
            let cells = [
                figure(one.in_flight),
                crate::text::grouped(one.in_flight_max),
                figure(one.requests_per_second),
                one.rate_per_second.map_or_else(String::new, figure),
            ];
            tables::row(body, time, cells);
        }
    });
}
