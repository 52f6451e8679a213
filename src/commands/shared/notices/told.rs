//! The end of a command, with all that others may be told of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::config::FINISH_PREFIX;
use crate::journal::Purpose;
use crate::process::exit::Exit;
use crate::results::notice::{Notice, NoticeCounts};
use crate::results::summary::Summary;

/// The end of a command, with all that others may be told of it.
#[derive(Debug)]
pub(crate) struct Told {
    pub(super) exit: Exit,
    /// The end as other machines are told of it.
    pub(super) notice: Notice,
    /// The end as this machine is told of it, if that differs: the message of an early end may quote
    /// the command line.
    pub(super) local: Option<Notice>,
    files: ToldFiles,
}

/// The files of a run, as far as they are there.
#[derive(Debug, Default)]
pub(in crate::commands) struct ToldFiles {
    pub(in crate::commands) run_dir: Option<PathBuf>,
    pub(in crate::commands) summary: Option<PathBuf>,
}

impl Told {
    /// Returns the end of a command with a summary.
    pub(in crate::commands) fn of(exit: Exit, summary: &Summary, files: ToldFiles) -> Told {
        let command = match summary.command {
            Purpose::Run => "run",
            Purpose::Check => "check",
            Purpose::Preview => "preview",
            Purpose::Undo => "undo",
        };
        Told {
            exit,
            notice: Notice::of(summary, command),
            local: None,
            files,
        }
    }

    /// Returns the end of a command without a summary: as other machines are told of it, and as this
    /// one is.
    pub(in crate::commands) fn of_early_end(exit: Exit, notice: Notice, local: Notice) -> Told {
        Told {
            exit,
            notice,
            local: Some(local),
            files: ToldFiles::default(),
        }
    }

    /// Changes the end to a fault of the program, which was found after it.
    pub(crate) fn by_a_fault(mut self) -> Told {
        self.exit = Exit::Fault;
        let local = self.local.as_mut();
        for notice in [Some(&mut self.notice), local].into_iter().flatten() {
            notice.exit_code = Exit::Fault.code();
        }
        self
    }

    /// Whether the command only reads its inputs.
    pub(super) fn is_check(&self) -> bool {
        self.notice.command == "check"
    }

    /// Returns the variables of a command at the end. Figures that are not known are empty.
    pub(super) fn variables(&self) -> Vec<(String, OsString)> {
        let path = |path: &Option<PathBuf>| {
            let path = path.as_deref().map(absolute);
            path.map_or_else(OsString::new, PathBuf::into_os_string)
        };
        let notice = &self.notice;
        let mut variables = vec![
            ("COMMAND".to_owned(), notice.command.into()),
            ("EXIT_CODE".to_owned(), notice.exit_code.to_string().into()),
            ("VERDICT".to_owned(), notice.verdict.clone().into()),
            ("RUN_DIR".to_owned(), path(&self.files.run_dir)),
            ("SUMMARY".to_owned(), path(&self.files.summary)),
        ];
        let counts = notice.counts.unwrap_or_default();
        for (name, rows) in counts.named() {
            let known = notice.counts.map(|_: NoticeCounts| rows.to_string());
            let name = match name {
                "records" => "READ".to_owned(),
                name => name.to_ascii_uppercase(),
            };
            variables.push((format!("ROWS_{name}"), known.unwrap_or_default().into()));
        }
        let named = variables.into_iter();
        named
            .map(|(name, value)| (format!("{FINISH_PREFIX}{name}"), value))
            .collect()
    }
}

/// Returns a path that holds in any working directory, if that is known.
fn absolute(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn variable(told: &Told, name: &str) -> String {
        let name = format!("{FINISH_PREFIX}{name}");
        let mut variables = told.variables().into_iter();
        let (_, value) = variables.find(|(known, _)| *known == name).expect(&name);
        value.into_string().expect("UTF-8")
    }

    #[test]
    fn figures_of_an_early_end_are_empty() {
        let summary = Summary {
            updated: Some(2),
            records: 3,
            exit_code: 10,
            ..Summary::default()
        };
        let files = ToldFiles {
            run_dir: Some("/runs/1".into()),
            summary: Some("/runs/1/summary.json".into()),
        };
        let told = Told::of(Exit::SomeRowsFailed, &summary, files);
        for (name, want) in [
            ("COMMAND", "run"),
            ("EXIT_CODE", "10"),
            ("RUN_DIR", "/runs/1"),
            ("SUMMARY", "/runs/1/summary.json"),
            ("ROWS_READ", "3"),
            ("ROWS_UPDATED", "2"),
            ("ROWS_CONFLICT", "0"),
        ] {
            assert_eq!(variable(&told, name), want, "{name}");
        }
        let notice = Notice::of_early_end("undo", 5, &[], None, "locked");
        let told = Told::of_early_end(Exit::RunDirectory, notice.clone(), notice);
        for (name, want) in [
            ("EXIT_CODE", "5"),
            ("RUN_DIR", ""),
            ("SUMMARY", ""),
            ("ROWS_READ", ""),
            ("ROWS_UNSENT", ""),
        ] {
            assert_eq!(variable(&told, name), want, "{name}");
        }
        let told = told.by_a_fault();
        assert_eq!(variable(&told, "EXIT_CODE"), "70");
        assert_eq!(told.exit, Exit::Fault);
    }
}
