//! The beginning of a command that sends: the state that earlier processes left, and the schedule.

use std::ops::Range;
use std::sync::{Arc, OnceLock};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::commands::Failure;
use crate::commands::shared::start::Start;
use crate::commands::shared::{canary, row_range, start};
use crate::config::Settings;
use crate::config::sending::SendingSettings;
use crate::contract::{CountryNames, Field};
use crate::input::KnownInput;
use crate::journal::{Checkpoint, Outcome, Processes, Retry, RunDir};
use crate::pipeline::recorder::Earlier;
use crate::pipeline::resume::{AskedRows, LeftOut, Resume, Terms};
use crate::results::progress::EarlierRows;
use crate::results::timeline::TimelineFile;
use crate::row::Row;
use crate::schedule::{
    CanaryRules, History, Moment, RateSharing, ReadNeed, RetryPolicy, Rules, Schedule,
};

/// Returns the rows that earlier processes settled.
pub(in crate::commands) fn earlier_rows(earlier: Option<&Earlier>) -> EarlierRows {
    earlier.map_or_else(EarlierRows::default, |earlier| EarlierRows {
        rows: earlier.checkpoint.rows_settled(),
        bad: earlier.checkpoint.rows_settled_badly(),
    })
}

/// The rows of a run, and the state that earlier processes left.
pub(in crate::commands) struct Beginning {
    pub(in crate::commands) rows: Range<u64>,
    pub(in crate::commands) history: History,
    /// The canary, if the run begins with one.
    pub(in crate::commands) canary: Option<CanaryRules>,
    pub(in crate::commands) resume: Option<Resume>,
    pub(in crate::commands) earlier: Option<Earlier>,
    /// The earlier processes.
    pub(in crate::commands) processes: Processes,
}

/// Returns the beginning of a run. `rows` are those that this process is asked for.
pub(in crate::commands) fn beginning(
    start: Start,
    rows: Range<u64>,
    settings: &Settings,
    inputs: &[KnownInput],
) -> Beginning {
    let (checkpoint, entries, compare) = match start {
        Start::Fresh => {
            return Beginning {
                rows,
                history: History::default(),
                canary: canary::rules(&settings.sending, None),
                resume: None,
                earlier: None,
                processes: Processes::default(),
            };
        }
        Start::Continue {
            checkpoint,
            entries,
            compare,
        } => (checkpoint, entries, compare),
    };
    let gaps = Arc::new(OnceLock::new());
    let all = row_range::rows_with_settled(&rows, &checkpoint);
    let terms = Terms {
        asked: AskedRows::new(rows, row_range::of_failed_rows(inputs)),
        left_out: left_out(settings, &checkpoint),
    };
    Beginning {
        rows: all,
        history: history(&checkpoint, &settings.sending),
        canary: canary::rules(&settings.sending, Some(&checkpoint)),
        resume: Some(Resume::new(
            checkpoint.clone(),
            gaps.clone(),
            compare,
            terms,
        )),
        processes: checkpoint.processes().clone(),
        earlier: Some(Earlier {
            checkpoint,
            entries,
            gaps,
        }),
    }
}

/// The effect of a request on the fields that it leaves out, as far as known.
fn left_out(settings: &Settings, checkpoint: &Checkpoint) -> LeftOut {
    if checkpoint.facts().left_out_is_kept == Some(true) {
        LeftOut::Kept
    } else {
        settings.sending.left_out
    }
}

/// Returns the schedule of a run after this history.
pub(in crate::commands) fn schedule(
    settings: &Settings,
    sharing: RateSharing,
    reads: ReadNeed,
    history: History,
) -> Result<Schedule<Row>, Failure> {
    let rules = rules(&settings.sending, sharing, reads).map_err(Failure::unusable)?;
    Ok(Schedule::new(rules, history, seed()).with_countries(country_names(settings)))
}

/// Opens the timeline of a run.
pub(in crate::commands) fn timeline(start: &Start, run_dir: &RunDir) -> TimelineFile {
    match start {
        Start::Fresh => TimelineFile::begin(run_dir),
        Start::Continue { .. } => TimelineFile::resume(run_dir),
    }
}

/// The names of countries that the user maps to ids (`[values.country_id]`).
fn country_names(settings: &Settings) -> CountryNames {
    let texts = settings.input.rows.cells.values.texts();
    CountryNames::of_texts(
        texts.filter_map(|(field, text, id)| (field == Field::CountryId).then_some((text, id))),
    )
}

fn rules(
    sending: &SendingSettings,
    sharing: RateSharing,
    reads: ReadNeed,
) -> anyhow::Result<Rules> {
    Ok(Rules {
        rate: sending.rate,
        sharing,
        in_flight_max: sending.max_in_flight.get(),
        retry: RetryPolicy::new(sending.attempts.get())?,
        error_limit: sending.max_errors,
        echo: sending.echo,
        wait_max: sending.max_wait,
        timeout: sending.timeout,
        grace: sending.grace,
        reads,
    })
}

/// Returns the history of earlier processes for the schedule. Rows that are sent again do not
/// count.
fn history(checkpoint: &Checkpoint, settings: &SendingSettings) -> History {
    let rejected = match settings.retry() {
        Retry::Failed | Retry::Conflict => checkpoint.count(Outcome::Rejected),
        Retry::Rejected => 0,
    };
    let not_before = Moment::after_start(start::named_wait_left(checkpoint, settings));
    let errors = checkpoint.count(Outcome::Invalid) + rejected;
    History {
        ended: checkpoint.count(Outcome::Updated) + errors,
        errors,
        answered: checkpoint.answered(),
        not_before,
    }
}

/// Returns a seed that differs from process to process, so that jitter does too.
fn seed() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::from(since.subsec_nanos())
        ^ since.as_secs().rotate_left(32)
        ^ u64::from(std::process::id()).rotate_left(48)
}
