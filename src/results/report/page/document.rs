//! The frame of the page: its head, its style sheet, and the policy that forbids all else.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ring::digest::{SHA256, digest};

use super::units::at;
use super::verdict::word;
use crate::results::report::model::Report;
use crate::results::report::svg::{Attribute, Markup};

/// The style sheet, the only one that the policy allows.
const STYLE: &str = include_str!("page.css");

/// The looks of a pattern: the path that is drawn over the colour, in a square of eight pixels.
const PATTERNS: [(&str, &str, &str); 11] = [
    (
        "h-unchanged",
        "c-unchanged",
        "M1.5 1.5h1.5v1.5h-1.5zM5.5 5.5h1.5v1.5h-1.5z",
    ),
    ("h-superseded", "c-superseded", "M0 3h8v1h-8z"),
    ("h-elsewhere", "c-elsewhere", "M3 0h1v8h-1z"),
    ("h-invalid", "c-invalid", "M0 8L8 0h-2L0 6zM8 8v-2L6 8z"),
    ("h-rejected", "c-rejected", "M0 0L8 8v-2L2 0zM0 8v-2L2 8z"),
    ("h-conflict", "c-conflict", "M0 3h8v1.5h-8zM3 0h1.5v8h-1.5z"),
    ("h-failed", "c-failed", "M1 1h3v3h-3zM5 5h3v3h-3z"),
    ("h-other", "c-other", "M0 0h8v2h-8zM0 4h8v2h-8z"),
    ("h-again", "c-again", "M0 0h2v8h-2zM4 0h2v8h-2z"),
    ("h-unsent", "c-unsent", "M1 1h6v6h-6z"),
    ("h-unrecorded", "c-unrecorded", "M0 4L4 0l4 4-4 4z"),
];

/// Returns the title of the page. It holds no name of a file, since a title cannot isolate the
/// direction of one.
pub(super) fn title(report: &Report) -> String {
    match report.runs.as_slice() {
        [] => "custsync: no run".to_owned(),
        [run] => format!(
            "{}: custsync {}, {} UTC",
            word(run),
            run.command,
            at(run.started)
        ),
        runs => format!("{} runs: custsync", runs.len()),
    }
}

/// Returns the page with this title and content.
pub(super) fn draw(title: &str, content: impl FnOnce(&mut Markup)) -> String {
    let mut page = Markup::new();
    page.verbatim("<!DOCTYPE html>\n");
    page.element("html", &[("lang", &"en")], |html| {
        html.element("head", &[], |head| self::head(head, title));
        html.element("body", &[], |body| {
            patterns(body);
            body.element("main", &[], content);
            body.with_text(
                "footer",
                &[],
                "Made by custsync. This page holds no customer's id and no value, runs no script and requests nothing.",
            );
        });
    });
    page.into_string() + "\n"
}

fn head(head: &mut Markup, title: &str) {
    let hash = STANDARD.encode(digest(&SHA256, STYLE.as_bytes()));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    head.leaf("meta", &[("charset", &"utf-8")]);
    let policy: [Attribute<'_>; 2] = [
        ("http-equiv", &"Content-Security-Policy"),
        ("content", &policy),
    ];
    head.leaf("meta", &policy);
    for (name, content) in [
        ("referrer", "no-referrer"),
        ("viewport", "width=device-width, initial-scale=1"),
        ("color-scheme", "light dark"),
    ] {
        head.leaf("meta", &[("name", &name), ("content", &content)]);
    }
    head.with_text("title", &[], title);
    head.element("style", &[], |style| style.verbatim(STYLE));
}

/// Adds the patterns that the style sheet refers to.
fn patterns(body: &mut Markup) {
    let hidden: [Attribute<'_>; 4] = [
        ("class", &"patterns"),
        ("width", &0),
        ("height", &0),
        ("aria-hidden", &"true"),
    ];
    body.element("svg", &hidden, |svg| {
        for (id, class, path) in PATTERNS {
            let square: [Attribute<'_>; 4] = [
                ("id", &id),
                ("width", &8),
                ("height", &8),
                ("patternUnits", &"userSpaceOnUse"),
            ];
            svg.element("pattern", &square, |pattern| {
                pattern.leaf("rect", &[("class", &class), ("width", &8), ("height", &8)]);
                pattern.leaf("path", &[("class", &"hatch"), ("d", &path)]);
            });
        }
    });
}
