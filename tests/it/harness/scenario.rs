//! The world of a test: a directory, the inputs in it, and the server that the program sends to.

use std::ffi::{OsStr, OsString};
use std::fs::{self, Permissions};
use std::net::Ipv4Addr;
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use custsync::testing::sandbox::{Counts, SandboxOptions, SandboxThread};
use jiff::Timestamp;
use rustix::process::{Pid, Signal};
use serde_json::{Map, Value, json};
use tempfile::TempDir;
use url::Url;

use super::asking;
use super::customers::{CustomerRow, Customers};
use super::end::End;
use super::ledger::Ledger;
use super::program::{Finished, Process, Program};
use super::server::{Reply, Request, Scripted, ScriptedServer};
use super::tls::{Presents, TlsFront};
use super::writing::Form;

/// The run directory of a scenario's runs.
pub(crate) const RUN_DIR: &str = "run";
/// The token of scripted servers.
const SCRIPTED_TOKEN: &str = "token-of-the-scripted-server-7f3a";
/// The file in which the sandbox records every applied update.
const LEDGER: &str = "ledger.ndjson";
/// The file with the token, unless it is in the environment.
const TOKEN_FILE: &str = "token";

/// A scenario, built step by step and then [`run`](Scenario::run).
pub(crate) struct Scenario {
    directory: TempDir,
    inputs: Vec<String>,
    flags: Vec<String>,
    target: Target,
    /// The URL under which the server is reached, if it is not the server's own.
    reached_at: Option<String>,
    tls: Option<TlsFront>,
    token: TokenPlace,
    stdin: Vec<u8>,
    through: Option<String>,
    variables: Vec<(String, OsString)>,
}

enum Target {
    /// The command names the server, or there is none.
    Unsaid,
    Sandbox(SandboxThread),
    Scripted(ScriptedServer),
    /// A server that the test does not run, or a port without a listener.
    Another(String),
}

enum TokenPlace {
    Variable,
    File,
}

/// A process that has not ended.
pub(crate) struct Running<'s> {
    scenario: &'s Scenario,
    process: Process,
}

impl Scenario {
    /// An empty directory, and no server.
    pub(crate) fn new() -> Scenario {
        Scenario {
            directory: tempfile::tempdir().expect("a temporary directory"),
            inputs: Vec::new(),
            flags: Vec::new(),
            target: Target::Unsaid,
            reached_at: None,
            tls: None,
            token: TokenPlace::Variable,
            stdin: Vec::new(),
            through: None,
            variables: Vec::new(),
        }
    }

    /// An input, `customers.csv` or `customers.ndjson`, in which `NULL` is null.
    pub(crate) fn rows(self, form: Form, customers: &Customers) -> Scenario {
        self.file(
            &format!("customers.{}", form.extension()),
            customers.file(form),
        )
        .flags(["--null-string", "NULL"])
    }

    /// The input `customers.csv`.
    pub(crate) fn csv(self, customers: &Customers) -> Scenario {
        self.rows(Form::Csv, customers)
    }

    /// An input of this name and content.
    pub(crate) fn file(mut self, name: &str, content: impl AsRef<[u8]>) -> Scenario {
        self.write(name, content);
        self.inputs.push(name.to_owned());
        self
    }

    /// An input that the test creates, or that does not exist.
    pub(crate) fn input(mut self, name: &str) -> Scenario {
        self.inputs.push(name.to_owned());
        self
    }

    /// Standard input, which is also the input.
    pub(crate) fn stdin(mut self, content: impl AsRef<[u8]>) -> Scenario {
        self.stdin = content.as_ref().to_vec();
        self.input("-")
    }

    /// Replaces the standard input.
    pub(crate) fn pipe(&mut self, content: impl AsRef<[u8]>) {
        self.stdin = content.as_ref().to_vec();
    }

    /// Sends to a sandbox in this process, with a million customers and changed options.
    pub(crate) fn sandbox(mut self, change: impl FnOnce(&mut SandboxOptions)) -> Scenario {
        let ledger = Some(self.path(LEDGER));
        let mut options = SandboxOptions {
            customers: 1_000_000,
            ledger,
            ..SandboxOptions::default()
        };
        change(&mut options);
        self.target = Target::Sandbox(SandboxThread::start(options).expect("the sandbox starts"));
        self
    }

    /// Sends to a server with scripted answers.
    pub(crate) fn server(
        mut self,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Scenario {
        self.target = Target::Scripted(ScriptedServer::start(script));
        self
    }

    /// Sends to a server with scripted answers to updates and to reads.
    pub(crate) fn server_with_reads(
        mut self,
        script: impl Fn(&Request) -> Reply + Send + Sync + 'static,
    ) -> Scenario {
        self.target = Target::Scripted(ScriptedServer::of(Scripted::Everything, script));
        self
    }

    /// Sends to this URL, which has no listener.
    pub(crate) fn without_listener_at(self, url: &str) -> Scenario {
        self.server_at(url)
    }

    /// Sends to a server at this URL, which accepts any token.
    pub(crate) fn server_at(mut self, url: &str) -> Scenario {
        self.target = Target::Another(url.to_owned());
        self
    }

    /// Puts the server behind TLS, at this machine's address.
    pub(crate) fn behind_tls(mut self, presents: Presents) -> Scenario {
        let url = Url::parse(&self.url().expect("a server")).expect("a server's URL");
        let port = url.port().expect("a server's port");
        let front = TlsFront::start((Ipv4Addr::LOCALHOST, port).into(), presents);
        self.reached_at = Some(format!("https://{}/api", front.address()));
        self.tls = Some(front);
        self
    }

    /// The server is reached at this URL.
    pub(crate) fn reached_at(mut self, url: &str) -> Scenario {
        self.reached_at = Some(url.to_owned());
        self
    }

    /// The TLS front of the server.
    pub(crate) fn tls(&self) -> &TlsFront {
        self.tls.as_ref().expect("the server is behind TLS")
    }

    /// Gives the token in a file.
    pub(crate) fn token_in_file(mut self) -> Scenario {
        self.token = TokenPlace::File;
        self.write_private(
            TOKEN_FILE,
            self.secret().expect("a server that takes a token"),
        );
        self
    }

    /// Gives the token in the file of a login at the sandbox.
    pub(crate) fn logged_in(self) -> Scenario {
        let sandbox = self.sandbox_thread();
        let login = sandbox.log_in();
        let expires_at = login
            .lifetime
            .map(|lifetime| (Timestamp::now() + lifetime).to_string());
        let token_url = format!("http://{}/oauth/token", sandbox.address());
        let (access_token, refresh_token) = (login.access_token, login.refresh_token);
        self.with_login(&json!({
            "access_token": access_token, "refresh_token": refresh_token, "expires_at": expires_at,
            "client_id": "sandbox", "token_url": token_url,
        }))
    }

    /// Gives the token in a file of this JSON.
    pub(crate) fn with_login(mut self, login: &Value) -> Scenario {
        self.token = TokenPlace::File;
        self.write_private(TOKEN_FILE, login.to_string());
        self
    }

    /// The login in the token file.
    pub(crate) fn login(&self) -> Value {
        let content = self.read(TOKEN_FILE).expect("the token file is there");
        serde_json::from_slice(&content).expect("the token file is JSON at any time")
    }

    /// Adds these flags to the command of every run and check.
    pub(crate) fn flags<const N: usize>(mut self, flags: [&str; N]) -> Scenario {
        self.flags.extend(flags.map(str::to_owned));
        self
    }

    /// Runs without a rate limit of our own.
    pub(crate) fn unlimited(self) -> Scenario {
        self.flags(["--rate", "unlimited"])
    }

    /// Runs with this variable in the environment.
    pub(crate) fn variable(mut self, name: &str, value: &str) -> Scenario {
        self.variables.push((name.to_owned(), value.into()));
        self
    }

    /// Runs with this variable in the environment from now on.
    pub(crate) fn set_variable(&mut self, name: &str, value: &str) {
        self.variables.retain(|(known, _)| known != name);
        self.variables.push((name.to_owned(), value.into()));
    }

    /// Finds out what the API does with fields that an update leaves out.
    pub(crate) fn probing(self) -> Scenario {
        self.variable("CUSTSYNC_LEFT_OUT", "probe")
    }

    /// Runs with this variable in the environment; the value need not be UTF-8.
    pub(crate) fn raw_variable(mut self, name: &str, value: &[u8]) -> Scenario {
        self.variables
            .push((name.to_owned(), OsStr::from_bytes(value).to_owned()));
        self
    }

    /// Runs with this file mode creation mask.
    pub(crate) fn umask(self, octal: &'static str) -> Scenario {
        self.through(&format!("umask {octal}; exec"))
    }

    /// Runs behind this line of shell, as in `umask 077; exec`.
    pub(crate) fn through(mut self, line: &str) -> Scenario {
        self.through = Some(line.to_owned());
        self
    }

    /// Runs without a line of shell from now on.
    pub(crate) fn through_nothing(&mut self) {
        self.through = None;
    }

    /// Runs `custsync run` on the inputs, with server and run directory, and waits for its end.
    pub(crate) fn run<const N: usize>(&self, arguments: [&str; N]) -> End {
        self.start(arguments).end()
    }

    /// Starts `custsync run` as [`run`](Scenario::run) does.
    pub(crate) fn start<const N: usize>(&self, arguments: [&str; N]) -> Running<'_> {
        self.start_verb("run", &arguments)
    }

    /// Runs `custsync check` on the inputs, with the run directory, and waits for its end.
    pub(crate) fn check<const N: usize>(&self, arguments: [&str; N]) -> End {
        self.start_check(arguments).end()
    }

    /// Starts `custsync check` as [`check`](Scenario::check) does.
    pub(crate) fn start_check<const N: usize>(&self, arguments: [&str; N]) -> Running<'_> {
        self.start_verb("check", &arguments)
    }

    /// Runs `custsync undo` on the run directory, with the server, and waits for its end.
    pub(crate) fn undo<const N: usize>(&self, arguments: [&str; N]) -> End {
        self.start_undo(&arguments).end()
    }

    /// Starts `custsync undo` as [`undo`](Scenario::undo) does.
    pub(crate) fn start_undo(&self, arguments: &[&str]) -> Running<'_> {
        let url = self.url().expect("a server");
        let words = ["undo", RUN_DIR, "--base-url", &url, "--rate", "unlimited"];
        self.start_words(words.into_iter().chain(arguments.iter().copied()))
    }

    /// Runs custsync with these arguments and no others.
    pub(crate) fn custsync<const N: usize>(&self, arguments: [&str; N]) -> End {
        self.start_custsync(arguments).end()
    }

    /// Starts custsync with these arguments and no others.
    pub(crate) fn start_custsync<const N: usize>(&self, arguments: [&str; N]) -> Running<'_> {
        self.start_words(arguments)
    }

    /// Starts custsync with exactly these arguments, in any number.
    pub(crate) fn start_words<'a>(
        &self,
        arguments: impl IntoIterator<Item = &'a str>,
    ) -> Running<'_> {
        self.start_program(arguments.into_iter().map(OsString::from).collect())
    }

    /// Runs custsync with arguments that need not be UTF-8.
    pub(crate) fn custsync_raw(&self, arguments: &[&[u8]]) -> End {
        self.start_program(
            arguments
                .iter()
                .map(|argument| OsStr::from_bytes(argument).to_owned())
                .collect(),
        )
        .end()
    }

    /// Runs a line of shell, with custsync's directory first in `PATH`.
    pub(crate) fn shell(&self, line: &str) -> End {
        let program = Path::new(env!("CARGO_BIN_EXE_custsync"));
        let mut command = Command::new("/bin/sh");
        command
            .args(["-c", line])
            .env_clear()
            .envs(self.environment())
            .current_dir(self.directory.path());
        command.env(
            "PATH",
            program.parent().expect("the program has a directory"),
        );
        Running {
            scenario: self,
            process: Process::start(command, Vec::new()),
        }
        .end()
    }

    fn start_verb(&self, verb: &str, arguments: &[&str]) -> Running<'_> {
        let mut all = vec![verb.to_owned()];
        all.extend(self.inputs.iter().cloned());
        all.extend(["--run-dir".to_owned(), RUN_DIR.to_owned()]);
        if let Some(url) = self.url() {
            all.extend(["--base-url".to_owned(), url]);
        }
        if matches!(self.token, TokenPlace::File) {
            all.extend(["--token-file".to_owned(), TOKEN_FILE.to_owned()]);
        }
        all.extend(self.flags.iter().cloned());
        all.extend(arguments.iter().map(|argument| (*argument).to_owned()));
        self.start_program(all.into_iter().map(OsString::from).collect())
    }

    fn start_program(&self, arguments: Vec<OsString>) -> Running<'_> {
        let variables = self.environment();
        let program = Program {
            arguments,
            variables,
            stdin: self.stdin.clone(),
            through: self.through.clone(),
        };
        Running {
            scenario: self,
            process: program.start(self.directory.path()),
        }
    }

    fn environment(&self) -> Vec<(String, OsString)> {
        // Most tests count requests, so no customer is read to find out about fields left out.
        let mut variables = vec![("CUSTSYNC_LEFT_OUT".to_owned(), "trust".into())];
        variables.extend(self.variables.iter().cloned());
        match (&self.token, self.secret()) {
            (TokenPlace::Variable, Some(secret)) => {
                variables.push(("CUSTSYNC_TOKEN".to_owned(), secret.into()));
            }
            (TokenPlace::Variable | TokenPlace::File, _) => {}
        }
        variables
    }

    /// The URL before the paths of requests.
    pub(crate) fn url(&self) -> Option<String> {
        if self.reached_at.is_some() {
            return self.reached_at.clone();
        }
        match &self.target {
            Target::Unsaid => None,
            Target::Sandbox(sandbox) => Some(sandbox.base_url()),
            Target::Scripted(server) => Some(server.url()),
            Target::Another(url) => Some(url.clone()),
        }
    }

    /// The token that the server accepts.
    pub(crate) fn secret(&self) -> Option<String> {
        match &self.target {
            Target::Unsaid => None,
            Target::Sandbox(sandbox) => Some(sandbox.token().to_owned()),
            Target::Scripted(_) | Target::Another(_) => Some(SCRIPTED_TOKEN.to_owned()),
        }
    }

    /// The path of a file in the scenario's directory.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.directory.path().join(name)
    }

    /// Writes a file that is not an input.
    pub(crate) fn write(&self, name: &str, content: impl AsRef<[u8]>) {
        fs::write(self.path(name), content).expect("the scenario's directory can be written");
    }

    /// Writes a file that only its owner can read.
    pub(crate) fn write_private(&self, name: &str, content: impl AsRef<[u8]>) {
        self.write(name, content);
        fs::set_permissions(self.path(name), Permissions::from_mode(0o600)).expect("our own file");
    }

    /// Reads a file; `None` if it does not exist.
    pub(crate) fn read(&self, name: &str) -> Option<Vec<u8>> {
        fs::read(self.path(name)).ok()
    }

    /// Changes a file's bytes.
    pub(crate) fn edit(&self, name: &str, change: impl FnOnce(&mut Vec<u8>)) {
        let mut content = self.read(name).expect("the file is there");
        change(&mut content);
        self.write(name, content);
    }

    /// The updates that the sandbox has applied so far.
    pub(crate) fn ledger(&self) -> Ledger {
        Ledger::parse(&self.read(LEDGER).unwrap_or_default())
    }

    /// The sandbox's counts so far.
    pub(crate) fn counts(&self) -> Counts {
        self.sandbox_thread().counts()
    }

    /// Checks that the sandbox holds the result of these rows, applied in order.
    pub(crate) fn holds<'r>(&self, rows: impl Iterator<Item = &'r CustomerRow>) {
        self.holds_updates(rows.map(|row| (row.id, row.fields())));
    }

    /// Checks that the sandbox holds the result of these updates, applied in order.
    pub(crate) fn holds_updates(&self, updates: impl Iterator<Item = (u64, Map<String, Value>)>) {
        asking::holds(self.sandbox_thread(), updates);
    }

    /// A customer of the sandbox, as its API shows it.
    pub(crate) fn shown(&self, customer: u64) -> Value {
        asking::customer(self.sandbox_thread(), customer)
    }

    /// The sandbox.
    pub(crate) fn sandbox_thread(&self) -> &SandboxThread {
        match &self.target {
            Target::Sandbox(sandbox) => sandbox,
            Target::Unsaid | Target::Scripted(_) | Target::Another(_) => {
                panic!("the scenario has no sandbox")
            }
        }
    }

    /// The requests to the scripted server so far.
    pub(crate) fn requests(&self) -> Vec<Request> {
        match &self.target {
            Target::Scripted(server) => server.requests(),
            Target::Unsaid | Target::Sandbox(_) | Target::Another(_) => {
                panic!("the scenario has no scripted server")
            }
        }
    }
}

impl Running<'_> {
    /// Waits until the condition holds.
    pub(crate) fn until(mut self, what: &str, is_so: impl Fn(&Scenario) -> bool) -> Self {
        let scenario = self.scenario;
        self.process.wait_until(what, || is_so(scenario));
        self
    }

    /// The program's process.
    pub(crate) fn pid(&self) -> Pid {
        self.process.pid()
    }

    /// The program's standard error so far.
    pub(crate) fn stderr_so_far(&self) -> String {
        self.process.stderr_so_far()
    }

    /// The content of this file of `/proc` for the program.
    pub(crate) fn proc_file(&self, name: &str) -> Vec<u8> {
        self.process.proc_file(name)
    }

    /// Waits until the program has written this text to standard output or standard error.
    pub(crate) fn until_it_says(mut self, text: &str) -> Self {
        self.process.wait_until_it_says(text);
        self
    }

    /// Sends a signal to the program's only child process.
    pub(crate) fn signal_child(self, signal: Signal) -> Self {
        self.process.signal_child(signal);
        self
    }

    /// Sends the program a signal repeatedly, until it ends.
    pub(crate) fn signal_until_its_end(mut self, signal: Signal) -> Self {
        self.process.signal_until_its_end(signal);
        self
    }

    /// Sends the program a signal.
    pub(crate) fn signal(self, signal: Signal) -> Self {
        self.process.signal(signal);
        self
    }

    /// Waits for the program's end, without reading the files that it left.
    pub(crate) fn finish(self) -> Finished {
        self.process.finish()
    }

    /// Waits for the program's end, and returns the peak of its resident memory in KiB, too.
    pub(crate) fn finish_with_peak(self) -> (Finished, u64) {
        self.process.finish_with_peak()
    }

    /// The peak of the program's resident memory so far, in KiB; `None` once it has ended.
    pub(crate) fn memory_peak_kib(&self) -> Option<u64> {
        self.process.memory_peak_kib()
    }

    /// Kills the program once the condition holds, unless it has ended by then.
    pub(crate) fn killed_once(mut self, is_so: impl Fn(&Scenario) -> bool) -> End {
        let scenario = self.scenario;
        self.process.kill_once(|| is_so(scenario));
        self.end()
    }

    /// Waits for the program's end.
    pub(crate) fn end(self) -> End {
        End::of(self.process.finish(), self.scenario)
    }
}
