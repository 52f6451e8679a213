//! The commands of the pages are run, and their output is compared.

use std::env;
use std::fs;
use std::path::Path;
use std::thread;

use super::blocks::Block;
use super::measured::masked;
use super::pages::{Page, ROOT, pages};
use super::shell::{Reader, text};

/// The variable with which the pages get the output of now.
const RENEW: &str = "CUSTSYNC_RENEW_PAGES";

#[test]
fn every_block_is_run_or_compared() {
    for page in pages() {
        for block in page.blocks() {
            let is_tested = matches!(
                (block.language.as_str(), &block.file),
                ("console" | "crontab" | "yaml", None) | (_, Some(_))
            );
            assert!(
                is_tested,
                "{}:{}: no test knows what to do with a block of `{}`",
                page.path, block.line, block.language
            );
        }
    }
}

#[test]
fn the_commands_print_the_output_that_the_pages_show() {
    let pages = pages();
    // Each page is typed in by another reader, so none needs what another one made.
    let changed: Vec<_> = thread::scope(|scope| {
        let readers: Vec<_> = pages
            .iter()
            .map(|page| scope.spawn(|| type_in(page)))
            .collect();
        readers
            .into_iter()
            .map(|reader| reader.join().expect("the reader does not panic"))
            .collect()
    });
    if env::var_os(RENEW).is_some() {
        for (page, changed) in pages.iter().zip(&changed) {
            renew(page, changed);
        }
        return;
    }
    let wrong: Vec<_> = pages
        .iter()
        .zip(&changed)
        .flat_map(|(page, changed)| changed.iter().map(|block| (&page.path, block)))
        .map(|(path, (block, printed))| format!("{path}:{}: now it is\n{printed}", block.line))
        .collect();
    assert!(
        wrong.is_empty(),
        "{}\nIf this is right, renew the pages: {RENEW}=1 cargo test --test it docs::commands",
        wrong.join("\n")
    );
}

/// Types in all blocks of a page. Returns those with other output than the page shows, each with
/// what was printed.
fn type_in(page: &Page) -> Vec<(Block, String)> {
    let blocks = page.blocks();
    if blocks.is_empty() {
        return Vec::new();
    }
    let reader = Reader::new();
    let mut changed = Vec::new();
    for block in blocks {
        match &block.file {
            Some(name) => reader.write(name, &block.body),
            None if block.language == "console" => {
                let printed = reader.type_in(&block);
                if masked(&printed) != masked(&block.body) {
                    changed.push((block, printed));
                }
            }
            None => {}
        }
    }
    changed
}

/// Writes what was printed into the page.
fn renew(page: &Page, changed: &[(Block, String)]) {
    if changed.is_empty() {
        return;
    }
    let mut lines: Vec<_> = page.text.lines().map(str::to_owned).collect();
    for (block, printed) in changed.iter().rev() {
        // The line after the fence has the index of the fence's number.
        let body = block.line..block.line + block.body.lines().count();
        lines.splice(body, printed.lines().map(str::to_owned));
    }
    fs::write(Path::new(ROOT).join(&page.path), lines.join("\n") + "\n").unwrap();
}

#[test]
fn the_sandbox_offers_a_command_that_works() {
    let reader = Reader::new();
    reader.write("customers.csv", "id,job\n7,Nurse\n");
    let printed = reader.serve(|command| {
        let run = reader.shell(command);
        assert!(
            run.status.success(),
            "{}",
            String::from_utf8_lossy(&run.stderr)
        );
        assert!(text(&run).contains("1 row updated in "), "{}", text(&run));
    });
    // The customer is read twice: it has a country that could not be put back, so other rows would
    // go first.
    assert!(
        printed.ends_with("\n3 requests (200: 3), 1 updates applied\n"),
        "{printed}"
    );
}

#[test]
fn the_tests_are_those_of_the_ci() {
    let ci = fs::read_to_string(Path::new(ROOT).join(".ci/run")).unwrap();
    let page = Page::read("CONTRIBUTING.md");
    assert!(
        page.text.contains("\n| all tests | `cargo test` |\n"),
        "the page says how to run the tests"
    );
    assert!(
        ci.lines().any(|line| line == "step cargo test"),
        "the CI runs the same command"
    );
}
