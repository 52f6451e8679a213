//! The marks of a chart: stacked columns, lines, step lines and lanes.

use super::anchor::Anchor;
use super::chart::{Chart, place_text};
use super::markup::{Attribute, Markup};
use super::number::float;
use super::path::Path;
use super::scale::Scale;
use super::time_axis::TimeAxis;

/// From this many columns on, no gap is left between them.
const GAPS_UP_TO: usize = 45;
/// The part of a column that its shape takes, if there are gaps.
const FILLED: f64 = 0.86;
/// The least height of a value that is not zero, in pixels.
const HEIGHT_MIN: f64 = 2.0;
/// The least part of a column that is drawn in a lane.
const PART_MIN: f64 = 0.005;
/// The room that the labels of the grid lines take on a phone, in percent.
const AXIS_LABELS: f64 = 14.0;
/// The least distance between the labels of two lines, in pixels.
const LABEL_DISTANCE: f64 = 13.0;

/// A line with its label.
#[derive(Debug, Clone)]
pub(crate) struct Line {
    /// Its class, which gives it colour and dashes.
    pub(crate) class: &'static str,
    /// Its label, which stands at its last value.
    pub(crate) label: &'static str,
    /// Its value in each column.
    pub(crate) values: Vec<Option<f64>>,
}

/// A box in a column: its left end, in percent, and its upper and lower end, in pixels.
#[derive(Debug, Clone, Copy)]
struct ColumnBox {
    left: f64,
    upper: f64,
    lower: f64,
}

/// Adds stacked columns: the first series at the bottom. A series is a class and a value for each
/// column. Each is one rectangle over the whole plot, cut to the outlines of its columns: a pattern
/// keeps its shape at any width, and an outline takes a third of the bytes that rectangles take.
pub(crate) fn stack(
    svg: &mut Markup,
    chart: &Chart,
    axis: &TimeAxis,
    scale: &Scale,
    series: &[(&'static str, Vec<f64>)],
) {
    let whole = f64::from(chart.bottom - chart.top);
    let mut ground = vec![whole; axis.columns().len()];
    for (class, values) in series {
        let mut boxes = Vec::new();
        for ((value, lower), left) in values.iter().zip(&mut ground).zip(axis.columns()) {
            let height = match *value {
                value if value > 0.0 => (scale.part(value) * whole).round().max(HEIGHT_MIN),
                _ => 0.0,
            };
            let upper = (*lower - height).max(0.0);
            boxes.push(ColumnBox {
                left,
                upper,
                lower: *lower,
            });
            *lower = upper;
        }
        let id = format!("{}-{class}", chart.id);
        let units: [Attribute<'_>; 2] = [("id", &id), ("clipPathUnits", &"objectBoundingBox")];
        svg.element("clipPath", &units, |clip| {
            let unit = format!("scale(.001 {:.6})", 1.0 / whole);
            let outline = outline(axis, &boxes);
            clip.leaf("path", &[("transform", &unit), ("d", &outline.text())]);
        });
        let clip = format!("url(#{id})");
        let plot: [Attribute<'_>; 5] = [
            ("class", class),
            ("y", &chart.top),
            ("width", &"100%"),
            ("height", &whole),
            ("clip-path", &clip),
        ];
        svg.leaf("rect", &plot);
    }
}

/// Returns the outline of boxes, one for each column. Neighbours are one shape, unless there are so
/// few columns that gaps are left between them.
fn outline(axis: &TimeAxis, boxes: &[ColumnBox]) -> Path {
    let has_gaps = boxes.len() <= GAPS_UP_TO;
    let width = axis.column() * if has_gaps { FILLED } else { 1.0 };
    let mut path = Path::default();
    let mut shape: Vec<ColumnBox> = Vec::new();
    for (one, begins) in boxes.iter().zip(axis.begins()) {
        if begins || has_gaps || one.lower <= one.upper {
            add_shape(&mut path, &shape, width);
            shape.clear();
        }
        if one.lower > one.upper {
            shape.push(*one);
        }
    }
    add_shape(&mut path, &shape, width);
    path
}

/// Adds the outline of boxes side by side: along their upper ends, and back along their lower ones.
fn add_shape(path: &mut Path, boxes: &[ColumnBox], width: f64) {
    let Some(first) = boxes.first() else { return };
    path.begin(first.left, first.lower);
    for one in boxes {
        path.rise(one.upper);
        path.along(one.left + width);
    }
    for one in boxes.iter().rev() {
        path.rise(one.lower);
        path.along(one.left);
    }
    path.close();
}

/// Adds a line through the middles of the columns, with gaps where it has no value.
pub(crate) fn line(svg: &mut Markup, chart: &Chart, axis: &TimeAxis, scale: &Scale, line: &Line) {
    let half = axis.column() / 2.0;
    let mut path = Path::default();
    for run in runs(axis, &line.values) {
        for (n, (left, value)) in run.iter().enumerate() {
            let y = chart.y(scale.part(*value));
            if run.len() == 1 {
                // A value without neighbours is as wide as its column.
                path.begin(*left, y);
                path.along(left + 2.0 * half);
            } else if n == 0 {
                path.begin(left + half, y);
            } else {
                path.line(left + half, y);
            }
        }
    }
    add_path(svg, chart, line.class, &path);
}

/// Adds a line that keeps its value over the whole column.
pub(crate) fn step_line(
    svg: &mut Markup,
    chart: &Chart,
    axis: &TimeAxis,
    scale: &Scale,
    line: &Line,
) {
    let mut path = Path::default();
    for run in runs(axis, &line.values) {
        for (n, (left, value)) in run.iter().enumerate() {
            let y = chart.y(scale.part(*value));
            if n == 0 {
                path.begin(*left, y);
            } else {
                path.rise(y);
            }
            path.along(left + axis.column());
        }
    }
    add_path(svg, chart, line.class, &path);
}

/// Adds the labels of lines at their last values, one above the other where they would overlap.
pub(crate) fn spread(
    svg: &mut Markup,
    chart: &Chart,
    axis: &TimeAxis,
    scale: &Scale,
    lines: &[Line],
) {
    let lefts = axis.columns();
    let mut labels: Vec<(f64, f64, &Line)> = Vec::new();
    for line in lines {
        let mut last = lefts.iter().zip(&line.values).rev();
        if let Some((left, value)) = last.find_map(|(left, value)| Some((left, (*value)?))) {
            let y = chart.y(scale.part(value)) - 5.0;
            labels.push((left + axis.column(), y, line));
        }
    }
    labels.sort_by(|one, other| one.1.total_cmp(&other.1));
    let lowest = f64::from(chart.bottom) - 3.0;
    let count = labels.len();
    let mut above = f64::from(chart.top) - LABEL_DISTANCE;
    svg.element("g", &[("class", &"line-label")], |group| {
        for (n, (x, y, line)) in labels.into_iter().enumerate() {
            let room_below = LABEL_DISTANCE * float((count - 1 - n) as u64);
            let y = y.min(lowest - room_below).max(above + LABEL_DISTANCE);
            above = y;
            let (x, anchor) = match x {
                x if x < 2.0 * AXIS_LABELS => (x.max(AXIS_LABELS), Anchor::Start),
                x => (x, Anchor::End),
            };
            group.element("g", &[("class", &line.class)], |one| {
                place_text(one, x, y, anchor, line.label);
            });
        }
    });
}

/// Adds a lane: a column is filled from below by the part, from 0 to 1, that it has.
pub(crate) fn lane(
    svg: &mut Markup,
    axis: &TimeAxis,
    [top, bottom]: [u32; 2],
    class: &'static str,
    parts: &[f64],
) {
    let whole = f64::from(bottom - top);
    let mut path = Path::default();
    let mut is_open = false;
    for ((left, begins), part) in axis.columns().into_iter().zip(axis.begins()).zip(parts) {
        if is_open && (begins || *part < PART_MIN) {
            path.rise(whole);
            path.close();
            is_open = false;
        }
        if *part >= PART_MIN {
            if !is_open {
                path.begin(left, whole);
            }
            path.rise(whole - (part.min(1.0) * whole).round().max(HEIGHT_MIN));
            path.along(left + axis.column());
            is_open = true;
        }
    }
    if is_open {
        path.rise(whole);
        path.close();
    }
    if !path.is_empty() {
        stretched(svg, top, bottom - top, class, &path);
    }
}

/// Returns the left ends and values of columns that follow one another in a stretch.
fn runs(axis: &TimeAxis, values: &[Option<f64>]) -> Vec<Vec<(f64, f64)>> {
    let mut runs: Vec<Vec<(f64, f64)>> = vec![Vec::new()];
    for ((left, begins), value) in axis.columns().into_iter().zip(axis.begins()).zip(values) {
        if begins || value.is_none() {
            runs.push(Vec::new());
        }
        if let (Some(value), Some(run)) = (value, runs.last_mut()) {
            run.push((left, *value));
        }
    }
    runs.retain(|run| !run.is_empty());
    runs
}

/// Adds a line over the whole chart.
fn add_path(svg: &mut Markup, chart: &Chart, class: &'static str, path: &Path) {
    if !path.is_empty() {
        stretched(svg, 0, chart.height, class, path);
    }
}

/// Adds a path in an `svg` that is stretched to the width of the chart.
fn stretched(svg: &mut Markup, top: u32, height: u32, class: &'static str, path: &Path) {
    let view = format!("0 0 1000 {height}");
    let place: [Attribute<'_>; 5] = [
        ("y", &top),
        ("width", &"100%"),
        ("height", &height),
        ("viewBox", &view),
        ("preserveAspectRatio", &"none"),
    ];
    svg.element("svg", &place, |inner| {
        inner.leaf("path", &[("class", &class), ("d", &path.text())]);
    });
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::super::time_axis::Span;
    use super::*;

    /// Returns an axis of stretches with these numbers of columns.
    fn axis(stretches: &[usize]) -> TimeAxis {
        let spans: Vec<_> = stretches
            .iter()
            .zip(0..)
            .map(|(columns, n)| Span {
                begin: Timestamp::from_second(10_000 * n).unwrap(),
                columns: *columns,
            })
            .collect();
        TimeAxis::new(&spans, 1000).unwrap()
    }

    fn chart() -> Chart {
        Chart {
            id: "c".to_owned(),
            title: String::new(),
            description: String::new(),
            top: 0,
            bottom: 100,
            height: 120,
        }
    }

    /// Returns the paths that are drawn.
    fn paths(draw: impl FnOnce(&mut Markup)) -> Vec<String> {
        let mut svg = Markup::new();
        draw(&mut svg);
        let text = svg.into_string();
        let parts = text.split(" d=\"").skip(1);
        parts
            .map(|part| part.split('"').next().unwrap().to_owned())
            .collect()
    }

    #[test]
    fn columns_stand_on_those_below_them() {
        let (axis, scale) = (axis(&[50]), Scale::linear(100.0, 1.0));
        let mut below = vec![0.0; 50];
        below[0] = 50.0;
        below[1] = 30.0;
        let mut above = vec![0.0; 50];
        above[1] = 0.1;
        above[49] = 100.0;
        let series = [("below", below), ("above", above)];
        let paths = paths(|svg| stack(svg, &chart(), &axis, &scale, &series));
        assert_eq!(paths[0], "M0 100V50H20V70H40V100H0z");
        assert_eq!(paths[1], "M20 70V68H40V70H20zM980 100V0H1000V100H980z");
    }

    #[test]
    fn a_few_columns_have_gaps_between_them() {
        let (axis, scale) = (axis(&[2]), Scale::linear(1.0, 1.0));
        let series = [("one", vec![1.0, 1.0])];
        let paths = paths(|svg| stack(svg, &chart(), &axis, &scale, &series));
        assert_eq!(paths, ["M0 100V0H69V100H0zM80 100V0H149V100H80z"]);
    }

    #[test]
    fn a_line_has_gaps_where_nothing_is_known() {
        let (axis, scale) = (axis(&[4, 3]), Scale::linear(10.0, 1.0));
        let line_of = |values: &[i32]| Line {
            class: "l",
            label: "",
            values: values
                .iter()
                .map(|v| (*v >= 0).then_some(f64::from(*v)))
                .collect(),
        };
        let some = line_of(&[10, -1, 5, 5, 5, 0, -1]);
        let drawn = paths(|svg| line(svg, &chart(), &axis, &scale, &some));
        assert_eq!(drawn, ["M0 0H80M200 50H280M384 50L464 100"]);
        let drawn = paths(|svg| step_line(svg, &chart(), &axis, &scale, &some));
        assert_eq!(drawn, ["M0 0H80M160 50H320M344 50H424V100H504"]);
        let none = line_of(&[-1; 7]);
        assert_eq!(
            paths(|svg| line(svg, &chart(), &axis, &scale, &none)),
            [""; 0]
        );
    }

    #[test]
    fn a_lane_is_filled_by_the_part_of_the_time() {
        let axis = axis(&[3, 2]);
        let parts = [0.5, 1.0, 0.0, 2.0, 0.001];
        let drawn = paths(|svg| lane(svg, &axis, [10, 30], "lane", &parts));
        assert_eq!(drawn, ["M0 20V10H80V0H160V20zM264 20V0H344V20z"]);
        assert_eq!(
            paths(|svg| lane(svg, &axis, [10, 30], "lane", &[0.0; 5])),
            [""; 0]
        );
    }
}
