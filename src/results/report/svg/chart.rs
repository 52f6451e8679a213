//! The frame of a chart: its title and description for screen readers, grid lines, and the axis of
//! time with its breaks.

use super::anchor::Anchor;
use super::markup::{Attribute, Markup};
use super::number::{Percent, round_number};
use super::scale::Scale;
use super::time_axis::{Break, TimeAxis};

/// The height of a line of small text, in pixels.
const LINE: u32 = 14;
/// Half the height of a letter: the distance of a grid line's label above it, in pixels.
const ABOVE: u32 = 4;
/// The room that the label of a break takes to each side, in percent.
const BREAK_LABEL: f64 = 9.5;

/// A chart that is as wide as the page.
#[derive(Debug, Clone)]
pub(crate) struct Chart {
    /// The id of its element, from which those of title and description are made.
    pub(crate) id: String,
    /// Its title.
    pub(crate) title: String,
    /// Its description: what can be seen, in a sentence.
    pub(crate) description: String,
    /// The upper end of the plot, in pixels.
    pub(crate) top: u32,
    /// The lower end of the plot, in pixels.
    pub(crate) bottom: u32,
    /// The height of the whole, in pixels.
    pub(crate) height: u32,
}

impl Chart {
    /// Adds the chart to a page.
    pub(crate) fn draw(&self, page: &mut Markup, content: impl FnOnce(&mut Markup)) {
        let (title, description) = (format!("{}-t", self.id), format!("{}-d", self.id));
        let named_by = format!("{title} {description}");
        let attributes: [Attribute<'_>; 5] = [
            ("class", &"chart"),
            ("role", &"img"),
            ("aria-labelledby", &named_by),
            ("width", &"100%"),
            ("height", &self.height),
        ];
        page.element("svg", &attributes, |svg| {
            svg.with_text("title", &[("id", &title)], &self.title);
            svg.with_text("desc", &[("id", &description)], &self.description);
            content(svg);
        });
    }

    /// Returns the place of a part of the scale, in pixels from the top.
    pub(crate) fn y(&self, part: f64) -> f64 {
        let (top, bottom) = (f64::from(self.top), f64::from(self.bottom));
        bottom - part * (bottom - top)
    }

    /// Adds a line for each tick of the scale.
    pub(crate) fn grid(&self, svg: &mut Markup, scale: &Scale) {
        svg.element("g", &[("class", &"grid")], |grid| {
            for tick in scale.ticks() {
                let y = format!("{:.0}", self.y(scale.part(*tick)));
                grid.leaf("line", &[("x2", &"100%"), ("y1", &y), ("y2", &y)]);
            }
        });
    }

    /// Adds the labels of the grid lines, which are counts of `unit`. They stand inside the plot, so
    /// they come last.
    pub(crate) fn labels(&self, svg: &mut Markup, scale: &Scale, unit: &str) {
        let ticks = scale.ticks();
        let top = ticks.last().copied().unwrap_or_default();
        self.labels_as(svg, scale, |tick| match tick {
            // Only the uppermost one says what is counted.
            tick if tick < top => round_number(tick),
            tick => format!("{} {unit}", round_number(tick)),
        });
    }

    /// Adds the labels of the grid lines in these words.
    pub(crate) fn labels_as(&self, svg: &mut Markup, scale: &Scale, text: impl Fn(f64) -> String) {
        svg.element("g", &[("class", &"label")], |labels| {
            let is_shown = |tick: &&f64| **tick > 0.0;
            for tick in scale.ticks().iter().filter(is_shown) {
                let y = self.y(scale.part(*tick)) - f64::from(ABOVE);
                let place: [Attribute<'_>; 2] = [("x", &2), ("y", &format!("{y:.0}"))];
                labels.with_text("text", &place, text(*tick));
            }
        });
    }
}

/// Adds the axis of time at this height: ticks with their labels, and the breaks through the whole
/// chart above it. `words` tells the length of a break in milliseconds.
pub(crate) fn draw_times(
    svg: &mut Markup,
    axis: &TimeAxis,
    at: u32,
    words: impl Fn(u64) -> String,
) {
    draw_breaks(svg, axis, at, words);
    let base: [Attribute<'_>; 4] = [
        ("class", &"base"),
        ("x2", &"100%"),
        ("y1", &at),
        ("y2", &at),
    ];
    svg.leaf("line", &base);
    svg.element("g", &[("class", &"label")], |labels| {
        for tick in axis.ticks() {
            let x = Percent(tick.at);
            let line: [Attribute<'_>; 5] = [
                ("class", &"base"),
                ("x1", &x),
                ("x2", &x),
                ("y1", &at),
                ("y2", &(at + ABOVE)),
            ];
            labels.leaf("line", &line);
            let y = f64::from(at + LINE + 2);
            place_text(labels, tick.at, y, tick.anchor, &tick.label);
            if let Some(day) = &tick.day {
                place_text(labels, tick.at, y + f64::from(LINE), tick.anchor, day);
            }
        }
    });
}

fn draw_breaks(svg: &mut Markup, axis: &TimeAxis, to: u32, words: impl Fn(u64) -> String) {
    let breaks = axis.breaks();
    if breaks.is_empty() {
        return;
    }
    svg.element("g", &[("class", &"break")], |group| {
        for one in &breaks {
            group.element("g", &[], |mark| {
                mark.with_text("title", &[], format_args!("stopped for {}", words(one.ms)));
                for shift in [-0.35, 0.35] {
                    let x = Percent(one.at + shift);
                    let line: [Attribute<'_>; 4] =
                        [("x1", &x), ("x2", &x), ("y1", &LINE), ("y2", &(to + ABOVE))];
                    mark.leaf("line", &line);
                }
            });
        }
    });
    svg.element("g", &[("class", &"label")], |labels| {
        for (one, anchor) in with_room(&breaks) {
            place_text(
                labels,
                one.at,
                f64::from(LINE - ABOVE),
                anchor,
                &words(one.ms),
            );
        }
    });
}

/// Adds a transparent rectangle for each column that has words, which a pointer shows. The style
/// sheet gives it the height of the chart.
pub(crate) fn pointer(svg: &mut Markup, axis: &TimeAxis, words: impl Fn(usize) -> Option<String>) {
    let width = Percent(axis.column());
    svg.element("g", &[("class", &"hit")], |group| {
        for (n, left) in axis.columns().into_iter().enumerate() {
            if let Some(text) = words(n) {
                let place: [Attribute<'_>; 2] = [("x", &Percent(left)), ("width", &width)];
                group.element("rect", &place, |rect| rect.with_text("title", &[], text));
            }
        }
    });
}

/// Returns the breaks whose labels do not overlap, with their anchors.
fn with_room(breaks: &[Break]) -> Vec<(Break, Anchor)> {
    let mut shown: Vec<(Break, Anchor)> = Vec::new();
    let mut free_from = 0.0;
    for one in breaks {
        let (anchor, from, to) = match one.at {
            at if at < BREAK_LABEL => (Anchor::Start, at, at + 2.0 * BREAK_LABEL),
            at if at > 100.0 - BREAK_LABEL => (Anchor::End, at - 2.0 * BREAK_LABEL, at),
            at => (Anchor::Middle, at - BREAK_LABEL, at + BREAK_LABEL),
        };
        if from >= free_from {
            shown.push((*one, anchor));
            free_from = to;
        }
    }
    shown
}

/// Adds a text at a place in percent from the left and pixels from the top.
pub(crate) fn place_text(svg: &mut Markup, x: f64, y: f64, anchor: Anchor, text: &str) {
    let (x, y, name) = (Percent(x), format!("{y:.0}"), anchor.name());
    let place: [Attribute<'_>; 3] = [("x", &x), ("y", &y), ("text-anchor", &name)];
    let [x, y, _] = place;
    match anchor {
        // The default.
        Anchor::Start => svg.with_text("text", &[x, y], text),
        Anchor::Middle | Anchor::End => svg.with_text("text", &place, text),
    }
}
