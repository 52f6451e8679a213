//! The ends of rows, as the page shows them: words, and a class that gives them colour and pattern.

use std::fmt::Display;

use crate::results::report::model::RowEnd;
use crate::results::report::svg::Markup;

/// The piece of a line in a legend: a path of 28 pixels.
const DASH: &str = "M0 7h28";

/// Returns the class, which gives rectangles their colour and pattern.
pub(super) fn class(end: RowEnd) -> &'static str {
    match end {
        RowEnd::Updated | RowEnd::Valid => "o-updated",
        RowEnd::Unchanged => "o-unchanged",
        RowEnd::Superseded => "o-superseded",
        RowEnd::Elsewhere => "o-elsewhere",
        RowEnd::Invalid => "o-invalid",
        RowEnd::Rejected => "o-rejected",
        RowEnd::Conflict => "o-conflict",
        RowEnd::Failed => "o-failed",
        RowEnd::Other => "o-other",
        RowEnd::SentAgain => "o-again",
        RowEnd::Unsent => "o-unsent",
        RowEnd::Unrecorded => "o-unrecorded",
    }
}

/// Returns the word for it.
pub(super) fn label(end: RowEnd) -> &'static str {
    match end {
        RowEnd::Updated => "updated",
        RowEnd::Valid => "valid",
        RowEnd::Unchanged => "unchanged",
        RowEnd::Superseded => "superseded",
        RowEnd::Elsewhere => "elsewhere",
        RowEnd::Invalid => "invalid",
        RowEnd::Rejected => "rejected",
        RowEnd::Conflict => "conflict",
        RowEnd::Failed => "failed",
        RowEnd::Other => "other",
        RowEnd::SentAgain => "sent again",
        RowEnd::Unsent => "unsent",
        RowEnd::Unrecorded => "unrecorded",
    }
}

/// Returns its meaning in a few words.
pub(super) fn meaning(end: RowEnd) -> &'static str {
    match end {
        RowEnd::Updated => "the API applied them",
        RowEnd::Valid => "they can be sent",
        RowEnd::Unchanged => "the API had their values already",
        RowEnd::Superseded => "later rows of their customers replace them",
        RowEnd::Elsewhere => "they belong to other shards",
        RowEnd::Invalid => "they break the contract and were not sent",
        RowEnd::Rejected => "the API rejected them",
        RowEnd::Conflict => "the customer was changed elsewhere in the meantime",
        RowEnd::Failed => "every attempt failed",
        RowEnd::Other => "a later version of custsync knows this outcome",
        RowEnd::SentAgain => "they ended badly, were sent again later, and had another end then",
        RowEnd::Unsent => "they have no outcome yet: the same command sends them",
        RowEnd::Unrecorded => "their outcome could not be recorded",
    }
}

/// Adds a small square in the colour and pattern of a class. The style sheet gives it its size.
pub(super) fn swatch(page: &mut Markup, class: &'static str) {
    page.element(
        "svg",
        &[("class", &"swatch"), ("aria-hidden", &"true")],
        |svg| {
            svg.leaf("rect", &[("class", &class)]);
        },
    );
}

/// Adds a short piece of a line in the looks of a class.
pub(super) fn dash(page: &mut Markup, class: &'static str) {
    page.element(
        "svg",
        &[("class", &"dash"), ("aria-hidden", &"true")],
        |svg| {
            svg.leaf("path", &[("class", &class), ("d", &DASH)]);
        },
    );
}

/// An entry of a legend: what draws its sign, its name and its figures.
pub(super) type Entry = (fn(&mut Markup, &'static str), &'static str, String, String);

/// Adds a legend, if it has entries: for each a sign, a name and a figure.
pub(super) fn legend(page: &mut Markup, entries: &[Entry]) {
    if entries.is_empty() {
        return;
    }
    page.element("ul", &[("class", &"legend")], |list| {
        for (sign, class, name, figure) in entries {
            list.element("li", &[], |item| {
                sign(item, class);
                item.text(format_args!(" {name} "));
                strong(item, figure);
            });
        }
    });
}

fn strong(item: &mut Markup, figure: impl Display) {
    item.with_text("b", &[], figure);
}
