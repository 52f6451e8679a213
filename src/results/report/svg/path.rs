//! A path in an `svg` that is 1,000 wide and stretched to the width of its chart.

use std::fmt::Write as _;

/// A path. Its places are percent from the left and pixels from the top; both are written as whole
/// numbers of units, which are about a pixel each.
#[derive(Debug, Clone, Default)]
pub(super) struct Path {
    text: String,
    /// The height of its end, as it is written.
    height: String,
    /// The length of the text before its last step, if that goes along.
    before_along: Option<usize>,
}

impl Path {
    /// Whether it has no steps.
    pub(super) fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// Returns the text for the attribute `d`.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Begins a new line here.
    pub(super) fn begin(&mut self, left: f64, y: f64) {
        self.height = units(y);
        self.add(format_args!("M{} {y:.0}", across(left)));
    }

    /// Goes up or down to this height.
    pub(super) fn rise(&mut self, y: f64) {
        if units(y) != self.height {
            self.height = units(y);
            self.add(format_args!("V{y:.0}"));
        }
    }

    /// Goes along to this place. Several such steps in a row are one.
    pub(super) fn along(&mut self, left: f64) {
        if let Some(before) = self.before_along {
            self.text.truncate(before);
        }
        let before = self.text.len();
        self.add(format_args!("H{}", across(left)));
        self.before_along = Some(before);
    }

    /// Goes straight to this place.
    pub(super) fn line(&mut self, left: f64, y: f64) {
        if units(y) == self.height {
            self.along(left);
        } else {
            self.height = units(y);
            self.add(format_args!("L{} {y:.0}", across(left)));
        }
    }

    /// Goes straight back to where the line began.
    pub(super) fn close(&mut self) {
        self.add(format_args!("z"));
    }

    fn add(&mut self, step: std::fmt::Arguments<'_>) {
        self.before_along = None;
        (self.text.write_fmt(step)).expect("writing to a String cannot fail");
    }
}

/// Returns a place in percent in the units of the path.
fn across(percent: f64) -> String {
    units(10.0 * percent)
}

fn units(place: f64) -> String {
    format!("{place:.0}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_along_are_one() {
        let mut path = Path::default();
        assert!(path.is_empty());
        path.begin(0.0, 10.0);
        path.line(1.0, 10.2);
        path.line(2.0, 10.0);
        path.line(3.0, 4.0);
        path.rise(4.0);
        path.rise(5.0);
        path.along(40.0);
        path.along(100.0);
        path.close();
        assert_eq!(path.text(), "M0 10H20L30 4V5H1000z");
    }
}
