//! The command that is run at the end.

use std::ffi::OsString;
use std::future::Future;
use std::io;
use std::os::unix::process::CommandExt as _;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread;
use std::time::Duration;

use rustix::io::Errno;
use rustix::process::{Pid, Signal, WaitId, WaitIdOptions, kill_process_group, waitid};
use tokio::sync::oneshot;
use tokio::time::timeout;

use crate::config::{FINISH_PREFIX, on_finish_variable, secret_variables};
use crate::terminal;

/// The longest time that the command may take.
pub(super) const LIMIT: Duration = Duration::from_mins(1);

/// The reason why the command did not do its work.
#[derive(Debug, thiserror::Error)]
pub(super) enum CommandError {
    /// It was not started, or not waited for.
    #[error("it cannot be started")]
    NotStarted(#[from] io::Error),
    /// It ended with another exit code than 0, or by a signal.
    #[error("it ended with {0}")]
    Failed(ExitStatus),
    /// It took too long.
    #[error("it was killed after {} s, with all processes of its group", .0.as_secs_f64())]
    TookTooLong(Duration),
    /// A signal came meanwhile.
    #[error("it was killed, because a signal came")]
    Signalled,
    /// It was started by such a command.
    #[error("it is not run within a command of --on-finish")]
    Nested,
}

/// Runs the command, which gets these variables, and waits for its end, the limit or a signal.
pub(super) async fn run(
    line: &str,
    variables: Vec<(String, OsString)>,
    limit: Duration,
    signal: impl Future,
) -> Result<(), CommandError> {
    let is_ours = |name: &OsString| {
        name.as_encoded_bytes()
            .starts_with(FINISH_PREFIX.as_bytes())
    };
    if std::env::vars_os().any(|(name, _)| is_ours(&name)) {
        return Err(CommandError::Nested);
    }
    let mut command = Command::new("/bin/sh");
    command
        .args(["-c", line])
        .envs(variables)
        .stdin(Stdio::null())
        .stdout(terminal::standard_error())
        // A group of its own, so that its processes can be killed together.
        .process_group(0);
    for variable in secret_variables().chain([on_finish_variable()]) {
        command.env_remove(variable);
    }
    let mut child = command.spawn()?;
    let ended = end_of(&child)?;
    tokio::select! {
        ended = timeout(limit, ended) => match ended {
            Ok(_) => match child.wait()? {
                status if status.success() => Ok(()),
                status => Err(CommandError::Failed(status)),
            },
            Err(_elapsed) => {
                kill(&mut child)?;
                Err(CommandError::TookTooLong(limit))
            }
        },
        _ = signal => {
            kill(&mut child)?;
            Err(CommandError::Signalled)
        }
    }
}

/// Returns the end of a child. The child keeps its process id until it is waited for, so that no
/// other process has it meanwhile.
fn end_of(child: &Child) -> io::Result<oneshot::Receiver<()>> {
    let pid = Pid::from_child(child);
    let (ends, ended) = oneshot::channel();
    thread::Builder::new()
        .name("waiter".to_owned())
        .spawn(move || {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            while waitid(WaitId::Pid(pid), options).is_err_and(|error| error == Errno::INTR) {}
            ends.send(()).ok();
        })?;
    Ok(ended)
}

/// Kills the processes of a child's group.
fn kill(child: &mut Child) -> io::Result<()> {
    kill_process_group(Pid::from_child(child), Signal::KILL)?;
    child.wait()?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use super::*;

    fn run_for(line: &str, limit: Duration, signal: impl Future) -> Result<(), CommandError> {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .expect("a runtime");
        runtime.block_on(run(line, Vec::new(), limit, signal))
    }

    #[test]
    fn a_command_ends_by_itself_or_is_killed_with_its_group() {
        let long = Duration::from_secs(30);
        run_for("exit 0", long, pending::<()>()).expect("it ends well");
        let failed = run_for("exit 7", long, pending::<()>()).expect_err("its exit code is 7");
        assert!(matches!(failed, CommandError::Failed(status) if status.code() == Some(7)));
        let short = Duration::from_millis(100);
        let killed = run_for("sleep 600", short, pending::<()>()).expect_err("it takes too long");
        assert_eq!(
            killed.to_string(),
            "it was killed after 0.1 s, with all processes of its group"
        );
        let folder = tempfile::tempdir().expect("a folder");
        let pid = folder.path().join("pid");
        let line = format!(
            "sleep 600 & echo $! >{0}.new; mv {0}.new {0}; wait",
            pid.display()
        );
        let signal = async {
            while !pid.exists() {
                tokio::time::sleep(Duration::from_millis(2)).await;
            }
        };
        let signalled = run_for(&line, long, signal);
        assert!(matches!(signalled, Err(CommandError::Signalled)));
        let pid = std::fs::read_to_string(&pid).expect("it is there");
        // Killed, and perhaps not waited for yet. A signal takes a moment.
        let is_over = || {
            let stat = std::fs::read_to_string(format!("/proc/{}/stat", pid.trim()));
            stat.is_err() || stat.is_ok_and(|stat| stat.contains(") Z "))
        };
        let started = std::time::Instant::now();
        while !is_over() {
            assert!(started.elapsed() < long, "it is killed");
            std::thread::yield_now();
        }
    }
}
