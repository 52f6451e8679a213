//! `custsync state`: shows what is known of earlier runs, and forgets it.

use std::fmt::Write as _;
use std::path::Path;

use anyhow::anyhow;
use jiff::Timestamp;
use serde::Serialize;

use crate::commands::Failure;
use crate::config::output::OutputFormat;
use crate::contract::CustomerId;
use crate::journal::milliseconds;
use crate::process::exit::Exit;
use crate::state::{self, State, StateError, StateInfo, StateLock};
use crate::terminal;
use crate::text::{grouped, safe, safe_path, utc_second};

/// The action on a state.
#[derive(Debug)]
pub(crate) enum StateAction<'a> {
    /// Shows it.
    Show {
        /// The file.
        path: &'a Path,
        /// The format on stdout.
        format: OutputFormat,
    },
    /// Marks customers as unknown.
    Forget {
        /// The file.
        path: &'a Path,
        /// The customers; `None` means all.
        customers: Option<&'a Vec<u64>>,
    },
}

/// A state, as JSON.
#[derive(Serialize)]
struct Shown<'a> {
    state: String,
    base_url: &'a str,
    tenant: Option<u64>,
    customers: u64,
    unknown: u64,
    absent: u64,
    bytes: u64,
    version: &'a str,
    #[serde(with = "milliseconds")]
    created: Timestamp,
    #[serde(with = "milliseconds")]
    changed: Timestamp,
    last_run: Option<LastRun<'a>>,
    next_resync_part: Option<Part>,
    left_out_is_kept: Option<bool>,
}

/// The run that used a state last.
#[derive(Serialize)]
struct LastRun<'a> {
    run_dir: &'a str,
    #[serde(with = "milliseconds")]
    began: Timestamp,
    /// Whether its results are in the state.
    taken_over: bool,
}

/// One of several parts of the customers.
#[derive(Serialize)]
struct Part {
    part: u32,
    of: u32,
}

/// Carries out an action on a state.
pub(crate) fn state(action: &StateAction<'_>) -> Result<Exit, Failure> {
    match action {
        StateAction::Show { path, format } => {
            let state = open(path, StateLock::try_share)?;
            let text = match format {
                OutputFormat::Text => in_words(path, state.info()),
                OutputFormat::Json => {
                    let json = serde_json::to_string_pretty(&shown(path, state.info()))
                        .expect("texts and numbers, written to memory, cannot fail");
                    format!("{json}\n")
                }
            };
            terminal::print(&text).map_err(Failure::stdout)?;
        }
        StateAction::Forget { path, customers } => {
            let mut state = open(path, StateLock::try_take)?;
            // A result that is not taken over yet would count after what is forgotten.
            if let Some(night) = state.info().night.clone().filter(|night| !night.is_folded) {
                state::fold(&mut state, &night).map_err(Failure::run_directory)?;
            }
            let known = known(&state, customers.map(Vec::as_slice))?;
            state::forget_customers(&mut state, &known).map_err(Failure::run_directory)?;
            let count = grouped(u64::try_from(known.len()).unwrap_or(u64::MAX));
            let text = format!(
                "The state knows nothing of {count} of its customers any more: the next run sends them again.\n"
            );
            terminal::print(&text).map_err(Failure::stdout)?;
        }
    }
    Ok(Exit::Success)
}

fn open(path: &Path, lock: fn(&Path) -> Result<StateLock, StateError>) -> Result<State, Failure> {
    let missing = || {
        Failure::unusable(anyhow!(
            "there is no state {}: is the volume mounted?",
            safe_path(path)
        ))
    };
    // A lock would leave a file behind.
    if !path.exists() {
        return Err(missing());
    }
    let lock = lock(path).map_err(Failure::run_directory)?;
    let state = State::open_any(lock).map_err(Failure::run_directory)?;
    state.ok_or_else(missing)
}

/// Returns those of the customers whom the state has. All of them must be there.
fn known(state: &State, customers: Option<&[u64]>) -> Result<Vec<u64>, Failure> {
    let mut known = Vec::new();
    let Some(customers) = customers else {
        let all = state.for_each(|customer, _| known.push(customer));
        all.map_err(Failure::run_directory)?;
        return Ok(known);
    };
    let entries = state.look_up(customers).map_err(Failure::run_directory)?;
    for (customer, entry) in customers.iter().zip(entries) {
        if entry.is_none() || CustomerId::new(*customer).is_err() {
            return Err(Failure::unusable(anyhow!(
                "the state has no customer {customer}; nothing was forgotten"
            )));
        }
        known.push(*customer);
    }
    known.sort_unstable();
    known.dedup();
    Ok(known)
}

fn shown<'a>(path: &Path, info: &'a StateInfo) -> Shown<'a> {
    Shown {
        state: safe_path(path),
        base_url: &info.identity.base_url,
        tenant: info.identity.tenant,
        customers: info.customers,
        unknown: info.unknown,
        absent: info.absent,
        bytes: info.bytes,
        version: &info.version,
        created: info.created,
        changed: info.changed,
        last_run: info.night.as_ref().map(|night| LastRun {
            run_dir: &night.directory,
            began: night.at,
            taken_over: night.is_folded,
        }),
        next_resync_part: info.resync.map(|turn| Part {
            part: turn.next + 1,
            of: turn.of,
        }),
        left_out_is_kept: info.left_out_is_kept,
    }
}

fn in_words(path: &Path, info: &StateInfo) -> String {
    let tenant = (info.identity.tenant).map_or(String::new(), |id| format!(", tenant {id}"));
    let mut lines = vec![
        ("state", safe_path(path)),
        ("of", format!("{}{tenant}", safe(&info.identity.base_url))),
        ("customers", grouped(info.customers)),
        ("unknown", grouped(info.unknown)),
        ("absent", grouped(info.absent)),
        ("begun", utc_second(info.created)),
        (
            "changed",
            format!(
                "{}, by custsync {}",
                utc_second(info.changed),
                safe(&info.version)
            ),
        ),
    ];
    if let Some(night) = &info.night {
        let what = if night.is_folded {
            ""
        } else {
            ", whose results are not taken over yet"
        };
        lines.push(("last run", format!("{}{what}", safe(&night.directory))));
    }
    if let Some(turn) = info.resync {
        lines.push((
            "resync",
            format!("part {} of {} is next", turn.next + 1, turn.of),
        ));
    }
    if let Some(kept) = info.left_out_is_kept {
        let what = if kept { "kept" } else { "cleared" };
        lines.push((
            "left out",
            format!("fields that an update leaves out are {what}"),
        ));
    }
    lines.push(("bytes", grouped(info.bytes)));
    let mut text = String::new();
    for (name, value) in lines {
        writeln!(text, "{name:<10} {value}").expect("writing to a String cannot fail");
    }
    text
}
