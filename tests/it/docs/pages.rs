//! The pages: README.md and the files of docs/.

use std::fs;
use std::path::Path;

use super::blocks::{Block, blocks};

/// The repository.
pub(super) const ROOT: &str = env!("CARGO_MANIFEST_DIR");
/// The page that is read first.
pub(super) const FRONT: &str = "README.md";

/// One page.
pub(super) struct Page {
    /// Its path in the repository.
    pub(super) path: String,
    pub(super) text: String,
}

impl Page {
    /// The page with this path.
    pub(super) fn read(path: &str) -> Page {
        let text = fs::read_to_string(Path::new(ROOT).join(path));
        Page {
            path: path.to_owned(),
            text: text.unwrap_or_else(|error| panic!("{path}: {error}")),
        }
    }

    /// Its fenced blocks.
    pub(super) fn blocks(&self) -> Vec<Block> {
        blocks(&self.text)
    }

    /// Its lines outside of fenced blocks.
    pub(super) fn prose(&self) -> impl Iterator<Item = &str> {
        let mut is_code = false;
        self.text.lines().filter(move |line| {
            let is_fence = line.starts_with("```");
            is_code ^= is_fence;
            !is_code && !is_fence
        })
    }

    /// Its headings of the second level.
    pub(super) fn sections(&self) -> impl Iterator<Item = &str> {
        self.prose().filter_map(|line| line.strip_prefix("## "))
    }

    /// The sentence below its title, which says what the page is about.
    pub(super) fn about(&self) -> &str {
        let about = self.text.lines().nth(2);
        about.unwrap_or_else(|| panic!("{} has a title and a sentence", self.path))
    }

    /// Its name as a topic of the help.
    pub(super) fn topic(&self) -> &str {
        let name = self.path.strip_prefix("docs/");
        name.and_then(|name| name.strip_suffix(".md"))
            .expect("the page is in docs/")
    }
}

/// The pages of docs/, by name.
pub(super) fn docs() -> Vec<Page> {
    let entries = fs::read_dir(Path::new(ROOT).join("docs")).unwrap();
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut paths: Vec<_> = names
        .filter(|name| {
            Path::new(name)
                .extension()
                .is_some_and(|extension| extension == "md")
        })
        .map(|name| format!("docs/{name}"))
        .collect();
    paths.sort();
    assert!(paths.len() > 10, "the pages are found");
    paths.iter().map(|path| Page::read(path)).collect()
}

/// All pages.
pub(super) fn pages() -> Vec<Page> {
    let mut pages = docs();
    pages.insert(0, Page::read(FRONT));
    pages
}

/// The anchor of a heading, as Markdown renderers make it.
pub(super) fn anchor(heading: &str) -> String {
    let text = heading.trim_start_matches('#').trim().to_lowercase();
    let is_kept = |character: &char| character.is_alphanumeric() || matches!(character, ' ' | '-');
    format!(
        "#{}",
        text.chars()
            .filter(is_kept)
            .collect::<String>()
            .replace(' ', "-")
    )
}
