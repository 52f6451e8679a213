//! The place of a run on the page: alone, or as one of several.

use super::links::Links;
use crate::results::report::svg::Markup;

/// The place of a run on the page.
#[derive(Debug, Clone)]
pub(super) struct Place {
    /// Its number, if there are several.
    number: Option<usize>,
    /// The files that it can link to.
    pub(super) links: Links,
}

impl Place {
    /// Returns the place of the only run.
    pub(super) fn alone(links: Links) -> Place {
        Place {
            number: None,
            links,
        }
    }

    /// Returns the place of one of several runs, counted from one.
    pub(super) fn among_others(number: usize) -> Place {
        Place {
            number: Some(number),
            links: Links::None,
        }
    }

    /// Returns an id that is unique on the page.
    pub(super) fn id(&self, name: &str) -> String {
        match self.number {
            None => name.to_owned(),
            Some(number) => format!("{name}-{number}"),
        }
    }

    /// Returns a label that is unique on the page.
    pub(super) fn label(&self, label: &str) -> String {
        match self.number {
            None => label.to_owned(),
            Some(number) => format!("Run {number}: {label}"),
        }
    }

    /// Returns the element of a section's heading.
    fn heading(&self) -> &'static str {
        match self.number {
            None => "h2",
            Some(_) => "h3",
        }
    }

    /// Adds a section with its heading.
    pub(super) fn section(
        &self,
        page: &mut Markup,
        title: &str,
        content: impl FnOnce(&mut Markup),
    ) {
        page.element("section", &[], |section| {
            section.with_text(self.heading(), &[], title);
            content(section);
        });
    }
}
