//! The program as a child process: a clean environment, all output kept, and a time after which it is killed.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// No process of a test takes longer.
const TIME_MAX: Duration = Duration::from_mins(1);
/// How often it is looked whether a process has got as far as a test wants.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// How the program is started.
pub(crate) struct Program {
    /// What follows its name.
    pub(crate) arguments: Vec<OsString>,
    /// Its whole environment.
    pub(crate) variables: Vec<(String, OsString)>,
    /// What it can read from standard input.
    pub(crate) stdin: Vec<u8>,
    /// A line of shell that the program and its arguments are put behind, as in `umask 077; exec`.
    pub(crate) through: Option<String>,
}

/// A process that runs.
pub(crate) struct Process {
    child: Child,
    stdout: Receiver<Vec<u8>>,
    stderr: Receiver<Vec<u8>>,
    started: Instant,
}

/// What is left of a process.
pub(crate) struct Finished {
    pub(crate) status: ExitStatus,
    pub(crate) stdout: Vec<u8>,
    pub(crate) stderr: Vec<u8>,
}

impl Program {
    /// Starts it in a directory.
    pub(crate) fn start(self, directory: &Path) -> Process {
        let mut command = match self.through {
            None => Command::new(env!("CARGO_BIN_EXE_custsync")),
            Some(line) => {
                let mut shell = Command::new("/bin/sh");
                shell.args(["-c", &format!("{line} \"$0\" \"$@\""), env!("CARGO_BIN_EXE_custsync")]);
                shell
            }
        };
        command.args(self.arguments).env_clear().envs(self.variables).current_dir(directory);
        Process::start(command, self.stdin)
    }
}

impl Process {
    /// Starts any command.
    pub(crate) fn start(mut command: Command, stdin: Vec<u8>) -> Process {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("standard input is a pipe");
        // A program that does not read its input to the end is no fault.
        thread::spawn(move || input.write_all(&stdin).ok());
        let stdout = read_all(child.stdout.take().expect("standard output is a pipe"));
        let stderr = read_all(child.stderr.take().expect("standard error is a pipe"));
        Process { child, stdout, stderr, started: Instant::now() }
    }

    /// The most memory that it has had resident so far, in KiB; `None` once it has ended.
    pub(crate) fn memory_peak_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Waits for its end. With it, the most memory that it has had resident, in KiB, as far as that was seen.
    pub(crate) fn finish_with_peak(mut self) -> (Finished, u64) {
        let mut peak_kib = 0;
        // What has ended has no memory.
        while let Some(peak) = self.memory_peak_kib() {
            peak_kib = peak;
            if self.started.elapsed() > TIME_MAX {
                self.give_up("its end");
            }
            thread::sleep(POLL_INTERVAL);
        }
        (self.finish(), peak_kib)
    }

    /// What the system tells of it in this file of `/proc`.
    pub(crate) fn proc_file(&self, name: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{name}", self.child.id())).expect("the process is there")
    }

    /// Which process it is.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process can be signalled");
    }

    /// Waits until it has got so far.
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                panic!("{what} was awaited, but the process ended with {status}: {}", text(&self.stderr));
            }
            if self.started.elapsed() > TIME_MAX {
                self.give_up(what);
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        let left = TIME_MAX.saturating_sub(self.started.elapsed());
        let Ok(stdout) = self.stdout.recv_timeout(left) else { self.give_up("its end") };
        let left = TIME_MAX.saturating_sub(self.started.elapsed());
        let Ok(stderr) = self.stderr.recv_timeout(left) else { self.give_up("its end") };
        let status = self.child.wait().expect("the process has ended");
        Finished { status, stdout, stderr }
    }

    fn give_up(&mut self, what: &str) -> ! {
        self.child.kill().expect("the process can be killed");
        panic!("{what} was awaited for {TIME_MAX:?}: {}", text(&self.stderr));
    }
}

impl Drop for Process {
    /// A test that fails leaves no process behind.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

fn read_all(mut pipe: impl Read + Send + 'static) -> Receiver<Vec<u8>> {
    let (send, receive) = channel();
    thread::spawn(move || {
        let mut bytes = Vec::new();
        pipe.read_to_end(&mut bytes).ok();
        send.send(bytes).ok();
    });
    receive
}

fn text(output: &Receiver<Vec<u8>>) -> String {
    let bytes = output.recv_timeout(Duration::from_secs(1)).unwrap_or_default();
    String::from_utf8_lossy(&bytes).into_owned()
}
