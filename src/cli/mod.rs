//! The process: from the command line to a verb, and back to an exit code.

pub mod args;
mod topics;

use std::ffi::OsString;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::{Arc, OnceLock};

use anyhow::{Context as _, anyhow};
use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

use self::args::{Args, setting_help, with_roles};
use crate::commands::early_end::{EarlyEnd, Followers, Quoted};
use crate::commands::{self, CommandEnd, Failure};
use crate::config::{ConfigError, ConfigFile, Settings, USUAL_FILE, Verb};
use crate::contract::field_table;
use crate::download::shown_word;
use crate::process::crash;
use crate::process::exit::Exit;
use crate::process::signals::{SignalHandlers, Signals, StopSignal, WorkEnd};
use crate::terminal;
use crate::text;

/// The settings for reporting an early end, once they are known.
type SharedEarlyEnd = OnceLock<EarlyEnd>;

/// Runs the process.
pub fn main() -> ExitCode {
    allow_all_descriptors();
    let handlers = SignalHandlers::install();
    forbid_core_dumps();
    crash::report_panics(terminal::print_fault);
    let mut handlers = match handlers {
        Ok(handlers) => handlers,
        Err(error) => return ExitCode::from(end(Some(Err(no_signals(error))), None).code),
    };
    let known = Arc::new(SharedEarlyEnd::new());
    let work = {
        let known = known.clone();
        move |signals| dispatch(&std::env::args_os().collect::<Vec<_>>(), &signals, &known)
    };
    let ended = match handlers.run(work) {
        Ok(WorkEnd::Returned(ended)) => ended.ok(),
        Ok(WorkEnd::Signalled(signal)) => {
            Some(Err(signalled(signal, known.get().map(EarlyEnd::verb))))
        }
        Err(error) => Some(Err(no_signals(error))),
    };
    let end = end(ended, known.get());
    let code = end.code;
    if has_followers(&end, known.get()) {
        // Whatever becomes of it, the exit code stays.
        let followed = handlers.run(move |signals| follow(&end, &known, &signals));
        if matches!(followed, Ok(WorkEnd::Signalled(_))) {
            terminal::print_warning(&"nobody is told of the end: a signal came");
        }
    }
    ExitCode::from(code)
}

/// Returns the end of the process, and reports one that has no summary. `ended` is `None` if the
/// work panicked.
fn end(ended: Option<Result<CommandEnd, Failure>>, known: Option<&EarlyEnd>) -> CommandEnd {
    let report = |exit: Exit, message: &str, quoted: Quoted| {
        let told = known.and_then(|known| {
            known.report(exit, message);
            known.told(exit, message, quoted)
        });
        CommandEnd {
            code: exit.code(),
            told: told.map(Box::new),
        }
    };
    match (ended, crash::message()) {
        (Some(Err(failure)), _) => {
            let message = failure.message();
            terminal::print_error(&message);
            let quoted = if failure.error.is::<ConfigError>() {
                Quoted::Settings
            } else {
                Quoted::Nothing
            };
            report(failure.exit, &message, quoted)
        }
        // The panic was reported where it happened.
        (None, message) => report(Exit::Fault, message.unwrap_or_default(), Quoted::Nothing),
        // A thread panicked that the work could do without.
        (Some(Ok(end)), Some(_)) => CommandEnd {
            code: Exit::Fault.code(),
            told: end.told.map(|told| Box::new(told.by_a_fault())),
        },
        (Some(Ok(end)), None) => end,
    }
}

/// Whether something follows the end.
fn has_followers(end: &CommandEnd, known: Option<&EarlyEnd>) -> bool {
    end.told.is_some() || known.is_some_and(|known| known.followers().any())
}

/// Does what follows the end, when summary and report are written and the journal is closed: the
/// metrics are published and the files copied for the last time, and then others are told, if the settings
/// ask for it. A
/// signal ends the wait for those who are slow.
fn follow(end: &CommandEnd, known: &SharedEarlyEnd, signals: &Signals) {
    let Some(known) = known.get() else { return };
    let Followers { metrics, publish } = known.followers();
    if let Some(metrics) = metrics {
        metrics.end(end.code, signals.drain());
    }
    if let Some(publish) = publish {
        publish.end(end.code, signals.drain());
    }
    if let Some(told) = &end.told {
        commands::notices::tell(told, known.notices(), signals);
    }
}

fn no_signals(error: io::Error) -> Failure {
    Failure::unusable(anyhow!(error).context("the signal handlers cannot be installed"))
}

/// Disables core dumps, which would hold the token and the customers. If that fails, the system's
/// limit applies.
fn forbid_core_dumps() {
    setrlimit(
        Resource::Core,
        Rlimit {
            current: Some(0),
            maximum: Some(0),
        },
    )
    .ok();
}

/// Raises the limit of file descriptors to its maximum: each connection takes one. If that fails,
/// fewer requests are in flight.
fn allow_all_descriptors() {
    let Rlimit { maximum, .. } = getrlimit(Resource::Nofile);
    setrlimit(
        Resource::Nofile,
        Rlimit {
            current: maximum,
            maximum,
        },
    )
    .ok();
}

/// Returns the failure for a signal that came before there was anything to drain.
fn signalled(signal: StopSignal, verb: Option<Verb>) -> Failure {
    let reason = signal.reason();
    let what = verb.map_or("", Verb::nothing_done);
    Failure {
        exit: Exit::from(&reason),
        error: anyhow!("{reason}{what}"),
    }
}

fn dispatch(
    arguments: &[OsString],
    signals: &Signals,
    known: &SharedEarlyEnd,
) -> Result<CommandEnd, Failure> {
    let fields = format!("Fields of a row (`--map COLUMN=FIELD`):\n{}", field_table());
    let args = match Args::parse_from(arguments, &fields) {
        Ok(args) => args,
        Err(answer) => {
            return match topics::asked_for(arguments) {
                Some(word) => help_on(word, &answer),
                None => answer_by_clap(&answer, arguments, known),
            };
        }
    };
    // A page needs no settings, so that none can be wrong.
    if let Some(page) = args.page(&fields) {
        return print(&page);
    }
    // Neither do the verbs about run directories.
    if let Some((directories, form, expected)) = args.report() {
        return commands::report::report(directories, &form, expected).map(CommandEnd::from);
    }
    if let Some((directories, deletion, format)) = args.forget() {
        return commands::forget::forget(directories, deletion, format).map(CommandEnd::from);
    }
    if let Some(action) = args.state() {
        return commands::state::state(&action).map(CommandEnd::from);
    }
    let (verb, file) = (args.verb(), config_file(&args));
    let early_end = known.get_or_init(|| {
        let read = file.as_ref().ok().cloned().flatten();
        let end = EarlyEnd::of(verb, args.cli_input(), read);
        let is_trial = args.undo().is_some_and(|options| options.is_dry);
        if is_trial { end.of_a_trial() } else { end }
    });
    let file = file.map_err(Failure::unusable)?;
    let settings = Settings::resolve(args.cli_input(), std::env::vars_os(), file)
        .map_err(Failure::unusable)?;
    match verb {
        Verb::Run => {
            let line = with_roles(arguments);
            commands::run::run(&settings, &line, signals, early_end.followers())
        }
        Verb::Undo => {
            let options = args.undo().expect("the verb has its options");
            let line = with_roles(arguments);
            commands::undo::undo(&settings, &options, &line, signals, early_end.followers())
        }
        Verb::Check => commands::check::check(&settings, &with_roles(arguments), signals),
        Verb::Preview => {
            let line = with_roles(arguments);
            commands::preview::preview(&settings, &line, signals)
        }
        Verb::Sandbox => commands::sandbox::sandbox(&settings, signals).map(CommandEnd::from),
        Verb::Login => commands::login::login(&settings).map(CommandEnd::from),
        Verb::Logout => commands::logout::logout(&settings).map(CommandEnd::from),
        Verb::Token => commands::token::token(&settings).map(CommandEnd::from),
        Verb::Config => {
            commands::config::show(&settings)?;
            Ok(Exit::Success.into())
        }
        // They were served above.
        Verb::Report | Verb::Forget | Verb::State => Ok(Exit::Success.into()),
        Verb::Page => print(&args.page(&fields).unwrap_or_default()),
        Verb::ConfigInit => {
            let path = args.output_file().unwrap_or(Path::new(USUAL_FILE));
            commands::config::init(&settings, path, &setting_help())?;
            Ok(Exit::Success.into())
        }
    }
}

/// Prints the help on a verb or a page of the documentation to stdout. `answer` is clap's, which
/// knows the verbs. Some words are both: the page follows the flags.
fn help_on(word: &str, answer: &clap::Error) -> Result<CommandEnd, Failure> {
    let is_verb = !answer.use_stderr();
    if is_verb {
        terminal::flushed(answer.print()).map_err(Failure::stdout)?;
    }
    match topics::page(word) {
        Some(page) => {
            let gap = if is_verb { "\n" } else { "" };
            terminal::print(&format!("{gap}{page}")).map_err(Failure::stdout)?;
        }
        None if is_verb => {}
        None => {
            let command = args::command("");
            let verbs = command.get_subcommands().map(clap::Command::get_name);
            return Err(Failure::unusable(topics::unknown(word, verbs)));
        }
    }
    Ok(Exit::Success.into())
}

fn print(page: &str) -> Result<CommandEnd, Failure> {
    terminal::print(page).map_err(Failure::stdout)?;
    Ok(Exit::Success.into())
}

/// Prints help and version to stdout, and usage errors to stderr. Usage errors repeat the command
/// line, which may contain file names from others, and are escaped.
fn answer_by_clap(
    answer: &clap::Error,
    arguments: &[OsString],
    known: &SharedEarlyEnd,
) -> Result<CommandEnd, Failure> {
    if !answer.use_stderr() {
        terminal::flushed(answer.print()).map_err(Failure::stdout)?;
        return Ok(Exit::Success.into());
    }
    let message = without_queries(answer.render().to_string(), arguments);
    let (exit, message) = (Exit::Unusable, message.trim_end());
    terminal::print_notice(message);
    // A file that cannot be read is no second error.
    let file = existing_config(EarlyEnd::config_of_words(arguments).as_deref());
    let told = EarlyEnd::of_words(arguments, file.ok().flatten()).and_then(|end| {
        let end = known.get_or_init(|| end);
        end.report(exit, message);
        end.told(exit, message, Quoted::Settings)
    });
    Ok(CommandEnd {
        code: exit.code(),
        told: told.map(Box::new),
    })
}

/// Replaces each address among the arguments, of which only a part may be shown, in a message.
fn without_queries(message: String, arguments: &[OsString]) -> String {
    arguments.iter().fold(message, |message, word| {
        match (word.to_str(), shown_word(word).to_str()) {
            (Some(word), Some(shown)) if word != shown => message.replace(word, shown),
            _ => message,
        }
    })
}

/// Reads the configuration file that is named, or the default one if it exists. A new file of
/// settings is made from the command line alone: it is to be complete without another file.
fn config_file(args: &Args) -> anyhow::Result<Option<ConfigFile>> {
    match args.config_file() {
        None if args.verb() == Verb::ConfigInit => Ok(None),
        named => existing_config(named),
    }
}

/// Reads this configuration file, or the default one if none is named and it exists.
fn existing_config(named: Option<&Path>) -> anyhow::Result<Option<ConfigFile>> {
    match named {
        Some(path) => read_config(path).map(Some),
        None if Path::new(USUAL_FILE).is_file() => read_config(Path::new(USUAL_FILE)).map(Some),
        None => Ok(None),
    }
}

fn read_config(path: &Path) -> anyhow::Result<ConfigFile> {
    let read = || -> io::Result<ConfigFile> {
        Ok(ConfigFile {
            path: PathBuf::from(path),
            contents: fs::read_to_string(path)?,
        })
    };
    read().with_context(|| {
        format!(
            "the configuration file {} cannot be read",
            text::safe_path(path)
        )
    })
}
