//! Charts as inline SVG: elements, scales, ticks, columns, lines and lanes. It knows nothing of runs.
//!
//! A chart is as wide as the page and has a fixed height. Its places are percent of the width from
//! the left and pixels from the top, so text keeps its size on a phone and on a wide screen. Lines
//! cannot be drawn in percent; they are in an inner `svg`, which is stretched.

mod anchor;
mod chart;
mod marks;
mod markup;
mod number;
mod path;
mod scale;
mod time_axis;

pub(crate) use self::anchor::Anchor;
pub(crate) use self::chart::{Chart, draw_times, place_text, pointer};
pub(crate) use self::marks::{Line, lane, line, spread, stack, step_line};
pub(crate) use self::markup::{Attribute, Markup};
pub(crate) use self::number::{Percent, float, round_number};
pub(crate) use self::scale::Scale;
pub(crate) use self::time_axis::{Span, TimeAxis};
