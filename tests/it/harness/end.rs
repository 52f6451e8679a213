//! The result of a process: exit code, output and files, and the checks that hold for every run.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::os::unix::process::ExitStatusExt as _;

use serde_json::Value;

use super::failed::{self, FailedRow};
use super::ledger::Ledger;
use super::program::Finished;
use super::results::Results;
use super::scenario::{RUN_DIR, Scenario};
use super::writing::Form;

/// A run that has ended, with a copy of its files.
pub(crate) struct End {
    /// The exit code as a shell reports it: 128 plus the signal's number if a signal ended it.
    code: i32,
    /// Its standard output.
    pub(crate) stdout: String,
    /// Its standard error.
    pub(crate) stderr: String,
    /// The run directory's files.
    pub(crate) files: BTreeMap<String, Vec<u8>>,
    /// The updates that the sandbox had applied.
    pub(crate) ledger: Ledger,
}

impl End {
    pub(super) fn of(finished: Finished, scenario: &Scenario) -> End {
        let status = finished.status;
        let code = status
            .code()
            .or_else(|| status.signal().map(|signal| 128 + signal));
        let end = End {
            code: code.expect("a process ends by itself or by a signal"),
            stdout: String::from_utf8(finished.stdout).expect("stdout is UTF-8"),
            stderr: String::from_utf8(finished.stderr).expect("stderr is UTF-8"),
            files: files_of(scenario),
            ledger: scenario.ledger(),
        };
        if let Some(secret) = scenario.secret() {
            end.is_nowhere(&secret);
        }
        end
    }

    /// Checks that the exit code is this one, and that the counts add up.
    pub(crate) fn exits(self, code: i32) -> End {
        self.exits_with_one_of(&[code])
    }

    /// Checks that the exit code is one of these, and that the counts add up.
    pub(crate) fn exits_with_one_of(self, codes: &[i32]) -> End {
        let End {
            code,
            stdout,
            stderr,
            ..
        } = &self;
        assert!(
            codes.contains(code),
            "exit code {code}, not {codes:?}\n--- stdout\n{stdout}\n--- stderr\n{stderr}"
        );
        if self.files.contains_key("summary.json") {
            self.books_close();
        }
        self
    }

    /// The exit code.
    pub(crate) fn code(&self) -> i32 {
        self.code
    }

    /// Checks that stderr contains this text.
    pub(crate) fn says(self, text: &str) -> End {
        assert!(
            self.stderr.contains(text),
            "{text:?} is not in stderr:\n{}",
            self.stderr
        );
        self
    }

    /// The number of lines of stderr that contain this text.
    pub(crate) fn lines_with(&self, text: &str) -> u64 {
        self.stderr
            .lines()
            .map(|line| u64::from(line.contains(text)))
            .sum()
    }

    /// Checks that stdout contains this text.
    pub(crate) fn prints(self, text: &str) -> End {
        assert!(
            self.stdout.contains(text),
            "{text:?} is not in stdout:\n{}",
            self.stdout
        );
        self
    }

    /// The command on the last line of stdout, which says what to do next.
    pub(crate) fn next_command(&self) -> &str {
        let last = self.stdout.lines().next_back().unwrap_or_default();
        last.strip_prefix("  ")
            .unwrap_or_else(|| panic!("no command is last:\n{}", self.stdout))
    }

    /// Checks the summary's counts of `updated`, `invalid`, `rejected`, `failed` and `unsent` rows.
    pub(crate) fn counts(self, want: [u64; 5]) -> End {
        assert_eq!(
            self.outcomes(),
            want,
            "updated, invalid, rejected, failed, unsent\n{}",
            self.stdout
        );
        self
    }

    /// Checks that the text is in no output and in no file of the run directory.
    pub(crate) fn is_nowhere(&self, text: &str) -> &End {
        self.is_not_shown(text);
        for (name, content) in &self.files {
            let found = content
                .windows(text.len())
                .any(|window| window == text.as_bytes());
            assert!(!found, "{text:?} is in {name}");
        }
        self
    }

    /// Checks that the text is neither in stdout nor in stderr.
    pub(crate) fn is_not_shown(&self, text: &str) -> &End {
        assert!(
            !self.stdout.contains(text),
            "{text:?} is in stdout:\n{}",
            self.stdout
        );
        assert!(
            !self.stderr.contains(text),
            "{text:?} is in stderr:\n{}",
            self.stderr
        );
        self
    }

    /// The journal, with the checksum of every line verified.
    pub(crate) fn results(&self) -> Results {
        Results::parse(self.file("results.ndjson"))
    }

    /// `summary.json`.
    pub(crate) fn summary(&self) -> Value {
        serde_json::from_slice(self.file("summary.json")).expect("the summary is JSON")
    }

    /// The rows in the file of failed rows.
    pub(crate) fn failed_rows(&self, form: Form) -> Vec<FailedRow> {
        failed::parse(form, self.file(&format!("failed.{}", form.extension())))
    }

    /// A file of the run directory.
    pub(crate) fn file(&self, name: &str) -> &[u8] {
        self.files
            .get(name)
            .unwrap_or_else(|| panic!("no {name} among {:?}", self.files.keys()))
    }

    fn outcomes(&self) -> [u64; 5] {
        let summary = self.summary();
        ["updated", "invalid", "rejected", "failed", "unsent"]
            .map(|name| summary[name].as_u64().unwrap_or_default())
    }

    /// Checks that `records` is the sum of the rows by outcome and `unsent`; for a check, the sum
    /// of valid, invalid and superseded rows.
    fn books_close(&self) {
        let summary = self.summary();
        let others = [
            "superseded",
            "valid",
            "unrecorded",
            "unchanged",
            "conflict",
            "elsewhere",
            "other",
        ];
        let others = others.map(|name| summary[name].as_u64().unwrap_or_default());
        let sum: u64 = self.outcomes().iter().chain(&others).sum();
        assert_eq!(summary["records"], sum, "the books close: {summary}");
    }
}

fn files_of(scenario: &Scenario) -> BTreeMap<String, Vec<u8>> {
    let Ok(directory) = fs::read_dir(scenario.path(RUN_DIR)) else {
        return BTreeMap::new();
    };
    let entries = directory.map(|entry| entry.expect("the run directory can be read"));
    let content = |entry: fs::DirEntry| {
        if entry.path().is_dir() {
            return None;
        }
        // Another process may be renaming files there.
        let bytes = match fs::read(entry.path()) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return None,
            read => read.expect("a file of the run directory can be read"),
        };
        Some((entry.file_name().to_string_lossy().into_owned(), bytes))
    };
    entries.filter_map(content).collect()
}
