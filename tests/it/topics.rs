//! `custsync help TOPIC`: the pages of docs/ that the program carries.

use std::fs;
use std::path::{Path, PathBuf};

use crate::harness::{End, Scenario};

fn help(words: &[&str]) -> End {
    let words = ["help"].iter().chain(words).copied();
    Scenario::new().start_words(words).end()
}

/// The pages of docs/, each as its topic and its file.
fn pages() -> Vec<(String, PathBuf)> {
    let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
    let files = fs::read_dir(docs)
        .unwrap()
        .map(|entry| entry.unwrap().path());
    let pages = files.filter(|file| file.extension().is_some_and(|extension| extension == "md"));
    let mut pages: Vec<_> = pages
        .map(|file| (file.file_stem().unwrap().to_str().unwrap().to_owned(), file))
        .collect();
    pages.sort();
    assert!(pages.len() > 10, "the pages are found");
    pages
}

#[test]
fn each_page_is_printed_as_it_is() {
    for (topic, file) in pages() {
        let page = fs::read_to_string(file).unwrap();
        let end = help(&[&topic]).exits(0);
        let verb = match topic.as_str() {
            "sandbox" => Some("Start a local server"),
            "report" => Some("Show how a run went"),
            "undo" => Some("Put back what a run"),
            "preview" => Some("Show what a run would change"),
            _ => None,
        };
        if let Some(about) = verb {
            // A verb has this name, too: its flags come first.
            assert!(end.stdout.starts_with(about), "{}", end.stdout);
            assert!(
                end.stdout.ends_with(&format!("\n\n{page}")),
                "{}",
                end.stdout
            );
        } else {
            assert_eq!(end.stdout, page, "src/cli/topics.rs names {topic}");
        }
        assert_eq!(end.stderr, "");
    }
}

#[test]
fn the_topics_are_the_pages_in_the_order_of_the_readme() {
    let end = help(&["topics"]).exits(0);
    let lines = end
        .stdout
        .lines()
        .filter_map(|line| line.strip_prefix("  "));
    let listed: Vec<_> = lines
        .map(|line| {
            let (topic, about) = line.split_once("  ").expect("a topic and a sentence");
            format!("| [{topic}](docs/{topic}.md) | {} |", about.trim())
        })
        .collect();
    assert_eq!(listed.len(), pages().len());
    let readme = include_str!("../../README.md");
    assert!(readme.contains(&listed.join("\n")), "{listed:#?}");
}

#[test]
fn help_is_clap_s_for_a_verb_and_without_a_word() {
    let run = help(&["run"]).exits(0);
    assert!(
        run.stdout.starts_with("Send the updates\n"),
        "{}",
        run.stdout
    );
    let all = help(&[]).exits(0);
    assert!(all.stdout.contains("Commands:\n"), "{}", all.stdout);
    assert!(
        all.stdout.contains("`custsync help topics`"),
        "{}",
        all.stdout
    );
}

#[test]
fn an_unknown_topic_is_answered_by_the_nearest() {
    let end = help(&["exit"]).exits(2);
    assert_eq!(end.stdout, "");
    assert_eq!(
        end.stderr,
        "error: there is no help on `exit`; did you mean `exit-codes`? (`custsync help topics` lists the topics)\n"
    );
    help(&["eins\u{200b}"]).exits(2).says("`eins\\u{200b}`");
}

#[test]
fn a_broken_file_of_settings_does_not_hide_the_help() {
    let scenario = Scenario::new();
    scenario.write("custsync.toml", "rate = ");
    scenario.custsync(["help", "rows"]).exits(0);
}

#[test]
fn each_page_that_the_program_names_is_there() {
    let named: Vec<_> = crate::tidy::sources()
        .iter()
        .filter(|source| !source.is_test())
        .flat_map(|source| {
            let code: Vec<_> = source.code().map(|(_, line)| line.to_owned()).collect();
            let code = code.join("\n");
            let names = code.split("custsync help ").skip(1);
            let is_name = |character: char| character.is_ascii_lowercase() || character == '-';
            names
                .map(|rest| rest.chars().take_while(|c| is_name(*c)).collect::<String>())
                .filter(|name| !name.is_empty())
                .collect::<Vec<_>>()
        })
        .collect();
    assert!(named.contains(&"fields-left-out".to_owned()), "{named:?}");
    for name in named {
        help(&[&name]).exits(0);
    }
}
