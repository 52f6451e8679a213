//! The program as a child process, with a clean environment, captured output and a time limit.

use std::ffi::OsString;
use std::fs;
use std::io::{Read, Write as _};
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};

/// The time limit of a process.
const TIME_MAX: Duration = Duration::from_mins(1);
/// The interval at which a test polls a process.
const POLL_INTERVAL: Duration = Duration::from_millis(2);

/// A command line of the program.
pub(crate) struct Program {
    /// Its arguments.
    pub(crate) arguments: Vec<OsString>,
    /// Its whole environment.
    pub(crate) variables: Vec<(String, OsString)>,
    /// Its standard input.
    pub(crate) stdin: Vec<u8>,
    /// A line of shell that runs the program, as in `umask 077; exec`.
    pub(crate) through: Option<String>,
}

/// A process that runs.
pub(crate) struct Process {
    child: Child,
    stdout: Output,
    stderr: Output,
    started: Instant,
}

/// The output of a process so far, and whether it has ended.
struct Output {
    bytes: Arc<Mutex<Vec<u8>>>,
    end: Receiver<()>,
}

/// The result of a process.
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
                shell.args([
                    "-c",
                    &format!("{line} \"$0\" \"$@\""),
                    env!("CARGO_BIN_EXE_custsync"),
                ]);
                shell
            }
        };
        command
            .args(self.arguments)
            .env_clear()
            .envs(self.variables)
            .current_dir(directory);
        Process::start(command, self.stdin)
    }
}

impl Process {
    /// Starts any command.
    pub(crate) fn start(mut command: Command, stdin: Vec<u8>) -> Process {
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let mut input = child.stdin.take().expect("standard input is a pipe");
        // A program may end without reading all of its input.
        thread::spawn(move || input.write_all(&stdin).ok());
        let stdout = Output::of(child.stdout.take().expect("standard output is a pipe"));
        let stderr = Output::of(child.stderr.take().expect("standard error is a pipe"));
        Process {
            child,
            stdout,
            stderr,
            started: Instant::now(),
        }
    }

    /// The peak of its resident memory so far, in KiB; `None` once it has ended.
    pub(crate) fn memory_peak_kib(&self) -> Option<u64> {
        let status = fs::read_to_string(format!("/proc/{}/status", self.child.id())).ok()?;
        let peak = status
            .lines()
            .find_map(|line| line.strip_prefix("VmHWM:"))?;
        peak.trim().strip_suffix(" kB")?.parse().ok()
    }

    /// Waits for its end, and returns the highest observed peak of its resident memory in KiB, too.
    pub(crate) fn finish_with_peak(mut self) -> (Finished, u64) {
        let mut peak_kib = 0;
        // An ended process has no memory.
        while let Some(peak) = self.memory_peak_kib() {
            peak_kib = peak;
            if self.started.elapsed() > TIME_MAX {
                self.give_up("its end");
            }
            thread::sleep(POLL_INTERVAL);
        }
        (self.finish(), peak_kib)
    }

    /// The content of this file of `/proc` for the process.
    pub(crate) fn proc_file(&self, name: &str) -> Vec<u8> {
        std::fs::read(format!("/proc/{}/{name}", self.child.id())).expect("the process is there")
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> Pid {
        Pid::from_child(&self.child)
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(self.pid(), signal).expect("the process can be signalled");
    }

    /// Sends a signal to its only child process.
    pub(crate) fn signal_child(&self, signal: Signal) {
        let pid = self.child.id();
        let children = fs::read_to_string(format!("/proc/{pid}/task/{pid}/children"))
            .expect("the process is there");
        let child = children
            .trim()
            .parse()
            .ok()
            .and_then(Pid::from_raw)
            .expect("it has one child");
        kill_process(child, signal).expect("its child can be signalled");
    }

    /// Sends it a signal repeatedly, until it ends.
    pub(crate) fn signal_until_its_end(&mut self, signal: Signal) {
        while self
            .child
            .try_wait()
            .expect("the process can be asked")
            .is_none()
        {
            // It may have ended meanwhile.
            kill_process(self.pid(), signal).ok();
            if self.started.elapsed() > TIME_MAX {
                self.give_up("its end");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Its standard error so far.
    pub(crate) fn stderr_so_far(&self) -> String {
        shown(&self.stderr.bytes)
    }

    /// Waits until it has written this text to standard output or standard error.
    pub(crate) fn wait_until_it_says(&mut self, text: &str) {
        let outputs = [&self.stdout, &self.stderr].map(|output| output.bytes.clone());
        let says = |output: &Arc<Mutex<Vec<u8>>>| shown(output).contains(text);
        self.wait_until(text, || outputs.iter().any(says));
    }

    /// Waits until the condition holds.
    pub(crate) fn wait_until(&mut self, what: &str, mut is_so: impl FnMut() -> bool) {
        while !is_so() {
            if let Some(status) = self.child.try_wait().expect("the process can be asked") {
                panic!(
                    "{what} was awaited, but the process ended with {status}: {}",
                    self.stderr.text()
                );
            }
            if self.started.elapsed() > TIME_MAX {
                self.give_up(what);
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Kills it once the condition holds, unless it has ended by then.
    pub(crate) fn kill_once(&mut self, mut is_so: impl FnMut() -> bool) {
        let has_ended = |child: &mut Child| {
            let status = child.try_wait().expect("the process can be asked");
            status.is_some()
        };
        while !has_ended(&mut self.child) {
            if is_so() {
                self.child.kill().expect("the process can be killed");
                return;
            }
            if self.started.elapsed() > TIME_MAX {
                self.give_up("the moment to kill");
            }
            thread::sleep(POLL_INTERVAL);
        }
    }

    /// Waits for its end.
    pub(crate) fn finish(mut self) -> Finished {
        let left = TIME_MAX.saturating_sub(self.started.elapsed());
        let Ok(stdout) = self.stdout.all(left) else {
            self.give_up("its end")
        };
        let left = TIME_MAX.saturating_sub(self.started.elapsed());
        let Ok(stderr) = self.stderr.all(left) else {
            self.give_up("its end")
        };
        let status = self.child.wait().expect("the process has ended");
        Finished {
            status,
            stdout,
            stderr,
        }
    }

    fn give_up(&mut self, what: &str) -> ! {
        self.child.kill().expect("the process can be killed");
        panic!(
            "{what} was awaited for {TIME_MAX:?}: {}",
            self.stderr.text()
        );
    }
}

impl Drop for Process {
    /// Kills the process, so that a failed test leaves none behind.
    fn drop(&mut self) {
        self.child.kill().ok();
        self.child.wait().ok();
    }
}

impl Output {
    fn of(pipe: impl Read + Send + 'static) -> Output {
        let bytes = Arc::<Mutex<Vec<u8>>>::default();
        let (ends, end) = channel();
        let kept = bytes.clone();
        thread::spawn(move || Output::keep(pipe, &kept, &ends));
        Output { bytes, end }
    }

    fn keep(mut pipe: impl Read, bytes: &Mutex<Vec<u8>>, ends: &Sender<()>) {
        let mut part = vec![0; 64 << 10];
        while let Ok(read @ 1..) = pipe.read(&mut part) {
            bytes
                .lock()
                .expect("the lock is not poisoned")
                .extend_from_slice(&part[..read]);
        }
        ends.send(()).ok();
    }

    /// All output, if the process closes it within this time.
    fn all(&self, within: Duration) -> Result<Vec<u8>, RecvTimeoutError> {
        self.end.recv_timeout(within)?;
        Ok(std::mem::take(
            &mut self.bytes.lock().expect("the lock is not poisoned"),
        ))
    }

    /// The output as text, of a process that is about to end.
    fn text(&self) -> String {
        self.end.recv_timeout(Duration::from_secs(1)).ok();
        shown(&self.bytes)
    }
}

fn shown(bytes: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&bytes.lock().expect("the lock is not poisoned")).into_owned()
}
