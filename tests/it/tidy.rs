//! Checks the sources against the rules of the architecture.

use std::fs;
use std::path::{Path, PathBuf};

/// All modules, each of which imports only from those after it. The lines are the layers of
/// `lib.rs`.
pub(crate) const ORDER: [&[&str]; 4] = [
    &["main", "cli", "commands", "terminal", "config"],
    &["pipeline"],
    &[
        "results",
        "preview",
        "row",
        "process",
        "input",
        "download",
        "objects",
        "state",
        "plan",
        "external_sort",
        "journal",
        "rate_store",
        "schedule",
        "api",
    ],
    &["contract", "nearest", "text", "sandbox"],
];
/// The modules that decide without doing I/O.
const PURE: [&str; 3] = ["contract", "schedule", "config"];
/// A file is one noun.
const LINES_MAX: usize = 510;

/// One source file.
pub(crate) struct Source {
    /// Its path below `src`.
    pub(crate) path: String,
    pub(crate) text: String,
}

impl Source {
    /// The module at the crate's root that it belongs to.
    fn module(&self) -> &str {
        let first = self
            .path
            .split('/')
            .next()
            .expect("a path has a first part");
        first.strip_suffix(".rs").unwrap_or(first)
    }

    pub(crate) fn is_test(&self) -> bool {
        self.path.contains("/tests/") || self.path.contains("/simulation/")
    }

    /// Its lines of code with their numbers: without comments, and without the tests at the end.
    pub(crate) fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let lines = self
            .text
            .lines()
            .zip(1..)
            .map(|(line, number)| (number, line.trim_start()));
        let code = lines.take_while(|(_, line)| *line != "mod tests {");
        code.filter(|(_, line)| !line.starts_with("//"))
    }

    /// The places in the code that contain one of these words.
    fn places(&self, words: &[&str]) -> Vec<String> {
        let found = self
            .code()
            .filter(|(_, line)| words.iter().any(|word| line.contains(word)));
        found
            .map(|(number, line)| format!("src/{}:{number}: {line}", self.path))
            .collect()
    }
}

/// All sources.
pub(crate) fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let sources: Vec<_> = source_files(&root)
        .into_iter()
        .map(|file| Source {
            path: file
                .strip_prefix(&root)
                .unwrap()
                .to_str()
                .unwrap()
                .to_owned(),
            text: fs::read_to_string(&file).unwrap(),
        })
        .collect();
    assert!(sources.len() > 50, "the sources are found");
    sources
}

fn source_files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(source_files(&path));
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            found.push(path);
        }
    }
    found.sort();
    found
}

/// Checks that only allowed sources contain these words.
fn check(words: &[&str], is_allowed: impl Fn(&Source) -> bool) {
    let places: Vec<_> = sources()
        .iter()
        .filter(|source| !source.is_test() && !is_allowed(source))
        .flat_map(|source| source.places(words))
        .collect();
    assert!(
        places.is_empty(),
        "{words:?} are not allowed here:\n{}",
        places.join("\n")
    );
    // A rule that applies to no file is out of date.
    let somewhere = sources()
        .iter()
        .any(|source| !source.places(words).is_empty());
    assert!(somewhere, "{words:?} occur nowhere");
}

#[test]
fn the_map_names_every_module_in_its_layer() {
    let sources = sources();
    let map = &sources
        .iter()
        .find(|source| source.path == "lib.rs")
        .expect("the crate has a root")
        .text;
    let layers: Vec<_> = map
        .lines()
        .filter(|line| line.starts_with("//! | "))
        .skip(1)
        .collect();
    assert_eq!(layers.len(), ORDER.len());
    for (layer, modules) in layers.iter().zip(ORDER) {
        // The sandbox is independent, and the program itself is not a module.
        for module in modules
            .iter()
            .filter(|module| !matches!(**module, "main" | "sandbox"))
        {
            assert!(
                layer.contains(&format!("`{module}`")),
                "{module} is not in {layer}"
            );
        }
    }
}

#[test]
fn decisions_are_pure() {
    check(
        &[
            "tokio",
            "reqwest",
            "std::fs",
            "Instant::now",
            "SystemTime::now",
            "Timestamp::now",
        ],
        |source| !PURE.contains(&source.module()),
    );
}

#[test]
fn only_the_terminal_is_written_to_by_one_module() {
    check(
        &["io::stdout", "io::stderr", "print!(", "println!(", "dbg!("],
        |source| source.module() == "terminal",
    );
    // clap prints help, version and usage errors itself.
    check(&["answer.print()"], |source| source.path == "cli/mod.rs");
}

#[test]
fn each_crate_that_may_be_swapped_is_known_to_one_place() {
    check(&[" ::backoff::", "ExponentialBackoff"], |source| {
        source.path == "schedule/backoff.rs"
    });
    check(&["governor::"], |source| {
        source.path == "schedule/limiter.rs"
    });
    check(&["clap::", "clap(", "use clap"], |source| {
        source.path.starts_with("cli/args/")
            || source.path == "cli/mod.rs"
            // The words of choices are clap's.
            || ["config/words.rs", "config/groups/output.rs"].contains(&&*source.path)
    });
    check(&["axum::"], |source| source.module() == "sandbox");
    check(&["reqwest::"], |source| source.module() == "api");
    // Counts look the same on the bar and elsewhere.
    check(&["indicatif::"], |source| {
        source.module() == "terminal" || source.path == "text.rs"
    });
}

#[test]
fn unwrap_is_used_only_in_tests() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        let places = source.places(&[".unwrap()"]);
        assert!(places.is_empty(), "{places:?}");
    }
}

#[test]
fn every_file_says_what_it_is_for() {
    for source in sources() {
        assert!(
            source.text.starts_with("//! "),
            "src/{} starts with its purpose",
            source.path
        );
    }
}

/// A doc comment begins with a noun phrase or a verb, not with a question word.
#[test]
fn a_doc_comment_begins_with_no_question() {
    const QUESTIONS: [&str; 5] = ["What ", "Where ", "Who ", "How ", "Why "];
    let mut found = Vec::new();
    for source in sources() {
        let mut is_behind_comment = false;
        for (line, number) in source.text.lines().map(str::trim_start).zip(1..) {
            let comment = line
                .strip_prefix("/// ")
                .or_else(|| line.strip_prefix("//! "));
            let is_question =
                comment.is_some_and(|text| QUESTIONS.iter().any(|word| text.starts_with(word)));
            if is_question && !is_behind_comment {
                found.push(format!("src/{}:{number}: {line}", source.path));
            }
            is_behind_comment = line.starts_with("///") || line.starts_with("//!");
        }
    }
    assert_eq!(found, [""; 0]);
}

#[test]
fn a_file_is_one_noun() {
    for source in sources().iter().filter(|source| !source.is_test()) {
        let lines = source
            .text
            .lines()
            .take_while(|line| *line != "mod tests {")
            .count();
        assert!(
            lines <= LINES_MAX,
            "src/{} has {lines} lines, more than {LINES_MAX}",
            source.path
        );
    }
}

#[test]
fn nothing_is_left_to_do() {
    // Concatenated, so that this file does not contain the words.
    let words = [
        ["TO", "DO"].concat(),
        ["FIX", "ME"].concat(),
        ["XX", "X"].concat(),
    ];
    for source in sources() {
        for word in &words {
            assert!(
                !source.text.contains(word.as_str()),
                "src/{} holds {word}",
                source.path
            );
        }
    }
}
