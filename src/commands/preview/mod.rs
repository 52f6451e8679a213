//! `custsync preview`: read the customers, and tell what a run would change.
//!
//! The rows are read and checked first, as by a check, and kept by their customers. Then each customer
//! is read, and compared with its rows. Only reads are sent.

mod reads;
mod sample;

use std::sync::Arc;
use std::{fs, io};

use anyhow::anyhow;
use tracing::{info, warn};

use self::reads::Reads;
use crate::commands::shared::command_line::CommandLine;
use crate::commands::shared::finish::{Finish, StartedAt};
use crate::commands::shared::next_steps::Typed;
use crate::commands::shared::private_folder::PrivateFolder;
use crate::commands::shared::server::Server;
use crate::commands::shared::shared_rate::SharedRate;
use crate::commands::shared::{
    descriptors, fresh, inputs, notices, reading, row_range, shards, start, unique, without_effect,
};
use crate::commands::{CommandEnd, Failure};
use crate::config::Settings;
use crate::config::sending::EqualRows;
use crate::contract::{FillRule, ProjectionRules, RequestKind};
use crate::journal::{Purpose, RunDir, RunKey};
use crate::pipeline::recorder::{Inputs, Recorder};
use crate::pipeline::{self, Bounds};
use crate::plan::{RequestsWriter, SeenWriter};
use crate::preview::{
    ChangeList, CustomerRows, CustomerRowsWriter, Findings, PREVIEW_NAME, PreviewError,
    PreviewFiles, Previewer,
};
use crate::process::signals::Signals;
use crate::results::failed_rows::FailedRows;
use crate::results::progress::RunProgress;
use crate::results::summary::InputNames;
use crate::row::{Row, RowContent};
use crate::schedule::StopReason;
use crate::terminal::Terminal;
use crate::text;

/// The folder of the results of reads, in the run directory of a preview that works.
const READS_NAME: &str = "reads";
/// The customers of whom the API has to know one. A few new ones are no sign of a wrong address.
const UNKNOWN_MIN: u64 = 20;
/// The flags that have no effect on a preview.
const WITHOUT_EFFECT: [&str; 7] = [
    "canary",
    "metrics-file",
    "metrics-addr",
    "metrics-push-file",
    "publish",
    "ping-url-file",
    "undoable",
];

/// Tells what a run of the inputs would change. `line` is the command as typed, to print commands that
/// can follow it.
pub(crate) fn preview(
    settings: &Settings,
    line: &CommandLine,
    signals: &Signals,
) -> Result<CommandEnd, Failure> {
    let started_at = StartedAt::now();
    let terminal = Terminal::new(settings);
    refuse_what_compares_nights(settings)?;
    without_effect::tell(settings, &WITHOUT_EFFECT, "a preview sends no update");
    unique::refuse_streams(settings)?;
    notices::check_addresses(settings)?;
    let known = inputs::inspect(&settings.input, None)?;
    let format = settings.output.failed_format;
    format.check(&known.inputs).map_err(Failure::unusable)?;
    let shard = shards::of(settings, &known.inputs)?;
    descriptors::require()?;
    let server = Server::of(settings, Purpose::Preview)?;
    let grant = server.token_source().read().map_err(Failure::unusable)?;
    let rate = SharedRate::open(settings, server.base_url())?;
    let typed = Typed::new(line, settings, &known.inputs);
    let run_dir = match &settings.output.run_dir {
        Some(path) => fresh::create(path)?,
        None => fresh::create(&fresh::path(&settings.input.files, &known.inputs))?,
    };
    let started = start::for_preview(run_dir, settings, &known.inputs, shard)?;
    let run_dir = started.run_dir;
    let folder = PrivateFolder::inside(run_dir.path(), READS_NAME);
    let folder = folder.map_err(Failure::run_directory)?;
    let reads = Reads::begin(settings, server, grant, rate, folder.path(), &known.inputs)?;
    info!("recording in {}", text::safe_path(run_dir.path()));
    let failed = FailedRows::at_once(run_dir.clone(), &known.inputs, format);
    let inputs_of_rows = Inputs::of(known.inputs.len());
    let recorder = Recorder::new(started.journal, failed, None, inputs_of_rows);
    let mut survey = Survey::begin(&run_dir)?;
    let files = files(settings, &run_dir, started.key, &known.names)?;
    let rows = row_range::rows(&settings.input);
    let reading = reading::of(settings, known.inputs, &rows, started.key, shard)?;
    let progress = Arc::new(RunProgress::default());
    let progress_guard = terminal.show_progress(progress.clone(), known.total_bytes);
    let bounds = Bounds {
        error_limit: settings.sending.max_errors,
        threads: pipeline::threads(),
        drain: signals.drain(),
    };
    let surveyed = pipeline::survey(reading, recorder, &bounds, &progress, |row| survey.add(row))
        .map_err(Failure::unusable)?;
    drop(progress_guard);
    if let Some(error) = surveyed.fault {
        return Err(Failure::run_directory(error));
    }
    let (checked, mut recorded) = (surveyed.checked, surveyed.recorded);
    let mut ended = PreviewEnd {
        stop: checked.stop,
        findings: None,
    };
    if ended.stop.is_none() && checked.input_fault.is_none() && recorded.fault.is_none() {
        let (planned, requests) = survey.finish()?;
        let previewer = Previewer::new(planned.clone(), rules(settings), files);
        let done = reads.carry_out(&run_dir, &planned, previewer, &terminal, signals)?;
        ended.stop = done.stop;
        match done.findings {
            Ok(findings) => ended.findings = Some(findings),
            Err(error) => {
                recorded.fault.get_or_insert(error.into());
            }
        }
        let may_be_plan = settings.preview.sample.is_none() && ended.is_whole();
        if may_be_plan && recorded.fault.is_none() {
            let rows = requests.last_row();
            requests.finish(rows).map_err(Failure::run_directory)?;
        }
    }
    tell_of_an_end(&ended, &run_dir);
    warn_of_unknown_customers(ended.findings.as_ref());
    let finish = Finish {
        command: Purpose::Preview,
        settings,
        names: known.names,
        run_dir,
        is_kept: true,
        started_at,
        read: checked.read,
        read_to: checked.read_to,
        rows,
        rows_in_all: None,
        stop: ended.stop,
        route: None,
        input_fault: checked.input_fault,
        recorded,
        sending: None,
        typed,
        until: None,
        printed: Ok(()),
        preview: ended.findings,
    };
    let end = finish.finish(&terminal);
    drop(folder);
    end
}

/// The rules by which a run of these settings makes requests.
fn rules(settings: &Settings) -> ProjectionRules {
    ProjectionRules {
        kind: if settings.sending.complete {
            RequestKind::Complete
        } else {
            RequestKind::Partial
        },
        fill: FillRule::new(settings.sending.fill),
        skips_equal: settings.sending.equal == EqualRows::Skipped,
    }
}

/// The end of a preview.
struct PreviewEnd {
    stop: Option<StopReason>,
    findings: Option<Findings>,
}

impl PreviewEnd {
    /// Whether all customers were read.
    fn is_whole(&self) -> bool {
        let findings = self.findings.as_ref();
        self.stop.is_none() && findings.is_some_and(|findings| findings.not_read == 0)
    }
}

/// The rows of the input, as they are kept for the reading of customers and for a plan.
struct Survey {
    rows: CustomerRowsWriter,
    requests: RequestsWriter,
}

impl Survey {
    /// Begins their files in the run directory. An earlier plan there is removed.
    fn begin(run_dir: &RunDir) -> Result<Survey, Failure> {
        let rows = CustomerRowsWriter::create(run_dir.path());
        let requests = RequestsWriter::create(run_dir);
        Ok(Survey {
            rows: rows.map_err(Failure::run_directory)?,
            requests: requests.map_err(Failure::run_directory)?,
        })
    }

    fn add(&mut self, row: &Row) -> Result<(), PreviewError> {
        let request = match &row.content {
            RowContent::Update { request, .. } => Some(*request),
            RowContent::Invalid(_)
            | RowContent::Superseded
            | RowContent::Unchanged
            | RowContent::Elsewhere => None,
        };
        self.requests.add(row.position.row, request)?;
        Ok(self.rows.add(row)?)
    }

    fn finish(self) -> Result<(Arc<CustomerRows>, RequestsWriter), Failure> {
        let rows = self.rows.finish().map_err(Failure::run_directory)?;
        Ok((Arc::new(rows), self.requests))
    }
}

/// Begins the files that a preview leaves. A list that an earlier preview left is replaced or removed.
fn files(
    settings: &Settings,
    run_dir: &RunDir,
    key: RunKey,
    names: &InputNames,
) -> Result<PreviewFiles, Failure> {
    let list = if settings.preview.hashes_only {
        match fs::remove_file(run_dir.file(PREVIEW_NAME)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                return Err(Failure::run_directory(error));
            }
            Ok(()) | Err(_) => None,
        }
    } else {
        let list = ChangeList::create(run_dir, names.place_names().to_vec());
        Some(list.map_err(Failure::run_directory)?)
    };
    let plan = match settings.preview.sample {
        Some(_) => None,
        None => Some(SeenWriter::create(run_dir, key).map_err(Failure::run_directory)?),
    };
    Ok(PreviewFiles { list, plan })
}

/// Warns that a list is not complete.
fn tell_of_an_end(ended: &PreviewEnd, run_dir: &RunDir) {
    let unread = ended.findings.as_ref().map(|findings| findings.not_read);
    if ended.stop.is_some() && unread.is_some_and(|unread| unread > 0) {
        warn!(
            "{} lacks the customers who were not read",
            run_dir.display_path(PREVIEW_NAME)
        );
    }
}

/// Warns if the API knows none of many customers, which is rarely intended.
fn warn_of_unknown_customers(findings: Option<&Findings>) {
    let none = findings.filter(|findings| findings.knows_none());
    if let Some(customers) = none.map(|findings| findings.not_found)
        && customers >= UNKNOWN_MIN
    {
        warn!(
            "the API knows none of the {} customers (404): check --base-url and --tenant",
            text::grouped(customers)
        );
    }
}

/// Refuses a state: whether a row would be sent, the state decides and not the API.
fn refuse_what_compares_nights(settings: &Settings) -> Result<(), Failure> {
    if settings.nightly.state.is_none() {
        return Ok(());
    }
    Err(Failure::unusable(anyhow!(
        "--state compares with earlier runs, and a preview with the API: use `custsync check --state` to see what a night would send; nothing was sent"
    )))
}
