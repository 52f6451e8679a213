//! Runs the commands of a page in order, in a fresh copy of the repository's samples.

use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::Path;
use std::process::Command;

use custsync::testing::sandbox::{SandboxOptions, SandboxThread};
use rustix::process::Signal;
use tempfile::TempDir;

use super::blocks::Block;
use crate::harness::{Finished, Process};

/// The text that the shell prints after the output of each command.
const COMMAND_ENDS: &str = "=== the command has ended ===";
/// A `cargo` that installs nothing: the program that the tests were built with is there already.
const CARGO: &str = r#"#!/bin/sh
case "$*" in
  "install --path . --locked") ;;
  *) exit 1 ;;
esac
"#;
/// A `docker` for which `docker run … custsync ARGUMENTS` runs the program, with the path of a
/// volume mapped back.
const DOCKER: &str = r#"#!/bin/sh
if [ "$1" = build ]; then exit 0; fi
while [ "$1" != custsync ]; do shift; done
shift
for argument; do
  shift
  case $argument in /run/secrets/*) argument=${argument##*/} ;; esac
  set -- "$@" "$argument"
done
exec custsync "$@"
"#;

/// A reader who tries out a page.
pub(super) struct Reader {
    directory: TempDir,
    programs: TempDir,
    /// The API for commands without `--sandbox`.
    sandbox: SandboxThread,
}

impl Reader {
    /// A reader in a directory with the samples and a token.
    pub(super) fn new() -> Reader {
        let options = SandboxOptions {
            customers: 1_000_000,
            ..SandboxOptions::default()
        };
        let sandbox = SandboxThread::start(options).expect("the sandbox starts");
        let reader = Reader {
            directory: tempfile::tempdir().unwrap(),
            programs: tempfile::tempdir().unwrap(),
            sandbox,
        };
        copy_all(
            &Path::new(env!("CARGO_MANIFEST_DIR")).join("samples"),
            &reader.directory.path().join("samples"),
        );
        reader.write("token", reader.sandbox.token());
        fs::set_permissions(
            reader.directory.path().join("token"),
            Permissions::from_mode(0o600),
        )
        .unwrap();
        symlink(
            env!("CARGO_BIN_EXE_custsync"),
            reader.programs.path().join("custsync"),
        )
        .unwrap();
        for (name, script) in [("cargo", CARGO), ("docker", DOCKER)] {
            let program = reader.programs.path().join(name);
            fs::write(&program, script).unwrap();
            fs::set_permissions(&program, Permissions::from_mode(0o755)).unwrap();
        }
        reader
    }

    /// Saves a file that the page shows.
    pub(super) fn write(&self, name: &str, content: &str) {
        fs::write(self.directory.path().join(name), content).unwrap();
    }

    /// The expected text of the block: its commands, each followed by what it printed to stdout.
    pub(super) fn type_in(&self, block: &Block) -> String {
        let commands: Vec<_> = block.commands().collect();
        if commands == ["custsync sandbox"] {
            return format!("$ custsync sandbox\n{}", self.serve(|_| {}));
        }
        let lines = commands
            .iter()
            .map(|command| format!("{command}\ncode=$?; echo '{COMMAND_ENDS}'; (exit $code)\n"));
        let printed = text(&self.shell(&lines.collect::<Vec<_>>().concat()));
        let outputs = printed
            .split(&format!("{COMMAND_ENDS}\n"))
            .collect::<Vec<_>>();
        assert_eq!(
            outputs.len(),
            commands.len() + 1,
            "every command of line {} ended: {printed}",
            block.line
        );
        let shown = commands
            .iter()
            .zip(outputs)
            .map(|(command, output)| format!("$ {command}\n{output}"));
        shown.collect::<Vec<_>>().concat()
    }

    /// Runs a script to its end.
    pub(super) fn shell(&self, script: &str) -> Finished {
        self.start(script).finish()
    }

    /// The output of `custsync sandbox` from start to Ctrl-C. Meanwhile `use_it` gets the command
    /// that it suggests.
    pub(super) fn serve(&self, use_it: impl FnOnce(&str)) -> String {
        let output = self.directory.path().join("sandbox.txt");
        let printed = || fs::read_to_string(&output).unwrap_or_default();
        let mut process = self.start("exec custsync sandbox >sandbox.txt");
        process.wait_until("the sandbox's greeting", || {
            printed().ends_with("\n\n") && printed().lines().count() > 3
        });
        let greeting = printed();
        use_it(greeting.lines().nth(2).unwrap().trim());
        process.signal(Signal::INT);
        assert_eq!(
            process.finish().status.code(),
            Some(130),
            "Ctrl-C ends the sandbox in order"
        );
        printed()
    }

    fn start(&self, script: &str) -> Process {
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", script])
            .current_dir(self.directory.path())
            .env_clear();
        command.env(
            "PATH",
            format!("{}:/usr/bin:/bin", self.programs.path().display()),
        );
        command.env("CUSTSYNC_BASE_URL", self.sandbox.base_url());
        // Any port, and a thousand rows in about a second.
        command.env("CUSTSYNC_SANDBOX_LISTEN", "127.0.0.1:0");
        command
            .env("CUSTSYNC_SANDBOX_WINDOW", "60000/m")
            .env("CUSTSYNC_SANDBOX_LATENCY", "0ms");
        Process::start(command, Vec::new())
    }
}

/// The standard output of a script.
pub(super) fn text(finished: &Finished) -> String {
    String::from_utf8(finished.stdout.clone()).expect("the output is UTF-8")
}

fn copy_all(from: &Path, to: &Path) {
    fs::create_dir(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let place = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_all(&entry.path(), &place);
        } else {
            fs::copy(entry.path(), place).unwrap();
        }
    }
}
