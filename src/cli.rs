//! From the command line to a verb and back to an exit code.

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, anyhow};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use crate::args::Args;
use crate::commands::{self, Failure};
use crate::config::{ConfigFile, Settings, Task};
use crate::contract::field_table;
use crate::crash;
use crate::exit::Exit;
use crate::signals::{Signals, StopSignal, Watch, WorkEnd};
use crate::terminal;
use crate::text;

/// The configuration file that is read where nobody names one.
const CONFIG_FILE: &str = "custsync.toml";

/// The process.
pub fn main() -> ExitCode {
    allow_all_descriptors();
    let watch = Watch::install();
    forbid_core_dumps();
    crash::watch(terminal::say_fault);
    let task = Arc::new(OnceLock::new());
    let work = {
        let task = task.clone();
        move |signals| dispatch(&std::env::args_os().collect::<Vec<_>>(), &signals, &task)
    };
    let ended = match watch.and_then(|watch| watch.over(work)) {
        Ok(WorkEnd::Returned(Ok(ended))) => ended,
        // It was told where it happened.
        Ok(WorkEnd::Returned(Err(_))) => return Exit::Fault.into(),
        Ok(WorkEnd::Signalled(signal)) => Err(signalled(signal, task.get().copied())),
        Err(error) => Err(Failure::unusable(anyhow!(error).context("signals cannot be watched for"))),
    };
    match ended {
        // Of a thread that the work could do without.
        Ok(_) if crash::message().is_some() => Exit::Fault.into(),
        Ok(exit) => exit.into(),
        Err(Failure { exit, error }) => {
            terminal::say_error(&format_args!("{error:#}"));
            exit.into()
        }
    }
}

/// A core dump would hold the token and the customers. Where it cannot be forbidden, the system's own limit holds.
fn forbid_core_dumps() {
    setrlimit(Resource::Core, Rlimit { current: Some(0), maximum: Some(0) }).ok();
}

/// A connection takes a file descriptor, and the usual limit of 1,024 is for programs older than large ones. Where it cannot be
/// raised, fewer requests are in flight.
fn allow_all_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(Resource::Nofile, Rlimit { current: maximum, maximum }).ok();
}

/// A signal came before there was anything to drain.
fn signalled(signal: StopSignal, task: Option<Task>) -> Failure {
    let reason = signal.reason();
    let what = match task {
        Some(Task::Run) => "; nothing was sent",
        Some(Task::Check) => "; nothing was checked",
        Some(Task::Sandbox | Task::Config | Task::Login | Task::Logout | Task::Token) | None => "",
    };
    Failure { exit: Exit::from(&reason), error: anyhow!("{reason}{what}") }
}

fn dispatch(arguments: &[OsString], signals: &Signals, known_task: &OnceLock<Task>) -> Result<Exit, Failure> {
    let fields = format!("Fields of a row (`--map COLUMN=FIELD`):\n{}", field_table());
    let args = match Args::parse_from(arguments, &fields) {
        Ok(args) => args,
        Err(answer) => return answer_by_clap(&answer),
    };
    let task = *known_task.get_or_init(|| args.task());
    let settings = settings(&args).map_err(Failure::unusable)?;
    match task {
        Task::Run => commands::run::run(&settings, arguments, signals),
        Task::Check => commands::check::check(&settings, signals),
        Task::Sandbox => commands::sandbox::sandbox(&settings, signals),
        Task::Login => commands::login::login(&settings),
        Task::Logout => commands::login::logout(&settings),
        Task::Token => commands::login::token(&settings),
        Task::Config => {
            terminal::print(&commands::config::render(&settings)).map_err(Failure::stdout)?;
            Ok(Exit::Success)
        }
    }
}

/// Help and version go to stdout, usage errors to stderr. These repeat what was typed, which may be the name of somebody
/// else's file.
fn answer_by_clap(answer: &clap::Error) -> Result<Exit, Failure> {
    if answer.use_stderr() {
        terminal::say(answer.render().to_string().trim_end());
        return Ok(Exit::Unusable);
    }
    terminal::printed(answer.print()).map_err(Failure::stdout)?;
    Ok(Exit::Success)
}

fn settings(args: &Args) -> anyhow::Result<Settings> {
    let file = match args.config_file() {
        Some(path) => Some(read_config(path)?),
        None if Path::new(CONFIG_FILE).is_file() => Some(read_config(Path::new(CONFIG_FILE))?),
        None => None,
    };
    Ok(Settings::resolve(args.typed(), std::env::vars_os(), file)?)
}

fn read_config(path: &Path) -> anyhow::Result<ConfigFile> {
    let read = || -> io::Result<ConfigFile> {
        Ok(ConfigFile { path: PathBuf::from(path), contents: fs::read_to_string(path)? })
    };
    read().with_context(|| format!("the configuration file {} cannot be read", text::safe_path(path)))
}
