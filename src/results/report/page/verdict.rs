//! The head of a run: its title, the verdict, the reasons and the next steps.

use super::links::{Links, link_to};
use super::place::Place;
use super::units::{at, listed};
use crate::results::report::model::{RunReport, Shards};
use crate::results::report::svg::{Attribute, Markup};
use crate::results::summary::Tone;
use crate::results::summary::words::{counted, took};
use crate::text::safe_ellipsis;

/// The most characters of a sentence, and the most bytes of a command.
const SENTENCE_MAX: usize = 280;
const COMMAND_MAX: usize = 2_000;
/// The most characters of a directory's name.
const DIRECTORY_MAX: usize = 100;
/// A page may be read far from the place of its run.
const FROM_WHERE: &str = "Commands are for the folder in which the run was started.";
/// The text in place of a longer command.
const TOO_LONG: &str = "(this command is too long for the page: it is in summary.json)";
/// The most sentences of a list.
const SENTENCES_MAX: usize = 8;
/// The most shards that are named one by one.
const SHARDS_NAMED: usize = 32;

/// Returns the word for the tone of a run.
pub(super) fn word(run: &RunReport) -> &'static str {
    match run.tone {
        Tone::Good => "Good",
        Tone::Mixed => "Needs attention",
        Tone::Bad if run.command == "check" => "Not ready",
        Tone::Bad => "Not done",
    }
}

/// Returns the class of the tone.
fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "tone good",
        Tone::Mixed => "tone mixed",
        Tone::Bad => "tone bad",
    }
}

/// Returns the sign before the word: a check mark, an exclamation mark or a cross, as a path in a
/// square of 20 pixels.
fn sign(tone: Tone) -> &'static str {
    match tone {
        Tone::Good => "M4.5 10.5l3.5 3.5 7.5-8",
        Tone::Mixed => "M10 4v7.5M10 14.5v1",
        Tone::Bad => "M5.5 5.5l9 9M14.5 5.5l-9 9",
    }
}

/// Adds the word for the tone, with its sign.
pub(super) fn badge(page: &mut Markup, run: &RunReport) {
    page.element("span", &[("class", &class(run.tone))], |badge| {
        let square: [Attribute<'_>; 3] =
            [("width", &20), ("height", &20), ("aria-hidden", &"true")];
        badge.element("svg", &square, |svg| {
            svg.leaf("circle", &[("cx", &10), ("cy", &10), ("r", &10)]);
            svg.leaf("path", &[("d", &sign(run.tone))]);
        });
        badge.text(format_args!(" {}", word(run)));
    });
}

/// Adds the title of a run: the verb and its first inputs.
pub(super) fn title(page: &mut Markup, run: &RunReport) {
    page.text(if run.command == "check" {
        "Check of "
    } else {
        "Run of "
    });
    match run.inputs.as_slice() {
        [] => page.text("no input"),
        [first, more @ ..] => {
            page.with_text("bdi", &[], &first.name);
            match more.len() {
                0 => {}
                more => page.text(format_args!(
                    " and {}",
                    counted(more as u64, "other input", "other inputs")
                )),
            }
        }
    }
}

/// Adds the head of a run.
pub(super) fn draw(page: &mut Markup, place: &Place, run: &RunReport) {
    page.element("p", &[("class", &"when")], |when| {
        when.text(format_args!(
            "{} to {} UTC, ",
            at(run.started),
            at(run.ended)
        ));
        when.text(took(run.ended.duration_since(run.started).as_secs_f64()));
        when.text(match run.directories.len() {
            0 | 1 => " · ".to_owned(),
            many => format!(" · {many} run directories: "),
        });
        for (n, directory) in run.directories.iter().take(SENTENCES_MAX).enumerate() {
            when.text(if n > 0 { ", " } else { "" });
            when.with_text("bdi", &[], safe_ellipsis(directory, DIRECTORY_MAX));
        }
    });
    let card = match run.tone {
        Tone::Good => "verdict good",
        Tone::Mixed => "verdict mixed",
        Tone::Bad => "verdict bad",
    };
    page.element("div", &[("class", &card)], |card| {
        card.element("p", &[], |word| badge(word, run));
        let verdict = safe_ellipsis(&run.verdict, SENTENCE_MAX);
        card.with_text("p", &[("class", &"sentence")], verdict);
        sentences(card, &run.reasons);
        if let Some(shards) = &run.shards {
            card.with_text("p", &[], shards_in_words(shards));
        }
        next(card, place, run);
        sentences(card, &run.notes);
    });
}

fn sentences(page: &mut Markup, sentences: &[String]) {
    if sentences.is_empty() {
        return;
    }
    page.element("ul", &[], |list| {
        for sentence in sentences.iter().take(SENTENCES_MAX) {
            list.with_text("li", &[], safe_ellipsis(sentence, SENTENCE_MAX));
        }
        if let Some(more) = more(sentences.len(), SENTENCES_MAX) {
            list.with_text("li", &[], format_args!("and {more} more"));
        }
    });
}

/// Returns the number of things beyond those that are shown.
pub(super) fn more(all: usize, shown: usize) -> Option<usize> {
    all.checked_sub(shown).filter(|more| *more > 0)
}

fn shards_in_words(shards: &Shards) -> String {
    let missing = shards.missing();
    let named = |numbers: &[u32]| match numbers.len() {
        0 => "none".to_owned(),
        many if many > SHARDS_NAMED => format!("{many} of them"),
        _ => listed(&numbers.iter().map(u32::to_string).collect::<Vec<_>>()),
    };
    let found = named(&shards.found);
    match missing.as_slice() {
        [] => format!("All {} shards are in this report: {found}.", shards.of),
        missing => format!(
            "Of {} shards, this report has {found}. Missing: {}.",
            shards.of,
            named(missing)
        ),
    }
}

/// Adds the next steps, and links to the failed rows with what to do with them.
fn next(card: &mut Markup, place: &Place, run: &RunReport) {
    for step in &run.next {
        let advice = safe_ellipsis(&step.advice, SENTENCE_MAX);
        card.with_text("p", &[("class", &"advice")], advice);
        if let Some(command) = &step.command {
            // A part of a command is of no use.
            let is_short = command.len() <= COMMAND_MAX;
            let shown = if is_short { command } else { TOO_LONG };
            card.element("pre", &[], |pre| pre.with_text("code", &[], shown));
        }
    }
    if run.next.iter().any(|step| step.command.is_some()) {
        card.with_text("p", &[("class", &"small")], FROM_WHERE);
    }
    if run.failed_files.is_empty() {
        return;
    }
    card.element("p", &[], |line| {
        line.text("Failed rows: ");
        let files = run.failed_files.iter().take(SENTENCES_MAX);
        for (n, file) in files.enumerate() {
            line.text(if n > 0 { ", " } else { "" });
            link(line, file, place.links);
        }
        if let Some(more) = more(run.failed_files.len(), SENTENCES_MAX) {
            line.text(format_args!(" and {more} more"));
        }
        line.text(
            ". The reason is in front of each row. Correct the row's own cells, and run the file; \
             custsync's columns in front may stay.",
        );
    });
}

fn link(page: &mut Markup, file: &str, links: Links) {
    match links {
        Links::RunDirectory => page.element("a", &[("href", &link_to(file))], |link| {
            link.with_text("bdi", &[], file);
        }),
        Links::None => page.with_text("bdi", &[], file),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shards_are_named_and_missing_ones_too() {
        let check = |of, found: &[u32], want: &str| {
            let shards = Shards {
                of,
                found: found.to_vec(),
                unfinished: Vec::new(),
                unaccounted: 0,
            };
            assert_eq!(shards_in_words(&shards), want);
        };
        check(2, &[1, 2], "All 2 shards are in this report: 1 and 2.");
        check(
            4,
            &[1, 3],
            "Of 4 shards, this report has 1 and 3. Missing: 2 and 4.",
        );
        check(
            99,
            &[1],
            "Of 99 shards, this report has 1. Missing: 98 of them.",
        );
    }
}
